"""Becomes the server process: `python launcher.py USER GROUP PARENT WATCH SIGNAL COMMAND…`.

Runs as a program of its own between fork and exec, because code that runs in a forked copy
of a process with threads may hang. It gives up the rights of root (USER -1 keeps them), asks
the kernel for SIGNAL when PARENT dies (prctl(2), PR_SET_PDEATHSIG), and turns into COMMAND.

Where the kernel has no such service, WATCH is the reading end of a pipe whose other end only
the parent holds: a small process waits for its end and passes the signal on. The parent
writes one byte first when it has stopped the server itself.

Uses nothing but the standard library, as it runs without site-packages.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Does what the module says; returns only where the parent is already gone."""
    user, group, parent, watch, number = (int(argument) for argument in arguments[:5])
    command = arguments[5:]
    if watch >= 0:
        _watch(watch, number)
    if user >= 0:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if watch < 0:
        # After setuid, which clears the request.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        return  # it died before the request was made
    os.umask(0o077)
    os.execv(command[0], command)  # noqa: S606 - there is no input of strangers in it


def _watch(pipe: int, number: int) -> None:
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
        os.kill(server, number)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
