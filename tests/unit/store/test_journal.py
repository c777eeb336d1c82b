"""The journal and the state: durable, private, and never half."""

from __future__ import annotations

import gc
import os
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gitexport.errors import CorruptRepositoryError, MachineError
from gitexport.model.snapshot import ObjectId
from gitexport.store import journal as journals
from gitexport.store.durable import write_durably
from gitexport.store.durations import read_durations
from gitexport.store.journal import Journal, MachineState, boot_id, read_state, write_state
from gitexport.store.repository import DataRepository


@pytest.fixture
def repository(repository_path: Path) -> DataRepository:
    return DataRepository.create(repository_path)


def test_a_run_is_known_until_it_finishes(repository: DataRepository) -> None:
    journal = Journal(repository)
    assert journal.last() is None

    begun = journal.begin()
    journal.note_pack("pack-1", ObjectId("1" * 40))
    journal.note_pack("pack-2", ObjectId("2" * 40))
    left = Journal(repository).last()

    assert left is not None
    assert (left.run_id, left.pid, left.boot_id) == (begun.run_id, os.getpid(), boot_id())
    assert left.packs == ("pack-1", "pack-2")
    assert left.commits == ("1" * 40, "2" * 40)
    assert left.touched_at > left.started_at
    assert left.finished_at is None

    journal.finish()
    ended = Journal(repository).last()
    assert ended is not None
    assert ended.finished_at is not None


def test_length_of_a_run_is_remembered_with_its_last_commit(repository: DataRepository) -> None:
    for digits in ("12", "3"):
        journal = Journal(repository)
        journal.begin()
        for digit in digits:
            journal.note_pack("pack", ObjectId(digit * 40))
        journal.finish()
    Journal(repository).begin()

    known = read_durations(repository)

    assert list(known) == ["2" * 40, "3" * 40]
    assert all(0 <= milliseconds < 60_000 for milliseconds in known.values())
    assert stat.S_IMODE((repository.state_dir / "durations").stat().st_mode) == 0o600


def test_lengths_that_cannot_be_kept_or_read_stop_nothing(repository: DataRepository) -> None:
    path = repository.state_dir / "durations"
    path.write_text(f"\nx\n{'1' * 40} ten\n{'2' * 40} 20\n{'3' * 40} 30 3")
    assert read_durations(repository) == {"2" * 40: 20}
    path.unlink()
    path.mkdir()
    journal = Journal(repository)
    journal.begin()
    journal.note_pack("pack", ObjectId("1" * 40))

    journal.finish()

    last = journal.last()
    assert last is not None
    assert last.finished_at is not None


def test_a_run_says_that_it_is_alive_until_it_ends(
    repository: DataRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "HEARTBEAT_SECONDS", 0.01)
    journal = Journal(repository)
    begun = journal.begin()
    journal.beat()
    path = repository.state_dir / "run.json"

    def wait_for_a_beat() -> None:
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 30
        while path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)

    wait_for_a_beat()
    last = Journal(repository).last()
    assert last is not None
    assert last.touched_at > begun.touched_at

    journal.finish()
    beats = [thread for thread in threading.enumerate() if thread.name.endswith("(_beat)")]
    for thread in beats:
        thread.join(30)
    os.utime(path, (0, 0))
    assert path.stat().st_mtime == 0


def test_a_forgotten_journal_beats_no_more(
    repository: DataRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "HEARTBEAT_SECONDS", 0.01)
    before = set(threading.enumerate())
    journal = Journal(repository)
    journal.begin()
    journal.beat()
    del journal
    gc.collect()

    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()


def test_a_short_run_finishes_also_when_it_fails(repository: DataRepository) -> None:
    with pytest.raises(ZeroDivisionError), Journal(repository).short_run():
        raise ZeroDivisionError

    last = Journal(repository).last()
    assert last is not None
    assert last.finished_at is not None


def test_a_short_run_does_not_hide_a_dead_one(repository: DataRepository) -> None:
    dead = Journal(repository)
    dead.begin()
    dead.note_pack("pack-1", ObjectId("1" * 40))

    with Journal(repository).short_run():
        pass

    last = Journal(repository).last()
    assert last is not None
    assert last.packs == ("pack-1",)
    assert last.finished_at is None


def test_an_unreadable_journal_is_no_run(repository: DataRepository) -> None:
    for content in ("", "{", "[]", "{}", '{"run_id": 1}'):
        (repository.state_dir / "run.json").write_text(content)
        assert Journal(repository).last() is None


def test_the_state_reads_back(repository: DataRepository) -> None:
    assert read_state(repository) == MachineState()
    commit = ObjectId("1" * 40)
    state = MachineState(
        shown=commit,
        acknowledged=commit,
        last_tag="20250101-000000",
        runs_since_maintenance=7,
        remote_tips={"url refs/heads/main": commit},
        edits_left=("a", "ü"),
    )

    write_state(repository, state)

    assert read_state(repository) == state
    assert read_state(DataRepository.open(repository.path)) == state


def test_the_state_of_an_older_version_has_defaults(repository: DataRepository) -> None:
    (repository.state_dir / "state.json").write_text('{"last_tag": "20250101-000000"}')

    assert read_state(repository) == MachineState(last_tag="20250101-000000")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"remote_tips": 1}', '{"shown": 1}'])
def test_a_damaged_state_is_not_forgotten_silently(
    repository: DataRepository, content: str
) -> None:
    path = repository.state_dir / "state.json"
    path.write_text(content)

    with pytest.raises(CorruptRepositoryError) as caught:
        read_state(repository)

    assert caught.value.where == str(path)


def test_only_its_owner_may_look(repository: DataRepository) -> None:
    write_state(repository, MachineState())

    assert stat.S_IMODE(repository.state_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((repository.state_dir / "state.json").stat().st_mode) == 0o600


def test_a_failed_write_keeps_the_old_content(
    repository: DataRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = MachineState(last_tag="20250101-000000")
    write_state(repository, old)

    def refuse(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(MachineError, match="no space left"):
        write_state(repository, replace(old, last_tag="20250101-000001"))
    monkeypatch.undo()

    assert read_state(repository) == old
    assert [path.name for path in repository.state_dir.iterdir()] == ["state.json"]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught:
        write_durably(tmp_path / "gone" / "x", b"x")

    assert caught.value.where == str(tmp_path / "gone" / "x")
