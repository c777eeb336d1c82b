"""Runs the program in this process, as most tests of commands do, or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitexport.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        value: dict[str, Any] = json.loads(self.out)
        assert isinstance(value, dict)
        assert next(iter(value)) == "format"
        return value

    @property
    def error(self) -> dict[str, Any]:
        """The one object that a failure prints on standard error, after messages."""
        value: dict[str, Any] = json.loads(self.err.splitlines()[-1])
        assert list(value) == ["format", "code", "error", "where", "hint"]
        assert value["code"] == self.code
        return value


class Program:
    """The program with some arguments that every call shares."""

    def __init__(self, capsys: pytest.CaptureFixture[str], shared: Sequence[str] = ()) -> None:
        self._capsys = capsys
        self._shared = list(shared)

    def __call__(self, *arguments: object) -> Ended:
        """Runs a command line and catches what it prints."""
        self._capsys.readouterr()
        code = main([*self._shared, *map(str, arguments)])
        caught = self._capsys.readouterr()
        return Ended(code, caught.out, caught.err)

    def done(self, *arguments: object) -> Ended:
        """Runs a command line that has to succeed."""
        ended = self(*arguments)
        assert ended.code == 0, ended.err
        return ended


def loaded_modules(*arguments: str) -> set[str]:
    """Lists the modules that a run of the program loads, in a process of its own."""
    script = (
        "import sys, io, json; from gitexport.cli.main import main; "
        "out, sys.stdout = sys.stdout, io.StringIO(); code = main(sys.argv[1:]); "
        "json.dump([code, sorted(sys.modules)], out)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        check=True,
    )
    code, modules = json.loads(done.stdout)
    assert code == 0
    return set(modules)


def run_program(
    *arguments: str, here: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gitexport", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
        cwd=here,
        check=False,
    )
