"""Runs whole processes and measures them: time, and the memory of the largest one."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gitexport

ROOT = Path(gitexport.__file__).parents[1]
_LAUNCHER = str(ROOT / "tests" / "bench" / "launcher.py")
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
    output, write = os.pipe()
    report, tell = os.pipe()
    with open(stdin or os.devnull, "rb") as source:  # noqa: PTH123 - may be /dev/null
        launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", _LAUNCHER, str(tell), *command],
            cwd=directory, env=dict(environment), pass_fds=[tell],
            stdin=source, stdout=write, stderr=write,
        )  # fmt: skip
    os.close(write)
    os.close(tell)
    with open(output, "rb") as stream, open(report, "rb") as answer:  # noqa: PTH123 - descriptors
        text = stream.read().decode("utf-8", "replace")
        began, spent, peak, status = map(float, answer.read().split() or (0, 0, 0, -1))
    launcher.wait()
    if (code := os.waitstatus_to_exitcode(int(status)) if status >= 0 else None) != expected:
        message = f"{' '.join(command)} ended with {code}:\n{text}"
        raise RuntimeError(message)
    return Finished(began, spent, peak / 1024, text)


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
