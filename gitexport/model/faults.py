"""Named points at which a test can stop a run.

`GITEXPORT_FAULT=S7.after:kill` kills the process at that point; `raise:ENOSPC` raises an
`OSError`, `sleep:3` waits, `exec:command` runs a shell command. Without the variable a point
costs one comparison. The points stand at the boundaries of the steps of an export, in their order.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time

POINTS = (
    "S1.lock",
    "S2.recover",
    "S3.begin",
    "S3.end",
    "S4.check",
    "S5.objects",
    "S5.sealed",
    "S5.installed",
    "S6.verified",
    "S7.before",
    "S7.after",
    "S8.tagged",
    "S9.before",
    "S9.batch",
    "S9.after",
    "S10.files",
    "S10.index",
    "S12.finished",
)
RESTORE_POINTS = ("R1.staged", "R2.changed", "R3.written")
"""Those of a transaction that brings rows back: before it writes, before and after it ends."""

_FAULT = os.environ.get("GITEXPORT_FAULT", "")


def point(name: str) -> None:
    """Does what `GITEXPORT_FAULT` asks for at this point."""
    if _FAULT:
        _strike(name)


def _strike(name: str) -> None:
    where, _, action = _FAULT.partition(":")
    if where != name:
        return
    verb, _, argument = action.partition(":")
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "raise":
        number = getattr(errno, argument)
        raise OSError(number, os.strerror(number), name)
    elif verb == "sleep":
        time.sleep(float(argument))
    elif verb == "exec":
        subprocess.run(argument, shell=True, check=False)  # noqa: S602 - a test's own command
