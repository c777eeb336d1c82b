"""`gitexport push`: published means read back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fixtures.journey import Journey
from tests.fixtures.repositories import git


def add_remote(journey: Journey, path: Path) -> None:
    """Makes an empty repository and names it origin."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
    journey.git("remote", "add", "origin", str(path))


def test_branch_and_tags_are_published(journey: Journey, tmp_path: Path) -> None:
    remote = tmp_path / "r.git"
    add_remote(journey, remote)

    report = journey.done("push", "-o", "json").json()

    assert report["format"] == "gitexport.push/v1"
    assert report["published"] is True
    assert git(remote, "rev-parse", "main") == report["commit"]
    assert git(remote, "tag").splitlines() == report["tags"]
    again = journey.done("push")
    assert again.out.startswith("published main at ")
    assert "tags" not in again.out


def test_export_and_push_at_once(journey: Journey, tmp_path: Path) -> None:
    add_remote(journey, tmp_path / "r.git")
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = journey.done("export", "--push", "-o", "json").json()

    assert report["published"] is True
    assert git(tmp_path / "r.git", "rev-parse", "main") == report["commit"]


def test_remote_that_refuses_is_quoted(journey: Journey, tmp_path: Path) -> None:
    remote = tmp_path / "r.git"
    add_remote(journey, remote)
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'the gate is closed' >&2\nexit 1\n")
    hook.chmod(0o755)

    result = journey.run("push")

    assert result.code == 5
    assert "the gate is closed" in result.err
    assert result.out == ""


def test_remote_that_is_not_there(journey: Journey, tmp_path: Path) -> None:
    assert journey.run("push").code == 2
    assert journey.run("push", "nowhere").code == 2
    journey.git("remote", "add", "origin", str(tmp_path / "none.git"))
    assert journey.run("push").code == 5


@pytest.mark.parametrize(
    "place",
    ["https://me:hunter2@example.org/r.git", "me:hunter2@example.org:r.git", "../r.git", "/r.git"],
)
def test_place_instead_of_a_remote_is_told_the_way_on(journey: Journey, place: str) -> None:
    result = journey.run("push", place)

    assert result.code == 2
    assert "is no name of a remote" in result.err
    assert "run 'git remote add NAME URL', then 'gitexport push NAME'" in result.err
    assert "hunter2" not in result.err


def test_export_that_cannot_be_published_is_refused_before_it_is_made(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    before = journey.git("rev-parse", "main")

    result = journey.run("export", "--push")

    assert result.code == 2
    assert "git remote add" in result.err
    assert journey.git("rev-parse", "main") == before


def test_log_file_says_that_it_was_published(journey: Journey, tmp_path: Path) -> None:
    add_remote(journey, tmp_path / "r.git")
    log = tmp_path / "run.log"

    journey.done("export", "--push", "-q", "--log-file", str(log))
    pushed = journey.done("push", "-q", "--log-file", str(log))

    lines = log.read_text().splitlines()
    assert any(line.endswith("published to origin: main") for line in lines)
    assert lines[-1].endswith(pushed.out.strip())
    assert pushed.err == ""
