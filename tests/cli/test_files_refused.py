"""Files and index that cannot follow a snapshot do not hide it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitexport.errors import GitExportError, MachineError
from gitexport.export import view
from tests.cli.test_push import add_remote
from tests.fixtures.journey import Journey
from tests.fixtures.repositories import git

Breaks = Callable[[], None]


@pytest.fixture(params=["damaged", "unwritable"])
def breaks(
    request: pytest.FixtureRequest, journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> Breaks:
    """Keeps the next refresh from its work, in one of two ways."""

    def break_index() -> None:
        if request.param == "damaged":
            (journey.path / ".git/index").write_bytes(b"")
        else:
            monkeypatch.setattr(view, "refresh", refuse)

    return break_index


def refuse(*_arguments: object, **_named: object) -> None:
    """Stands for a refresh on a disk that is full."""
    message = "the disk is full"
    raise MachineError(message)


def code_of(breaks_of: pytest.FixtureRequest) -> int:
    """Gives the exit code of a way."""
    return 7 if "damaged" in breaks_of.node.name else 10


def test_export_reports_and_pushes_its_snapshot(
    journey: Journey, tmp_path: Path, breaks: Breaks, request: pytest.FixtureRequest
) -> None:
    remote = tmp_path / "r.git"
    add_remote(journey, remote)
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    breaks()

    ended = journey.run("export", "--push", "-o", "json")

    report = ended.json()
    assert ended.code == code_of(request)
    assert report["published"] is True
    assert report["entities"]["users"]["modified"] == 1
    assert report["not_shown"].startswith("the working tree was not refreshed: ")
    assert git(remote, "rev-parse", "main") == report["commit"]
    assert f"snapshot '{report['snapshot']}' is made" in ended.err
    assert "the next export brings the files along" in ended.err


def test_text_has_the_summary_and_the_error(
    journey: Journey, breaks: Breaks, request: pytest.FixtureRequest
) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    breaks()

    ended = journey.run("export")

    assert ended.code == code_of(request)
    assert "snapshot 2" in ended.out
    assert "error: the working tree was not refreshed: " in ended.err


@pytest.mark.parametrize("command", ["restore", "revert"])
def test_snapshots_made_of_others_are_reported_as_well(
    journey: Journey,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    journey.done("export")

    monkeypatch.setattr(view, "refresh", refuse)
    ended = journey.run(command, "latest~1" if command == "restore" else "latest", "-o", "json")

    report = ended.json()
    assert ended.code == 10
    assert report["commit"] == journey.git("rev-parse", "main")
    assert report["not_shown"] == "the working tree was not refreshed: the disk is full"
    assert f"snapshot '{report['snapshot']}' is made" in ended.err


def test_relayout_reports_its_snapshot(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    path = journey.path / "gitexport.toml"
    path.write_text(path.read_text().replace('directory = "data/users"', 'directory = "data/us"'))

    monkeypatch.setattr(view, "refresh", refuse)
    ended = journey.run("relayout", "-o", "json")

    assert ended.code == 10
    assert ended.json()["commit"] == journey.git("rev-parse", "main")
    assert "is made" in ended.err


def test_rows_are_not_written_behind_files_that_could_not_follow(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    journey.done("export")
    journey.sql("UPDATE users SET name = 'y' WHERE id = 2")

    monkeypatch.setattr(view, "refresh", refuse)
    ended = journey.run("restore", "latest~1", "--database", "--yes", "-o", "json")

    assert ended.code == 10
    assert "is made" in ended.err
    rows = journey.connection.execute("SELECT name FROM users WHERE id = 1").fetchall()
    assert rows == [("x",)]


def test_next_export_names_the_repair_and_goes_on_after_it(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    (journey.path / ".git/index").write_bytes(b"")
    journey.run("export")
    journey.sql("UPDATE users SET name = 'y' WHERE id = 2")

    again = journey.run("export", "-o", "json")
    assert again.code == 7
    assert "cannot be brought to the last snapshot" in again.err
    assert "gitexport doctor --repair" in again.err
    assert journey.run("doctor").code == 7

    journey.done("doctor", "--repair")
    assert journey.git("status", "--porcelain") == ""
    assert journey.done("export", "-o", "json").json()["snapshot"] is not None
    assert journey.git("status", "--porcelain") == ""


def test_other_failures_stay_failures() -> None:
    error = view.not_shown(GitExportError("odd"), "20260101-000000")

    assert error.where == "snapshot '20260101-000000' is made"
    assert error.hint == "the next export brings the files along"
