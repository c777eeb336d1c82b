"""Recovery: lock files of a dead run go, those of somebody else stay."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gitexport.errors import DecisionNeededError, GitExportError, LockedError
from gitexport.store import journal as journals
from gitexport.store import stale_locks
from gitexport.store.journal import Journal
from gitexport.store.recovery import repairs_needed
from gitexport.store.repository import DataRepository
from tests.fixtures.snapshots import FIRST, add_commit
from tests.unit.store.recovery.dead_runs import HOUR, age, dead_run, repair


def lock_files(repository: DataRepository) -> list[Path]:
    return [
        repository.gitdir / "HEAD.lock",
        repository.gitdir / "index.lock",
        repository.gitdir / "packed-refs.lock",
        repository.gitdir / "refs" / "heads" / "main.lock",
        repository.gitdir / "refs" / "tags" / f"{FIRST}.lock",
    ]


def test_lock_files_of_a_dead_run_are_removed(repository: DataRepository) -> None:
    dead_run(repository)
    locks = lock_files(repository)
    for lock in locks:
        lock.touch()

    repaired = repair(repository)

    assert len(repaired) == len(locks)
    assert not any(lock.exists() for lock in locks)


@pytest.mark.parametrize("age_of_lock", [timedelta(hours=2), timedelta(minutes=-5)])
def test_a_lock_file_from_outside_the_run_is_somebody_else_s(
    repository: DataRepository, age_of_lock: timedelta
) -> None:
    dead_run(repository)
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()
    age(lock, age_of_lock)

    with pytest.raises(DecisionNeededError) as caught:
        repair(repository)

    assert caught.value.where == str(lock)
    assert lock.exists()


def test_without_a_dead_run_no_lock_file_is_touched(repository: DataRepository) -> None:
    journal = Journal(repository)
    journal.begin()
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()
    journal.finish()

    assert repair(repository) == []
    assert lock.exists()


def test_a_person_s_locked_index_does_not_stop_recovery(repository: DataRepository) -> None:
    dead_run(repository)
    lock = repository.gitdir / "index.lock"
    lock.touch()
    age(lock, timedelta(hours=2))

    assert repair(repository) == []
    assert lock.exists()


@pytest.mark.parametrize(
    ("name", "error"), [("refs/heads/main.lock", DecisionNeededError), ("index.lock", LockedError)]
)
def test_a_lock_file_stays_while_a_git_works_here(
    repository: DataRepository,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: type[GitExportError],
) -> None:
    dead_run(repository)
    lock = repository.gitdir / name
    lock.touch()
    monkeypatch.setattr(stale_locks, "_WAIT_FOR_GIT_SECONDS", 0.0)
    command = ["git", "-C", str(repository.path), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git_process:
        assert git_process.stdin is not None
        assert git_process.stdout is not None
        git_process.stdin.write(b"HEAD\n")
        git_process.stdin.flush()
        git_process.stdout.readline()
        try:
            assert git_process.pid in stale_locks.git_processes(repository)
            with pytest.raises(error):
                repair(repository)
        finally:
            git_process.kill()

    assert lock.exists()
    assert len(repair(repository)) == 1


def test_a_restart_of_the_machine_ends_every_run(repository: DataRepository) -> None:
    booted = journals.booted_at()
    run = dead_run(repository)
    long_ago = run._replace(
        boot_id="another", started_at=booted - 3 * HOUR, touched_at=booted - 2 * HOUR
    )
    journals._write_json(repository.state_dir / "run.json", long_ago._asdict())
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    lock.touch()
    at = (booted - HOUR).timestamp()
    os.utime(lock, (at, at))

    assert len(repair(repository)) == 1


_KILLED = """
import os, sys
from pathlib import Path
from gitexport.store.journal import Journal
from gitexport.store.lock import RepositoryLock
from gitexport.store.repository import DataRepository
repository = DataRepository.open(Path(sys.argv[1]))
RepositoryLock(repository).acquire()
journal = Journal(repository)
journal.begin()
journal.beat()
with repository.pygit().transaction() as transaction:
    transaction.lock_ref("refs/heads/main")
    os.kill(os.getpid(), 9)
"""


def test_a_run_killed_while_it_moves_the_branch_is_recovered(repository: DataRepository) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, str(repository.path)], check=False)
    lock = repository.gitdir / "refs" / "heads" / "main.lock"
    assert done.returncode == -9
    assert lock.exists()
    assert len(repairs_needed(repository, "main")) == 1

    assert len(repair(repository)) == 1

    assert not lock.exists()
    add_commit(repository, "goes on\n", {"a": "2"})
