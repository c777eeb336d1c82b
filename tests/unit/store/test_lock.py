"""The lock: one holder, named, and none left however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitexport.errors import LockedError, MachineError
from gitexport.store.lock import RepositoryLock, lock_holder
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import add_commit

_HOLDER = """
import sys
from pathlib import Path
from gitexport.store.lock import RepositoryLock
from gitexport.store.repository import DataRepository
RepositoryLock(DataRepository.open(Path(sys.argv[1]))).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_run(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def repository(repository_path: Path) -> DataRepository:
    return DataRepository.create(repository_path)


def test_a_second_run_is_told_who_holds_the_lock(repository: DataRepository) -> None:
    with another_run(repository.path) as process:
        with pytest.raises(LockedError, match=f"process {process.pid}, since 2") as caught:
            RepositoryLock(repository).acquire()
        assert f"process {process.pid}" in (lock_holder(repository) or "")

    assert caught.value.exit_code == 4


def test_a_killed_run_leaves_no_lock(repository: DataRepository) -> None:
    with another_run(repository.path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()

        assert lock_holder(repository) is None
        with RepositoryLock(repository) as lock:
            assert lock.is_held


def test_programs_that_were_started_do_not_hold_it(repository: DataRepository) -> None:
    lock = RepositoryLock(repository)
    lock.acquire()
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        lock.release()
        try:
            with RepositoryLock(repository) as again:
                assert again.is_held
        finally:
            child.kill()


def test_forked_children_do_not_hold_it(repository: DataRepository) -> None:
    reader, writer = os.pipe()
    lock = RepositoryLock(repository)
    lock.acquire()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    try:
        with pytest.raises(LockedError):
            RepositoryLock(repository).acquire()
        lock.release()
        with RepositoryLock(repository) as again:
            assert again.is_held
    finally:
        os.close(writer)
        os.waitpid(child, 0)
        os.close(reader)


def test_it_may_be_taken_again_and_released_twice(repository: DataRepository) -> None:
    lock = RepositoryLock(repository)
    for _round in range(2):
        lock.acquire()
        lock.release()
        lock.release()

    assert not lock.is_held
    assert lock_holder(repository) is None


def test_linked_working_trees_share_one_lock(repository: DataRepository, tmp_path: Path) -> None:
    add_commit(repository, "one\n", {"a": "1"})
    git(repository.path, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "other")
    linked = DataRepository.open(tmp_path / "linked")

    with RepositoryLock(repository), pytest.raises(LockedError):
        RepositoryLock(linked).acquire()


def test_a_link_in_the_lock_s_place_is_not_followed(
    repository: DataRepository, tmp_path: Path
) -> None:
    target = tmp_path / "precious"
    target.write_text("x")
    (repository.state_dir / "lock").symlink_to(target)

    with pytest.raises(MachineError, match="lock"):
        RepositoryLock(repository).acquire()

    assert target.read_text() == "x"
