"""Becomes the server process: `launcher.py USER GROUP PARENT KERNEL SIGNAL WATCH FILES COMMAND…`.

Runs as a program of its own between fork and exec, because code that runs in a forked copy
of a process with threads may hang. It gives up the rights of root (USER -1 keeps them), asks
the kernel for SIGNAL when PARENT dies (prctl(2), PR_SET_PDEATHSIG), and turns into COMMAND.

WATCH is the reading end of a pipe whose other end only the parent holds: a small process waits
for its end, which comes however the parent dies. It passes the signal on where the kernel does
not (KERNEL 0), waits for the server's end, and removes the directory FILES, once nobody holds
the lock that says whose it is. The parent writes one byte first when it has done all of that
itself.

Uses nothing but the standard library, as it runs without site-packages.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time

_PR_SET_PDEATHSIG = 1
_OWNER = "owner"
_SECONDS = 60.0


def main(arguments: list[str]) -> None:
    """Does what the module says; returns only where the parent is already gone."""
    user, group, parent, kernel, number, watch = (int(argument) for argument in arguments[:6])
    files, *command = arguments[6:]
    _watch(watch, 0 if kernel else number, files)
    if user >= 0:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if kernel:
        # After setuid, which clears the request.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        return  # it died before the request was made
    os.umask(0o077)
    os.execv(command[0], command)  # noqa: S606 - there is no input of strangers in it


def _watch(pipe: int, number: int, files: str) -> None:
    """Starts the watching process, an orphan so that the server never has to wait for it."""
    server = os.getpid()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        os.close(pipe)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    if not os.read(pipe, 1):
        if number:
            os.kill(server, number)
        _remove(files, server)
    os._exit(0)


def _remove(files: str, server: int) -> None:
    """Removes the files of a server that has ended; leaves them where somebody owns them."""
    import fcntl
    import shutil

    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(server, 0)
        except OSError:
            break  # it is gone, or its number is another user's process by now
        time.sleep(0.05)
    else:
        return
    lock = os.open(f"{files}/{_OWNER}", os.O_RDWR | os.O_NOFOLLOW)
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # A copy of the parent, as its workers are, is not gone yet.
            time.sleep(0.05)
            continue
        shutil.rmtree(files, ignore_errors=True)
        return


if __name__ == "__main__":
    main(sys.argv[1:])
