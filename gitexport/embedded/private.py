"""Private directories of servers, and the removal of those that killed processes left.

A directory belongs to the process that holds the lock on its file `owner`. The kernel drops
that lock however the process ends, so "nobody holds it" proves that the directory is left
over, which a process id in a file would not: numbers are used again. A directory gets its
final name only once it is locked, so that a sweep never meets one without an owner.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from gitexport.embedded.identity import Identity
from gitexport.errors import MachineError

_PREFIX = "gitexport-pg-"
_UNFINISHED_PREFIX = "gitexport-new-"
_UNFINISHED_SECONDS = 3600
_OWNER = "owner"
_LONGEST_SOCKET = 100  # sun_path holds 104 bytes on macOS and 108 on Linux
_SOCKET_NAME = "/socket/.s.PGSQL.5432"


@dataclass(slots=True)
class PrivateDirectory:
    """A directory that this process owns until `remove`."""

    path: Path
    _lock: int

    def make(self, name: str, identity: Identity) -> Path:
        """Makes a directory inside that only the server's user can enter."""
        path = self.path / name
        path.mkdir(mode=0o700)
        if identity.is_other:
            os.chown(path, identity.user, identity.group)
        return path

    def remove(self) -> None:
        """Removes everything; safe to call twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def open_private_directory(identity: Identity) -> PrivateDirectory:
    """Makes a locked directory where the server's user can reach it and a socket path fits.

    Raises:
        MachineError: No directory for temporary files is usable.
    """
    problem: OSError | None = None
    for base in _bases():
        if len(str(base)) + len(_PREFIX) + 8 + len(_SOCKET_NAME) > _LONGEST_SOCKET:
            continue
        if identity.is_other and not _is_open_to_all(base):
            continue
        _sweep(base)
        try:
            return _create(base)
        except OSError as error:
            problem = error
    message = "cannot make a directory for the database server"
    if problem is not None:
        message += f": {problem.strerror}"
    raise MachineError(
        message,
        where=tempfile.gettempdir(),
        hint="set TMPDIR to a short path that every user can enter, such as /tmp",
    ) from problem


def _bases() -> list[Path]:
    given = Path(tempfile.gettempdir()).absolute()
    return list(dict.fromkeys([given, Path("/tmp"), Path("/var/tmp")]))  # noqa: S108 - mkdtemp


def _is_open_to_all(base: Path) -> bool:
    try:
        return all(path.stat().st_mode & stat.S_IXOTH for path in (base, *base.parents))
    except OSError:
        return False


def _create(base: Path) -> PrivateDirectory:
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED_PREFIX, dir=base))
    lock = os.open(made / _OWNER, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        made.chmod(0o711)
        path = base / made.name.replace(_UNFINISHED_PREFIX, _PREFIX)
        made.rename(path)
    except OSError:
        os.close(lock)
        shutil.rmtree(made, ignore_errors=True)
        raise
    return PrivateDirectory(path, lock)


def _sweep(base: Path) -> None:
    """Removes our own user's directories whose owner is gone; never fails."""
    try:
        names = [path.name for path in base.glob("gitexport-*")]
    except OSError:
        return
    for name in names:
        path = base / name
        with contextlib.suppress(OSError):
            seen = path.lstat()
            if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
                continue
            if name.startswith(_PREFIX):
                _sweep_abandoned(path)
            elif (
                name.startswith(_UNFINISHED_PREFIX)
                and time.time() - seen.st_mtime > _UNFINISHED_SECONDS
            ):
                shutil.rmtree(path, ignore_errors=True)


def _sweep_abandoned(path: Path) -> None:
    try:
        lock = os.open(path / _OWNER, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        # An owner removes this file only while it removes the rest, so a removal was cut short.
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_server_gone(path / "data"):
            shutil.rmtree(path, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(lock)


def _is_server_gone(data: Path) -> bool:
    """Tells whether no server runs in a left-over directory; asks one that does to end.

    It ends by itself a moment after its owner, so this only matters where that failed.
    """
    try:
        process = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(process, 0)
    except (OSError, ValueError) as error:
        return not (isinstance(error, OSError) and error.errno == errno.EPERM)
    try:
        works_in = Path(f"/proc/{process}/cwd").readlink()
    except OSError:
        return not Path("/proc/self").exists() and not data.exists()
    if works_in == data:
        os.kill(process, signal.SIGQUIT)
        return False
    return True
