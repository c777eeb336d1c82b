"""Runs of `gitexport history --to`: the next one, a dry one, refused, failed and killed ones."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from gitexport.errors import CorruptRepositoryError
from gitexport.store.repository import DataRepository
from tests.fixtures.journey import Journey
from tests.integration.history.changing import change_something
from tests.integration.history.history_file import ask, dump


def test_second_run_adds_what_is_new_and_makes_the_same_file(
    journey: Journey, file: Path, tmp_path: Path
) -> None:
    journey.done("history", "--to", str(file))
    assert "every snapshot already" in journey.done("history", "--to", str(file)).out
    change_something(journey)
    planned = journey.done("history", "--to", str(file), "--dry-run", "-o", "json").json()
    assert (planned["snapshots"], planned["versions"], planned["is_new"]) == (2, None, False)
    assert ask(file, "SELECT count(*) FROM snapshots") == [(1,)]

    report = journey.done("history", "--to", str(file), "-o", "json").json()

    assert (report["snapshots"], report["versions"]) == (2, 4)
    once = tmp_path / "once.sqlite"
    journey.done("history", "--to", str(once))
    assert dump(file) == dump(once)


def test_notes_follow(journey: Journey, file: Path) -> None:
    journey.done("history", "--to", str(file))
    journey.done("note", "latest", "later")

    journey.done("history", "--to", str(file))

    assert ask(file, "SELECT note FROM snapshots") == [("later",)]


def test_file_that_is_something_else_is_left_alone(
    journey: Journey, file: Path, tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("my notes, which are long enough to be looked at\n" * 40)
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    for path, word in (
        (text, "not a SQLite database"),
        (other, "not one of gitexport history"),
        (tmp_path, "is a directory"),
        (tmp_path / "absent" / "f", "not there"),
    ):
        before = path.read_bytes() if path.is_file() else None
        refused = journey.run("history", "--to", str(path))
        assert (refused.code, refused.out) == (2, ""), refused.err
        assert word in refused.err
        assert (path.read_bytes() if path.is_file() else None) == before

    journey.done("history", "--to", str(file))
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('\nid = "', '\nid = "0'))
    assert "another data repository" in journey.run("history", "--to", str(file)).err


def test_history_that_was_rewritten_is_noticed(journey: Journey, file: Path) -> None:
    _second, third = change_something(journey)
    journey.done("history", "--to", str(file))
    before = dump(file)
    journey.git("commit", "-q", "--amend", "-m", f"other\n\nGitexport-Snapshot: {third}")

    refused = journey.run("history", "--to", str(file))

    assert refused.code == 6
    assert "rewritten" in refused.err
    assert dump(file) == before


def test_run_that_fails_changes_nothing(
    journey: Journey, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey.done("history", "--to", str(file))
    before = dump(file)
    second, _third = change_something(journey)
    blob = journey.done("show", second, "users", "-o", "json").json()["changes"][0]["new_blob"]
    real = DataRepository.read_blob

    def missing(repository: DataRepository, blob_id: bytes) -> bytes:
        if blob_id.hex() == blob:
            message = "gone"
            raise CorruptRepositoryError(message, where=blob)
        return real(repository, blob_id)

    monkeypatch.setattr(DataRepository, "read_blob", missing)
    for path in (file, tmp_path / "new.sqlite"):
        assert journey.run("history", "--to", str(path)).code == 7

    assert dump(file) == before
    assert not (tmp_path / "new.sqlite").exists()


def test_file_that_is_being_written_is_left_alone(
    journey: Journey, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitexport.history.sqlite.file._BUSY_SECONDS", 0.05)
    journey.done("history", "--to", str(file))
    change_something(journey)
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")

    refused = journey.run("history", "--to", str(file))

    writer.close()
    assert refused.code == 4
    assert "another program" in refused.err


def test_half_of_a_run_that_was_killed_is_undone(
    journey: Journey, file: Path, tmp_path: Path
) -> None:
    journey.done("history", "--to", str(file))
    before = dump(file)
    killed = tmp_path / "killed.sqlite"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA cache_size = 5")
    writer.execute("BEGIN")
    # More than the cache holds, so that a part of it is in the file before the end.
    writer.executemany("INSERT INTO metadata VALUES (?, ?)", [(n, "x" * 900) for n in range(500)])
    shutil.copy(file, killed)
    shutil.copy(f"{file}-journal", f"{killed}-journal")
    writer.execute("ROLLBACK")
    writer.close()
    assert killed.stat().st_size > file.stat().st_size

    looked = journey.run("history", "--to", str(killed), "--dry-run")
    assert (looked.code, looked.out) == (10, "")
    assert "run without --dry-run" in looked.err

    assert "every snapshot already" in journey.done("history", "--to", str(killed)).out
    assert dump(killed) == before


def test_dry_run_makes_no_file(journey: Journey, file: Path) -> None:
    out = journey.done("history", "--to", str(file), "--dry-run").out

    assert out.startswith("would add 1 snapshot, ")
    assert not file.exists()
