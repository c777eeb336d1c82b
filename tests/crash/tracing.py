"""Runs an export under strace: to see what it asks of the system, and to stop it there.

Source: strace(1), "Tampering". The number of a call counts from the start of the process,
for each system call on its own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.crash.scene import ROOT, environment, request
from tests.fixtures.workbench import Workbench

CALLS = (
    "write", "pwrite64", "link", "rename", "renameat", "renameat2", "unlink", "unlinkat",
    "fsync", "fdatasync", "mkdir", "mkdirat", "ftruncate", "rmdir", "sendto",
)  # fmt: skip
_LINE = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+)")


class Call(NamedTuple):
    """One system call: its name, its number among those of its name, and what it said."""

    name: str
    number: int
    arguments: str


@cache
def has_strace() -> bool:
    """Tells whether strace is here and may trace."""
    if shutil.which("strace") is None:
        return False
    with tempfile.NamedTemporaryFile() as log:
        done = subprocess.run(
            ["strace", "-o", log.name, "-e", "inject=fsync:signal=KILL:when=9", "true"],
            capture_output=True,
            check=False,
        )
        return done.returncode == 0


def run_traced(bench: Workbench, log: Path, *options: str) -> int:
    """Exports once under strace with some options; gives the exit code."""
    asked = log.with_suffix(".json")
    asked.write_text(json.dumps(request(bench)))
    exporter = [sys.executable, "-B", "-m", "tests.crash.exporter", str(asked)]
    command = ["strace", "-y", "-s", "300", "-o", str(log), *options, *exporter]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        check=False,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
    )
    return done.returncode


def trace(bench: Workbench, log: Path) -> list[Call]:
    """Exports once; gives its calls that change something, in their order."""
    assert run_traced(bench, log, "-e", f"trace={','.join(CALLS)}") == 0
    return read_calls(log)


def read_calls(log: Path) -> list[Call]:
    """Reads what strace wrote of one process."""
    counts: dict[str, int] = {}
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if (match := _LINE.match(line)) is not None:
            name = match[1]
            counts[name] = counts.get(name, 0) + 1
            found.append(Call(name, counts[name], match[2]))
    return found


def first(calls: Sequence[Call], names: str, *parts: str, start: int = 0) -> int:
    """Finds the first call of some names whose arguments hold all the parts."""
    for position in range(start, len(calls)):
        call = calls[position]
        if call.name in names.split() and all(part in call.arguments for part in parts):
            return position
    message = f"no {names} with {parts} behind call {start}"
    raise AssertionError(message)
