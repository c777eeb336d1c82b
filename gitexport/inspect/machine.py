"""Looks at the machine: programs, user, disk, clock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from gitexport.errors import DecisionNeededError, GitExportError
from gitexport.export.guards import TooSoonError, choose_instant
from gitexport.inspect.finding import Finding, error, failed, ok, warning
from gitexport.store.git_program import require_git
from gitexport.store.health import libgit2_version

_LITTLE = 1_000_000_000
_NOTHING = 100_000_000
_MACHINE = 10


def check_machine() -> Iterator[Finding]:
    """Looks at the programs and at the user."""
    try:
        major, minor = require_git()
        yield ok("git", f"git {major}.{minor}, libgit2 {libgit2_version()}")
    except GitExportError as failure:
        yield failed("git", failure)
    if os.geteuid() == 0:
        yield warning(
            "user",
            "gitexport runs as root, which it needs nowhere",
            "run it as a user of its own: a systemd unit with User=, NoNewPrivileges=yes, "
            "ProtectSystem=strict and ReadWritePaths= of the data repository",
        )


def check_disk(path: Path, needed_bytes: int) -> Iterator[Finding]:
    """Compares the free space with what a full export may write."""
    free = shutil.disk_usage(path).free
    if free < _NOTHING:
        yield error("disk", f"only {free:,} bytes are free", f"free space at '{path}'", _MACHINE)
    elif free < max(_LITTLE, 2 * needed_bytes):
        message = f"{free:,} bytes are free, and a full export may write {2 * needed_bytes:,}"
        yield warning("disk", message, f"free space at '{path}'")
    else:
        yield ok("disk", f"{free:,} bytes are free")


def check_clock(now: datetime, last_tag: str | None) -> Iterator[Finding]:
    """Compares the clock with the last snapshot."""
    try:
        instant = choose_instant(now, last_tag, ())
    except TooSoonError:
        instant = now
    except DecisionNeededError as failure:
        yield failed("clock", failure)
        return
    if last_tag is not None and instant > now:
        message = f"the clock is behind the last snapshot '{last_tag}'"
        yield warning("clock", message, "let the system synchronise its clock (NTP)")
    else:
        yield ok("clock", f"{now:%Y-%m-%dT%H:%M:%SZ}")
