"""`gitexport note`: notes on snapshots, which are git's own."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys

import pytest

from gitexport.store.lock import RepositoryLock
from tests.fixtures.journey import Journey
from tests.fixtures.repositories import fsck
from tests.integration.history.changing import change_something


def test_note_is_shown_by_log_show_and_git(journey: Journey) -> None:
    before = journey.git("for-each-ref", "refs/heads", "refs/tags")
    tag = journey.done("log", "-o", "json").json()["snapshots"][0]["snapshot"]

    journey.done("note", tag, "the first one\n\nwith  two paragraphs")

    text = "the first one\n\nwith  two paragraphs"
    assert journey.done("note", "latest", "-o", "json").json()["note"] == text
    assert journey.done("show", tag, "-o", "json").json()["note"] == text
    assert journey.done("log", "-o", "json").json()["snapshots"][0]["note"] == text
    assert "note:\n    the first one\n\n    with two paragraphs\n" in journey.done("show", tag).out
    assert "\n    the first one\n" in journey.done("log").out
    assert "the first one" in journey.git("log", "-1")
    assert journey.git("notes", "show", f"{tag}^{{commit}}") == text
    assert journey.git("for-each-ref", "refs/heads", "refs/tags") == before
    assert journey.git("status", "--porcelain") == ""
    fsck(journey.path)


def test_note_that_is_there_stays_unless_a_person_says_so(journey: Journey) -> None:
    journey.git("notes", "add", "-m", "by git", "HEAD")

    refused = journey.run("note", "latest", "mine")
    assert (refused.code, refused.out) == (2, "")
    assert "--append" in refused.err
    assert journey.git("notes", "show", "HEAD") == "by git"

    assert journey.done("note", "latest", "mine", "--append").out == "by git\n\nmine\n"
    report = journey.done("note", "latest", "other", "--replace", "-o", "json").json()
    assert (report["old_note"], report["note"]) == ("by git\n\nmine", "other")
    assert journey.done("note", "latest", "--remove", "-o", "json").json()["note"] is None
    assert journey.done("note", "latest").out == ""
    assert journey.done("log", "-o", "json").json()["snapshots"][0]["note"] is None
    assert journey.run("note", "latest", "--remove").code == 2


def test_each_snapshot_has_its_own_note(journey: Journey) -> None:
    second, third = change_something(journey)
    journey.done("note", third, "third")
    journey.done("note", second, "second")

    notes = [entry["note"] for entry in journey.done("log", "-o", "json").json()["snapshots"]]

    assert notes == ["third", "second", None]


def test_notes_of_many_commits_are_found(journey: Journey) -> None:
    tip = journey.git("rev-parse", "HEAD")
    commands = ["commit refs/notes/commits", "committer T <t@e> 1735689600 +0000", "data 1", "n"]
    # Where there are many, git makes directories of two digits.
    for number in range(600):
        name = hashlib.sha1(b"%d" % number, usedforsecurity=False).hexdigest()
        commands += [f"M 100644 inline {name[:2]}/{name[2:]}", "data 1", "x"]
    subprocess.run(
        ["git", "-C", str(journey.path), "fast-import", "--quiet"],
        input="\n".join([*commands, ""]).encode(),
        check=True,
    )

    journey.done("note", "latest", "among many")

    assert journey.git("notes", "show", tip) == "among many"
    assert journey.git("ls-tree", "refs/notes/commits", tip[:2]).startswith("040000 tree")
    assert journey.done("note", "latest").out == "among many\n"


def test_note_comes_from_standard_input(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe\n")))

    assert journey.done("note", "latest", "-").out == "from a pipe\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["20010101-000000", "text"], "nearest"),
        (["latest", " \n"], "needs a text"),
        (["latest", "--append"], "needs a text"),
        (["latest", "a", "--append", "--replace"], "exclude"),
        (["latest", "a", "--remove"], "no text"),
    ],
)
def test_what_cannot_be_is_refused(journey: Journey, arguments: list[str], word: str) -> None:
    result = journey.run("note", *arguments)

    assert result.code == 2
    assert word in result.err
    assert journey.git("for-each-ref", "refs/notes") == ""


def test_another_run_is_not_disturbed(journey: Journey) -> None:
    with RepositoryLock(journey.repository):
        assert journey.run("note", "latest", "text").code == 4


def test_escapes_of_terminals_are_not_printed(journey: Journey) -> None:
    journey.done("note", "latest", "a\x1b[31mred\u202e")

    for command in (("log",), ("show", "latest"), ("note", "latest")):
        out = journey.done(*command).out
        assert "a[31mred" in out
        assert "\x1b" not in out
        assert "\u202e" not in out
