"""Runs whole processes and measures them: time, and the memory of the largest one."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gitexport

ROOT = Path(gitexport.__file__).parents[1]
_HIDDEN = ("GIT_", "PG", "GITEXPORT_", "PYTHON")


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended.

    `began` is the wall clock's time of its start; `peak_mb` is the memory of the largest
    process among it and its children.
    """

    began: float
    seconds: float
    peak_mb: float
    output: str


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    directory: Path = ROOT,
    stdin: Path | None = None,
    expected: int = 0,
) -> Finished:
    """Runs a program to its end.

    Raises:
        RuntimeError: It ended with another exit code than expected.
    """
    read, write = os.pipe()
    with open(stdin or os.devnull, "rb") as source:  # noqa: PTH123 - may be /dev/null
        began, start = time.time(), time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=dict(environment), stdin=source, stdout=write, stderr=write
        )
    os.close(write)
    with open(read, "rb") as stream:  # noqa: PTH123 - a descriptor
        output = stream.read().decode("utf-8", "replace")
    # The usage of a process and of all that it has waited for: the largest of them counts.
    _, status, usage = os.wait4(process.pid, 0)
    spent = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        message = f"{' '.join(command)} ended with {process.returncode}:\n{output}"
        raise RuntimeError(message)
    return Finished(began, spent, usage.ru_maxrss / 1024, output)


def environment(home: Path) -> dict[str, str]:
    """Gives an environment without the settings of the machine's user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)}
    return {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }


def sync_file_system(path: Path) -> None:
    """Waits until everything written to the file system of a path is on the disk: syncfs(2)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        if sys.platform.startswith("linux"):
            ctypes.CDLL(None).syncfs(handle)
        else:
            os.sync()
    finally:
        os.close(handle)
