"""One run at a time in a data repository.

The lock is an advisory `flock` on a file that stays open for the length of the run, so the
kernel releases it however the process ends. The file itself stays: to remove it would let two
runs lock two files of one name. Who holds it is written inside, for people only.

Children do not hold the lock: programs because the descriptor closes on exec, forked
processes because they close it at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import weakref
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from gitexport.errors import LockedError
from gitexport.store.git_errors import machine_error
from gitexport.store.repository import STATE_DIRECTORY, DataRepository
from gitexport.store.sharing import shared_bits

_held: weakref.WeakSet[RepositoryLock] = weakref.WeakSet()


class RepositoryLock:
    """The lock of a data repository and all its linked working trees; a context manager.

    While it is held, the process's umask leaves to others what a shared repository
    (`core.sharedRepository`) gives them.
    """

    def __init__(self, repository: DataRepository) -> None:
        self.path = repository.common_dir / STATE_DIRECTORY / "lock"
        self._repository = repository
        self._umask: int | None = None
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock, or fails at once.

        Raises:
            LockedError: Another run holds it; the message names its process and start.
            MachineError: The lock file cannot be used.
        """
        bits = shared_bits(self._repository)
        descriptor = -1
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            _lock_now(descriptor)
            _write_holder(descriptor)
        except BlockingIOError as error:
            holder = _read_holder(descriptor)
            os.close(descriptor)
            message = f"another run holds the lock{holder}"
            hint = "wait until it is done; nothing was changed"
            raise LockedError(message, where=str(self.path), hint=hint) from error
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            raise machine_error(error, self.path) from error
        self._descriptor = descriptor
        _held.add(self)
        if bits:
            self._umask = os.umask(0o077)
            os.umask(self._umask & ~bits)

    def release(self) -> None:
        """Gives the lock back; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        _held.discard(self)
        if self._umask is not None:
            os.umask(self._umask)
            self._umask = None
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _abandon(self) -> None:
        # In a forked child: closing its copy leaves the parent's lock as it is.
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def lock_holder(repository: DataRepository) -> str | None:
    """Describes who holds the lock now; None where nobody does.

    Raises:
        MachineError: The lock file cannot be read.
    """
    path: Path = repository.common_dir / STATE_DIRECTORY / "lock"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise machine_error(error, path) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(descriptor).strip(" ()") or "another process"
    else:
        return None
    finally:
        os.close(descriptor)


def _lock_now(descriptor: int) -> None:
    # `lock_holder` looks by taking a shared lock for an instant: that is no other run.
    for pause in (0.01, 0.05):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write_holder(descriptor: int) -> None:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = json.dumps({"pid": os.getpid(), "since": since}).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content, 0)


def _read_holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f" (process {int(holder['pid'])}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _leave_to_parent() -> None:
    for lock in list(_held):
        lock._abandon()  # noqa: SLF001 - of this module
    _held.clear()


os.register_at_fork(after_in_child=_leave_to_parent)
