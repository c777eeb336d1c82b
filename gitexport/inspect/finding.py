"""What doctor finds: how serious it is, what it is about, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gitexport.errors import GitExportError


class Level(str, Enum):
    """How serious a finding is; only an error changes the exit code."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `code` is the exit code that an error leads to."""

    check: str
    level: Level
    message: str
    fix: str | None = None
    code: int = 0


def ok(check: str, message: str) -> Finding:
    """Says that something is as it should be."""
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, fix: str | None = None) -> Finding:
    """Says that something may cause trouble later, or costs more than it has to."""
    return Finding(check, Level.WARNING, message, fix)


def error(check: str, message: str, fix: str | None, code: int) -> Finding:
    """Says that something stops exports, or may lose changes."""
    return Finding(check, Level.ERROR, message, fix, code)


def failed(check: str, failure: GitExportError) -> Finding:
    """Turns a failure of a check into a finding, with its own hint and exit code."""
    return Finding(check, Level.ERROR, failure.message, failure.hint, failure.exit_code)
