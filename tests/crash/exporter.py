"""Exports in processes of their own, so that a test can stop one at any instruction.

As a program, it exports once what a JSON file asks for. With `--serve` it forks a process for
each line of its input and answers with how that ended, which spares the start of Python.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gitexport.errors import GitExportError
from gitexport.export.options import ExportOptions
from gitexport.export.run import export_snapshot
from gitexport.model import faults
from gitexport.model.entity import Entity, Publication, Shard, Tracking
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.source import PostgresSource
from gitexport.source.postgresql.tracking import acknowledge
from gitexport.store.repository import DataRepository

RAISED = 71


@dataclass
class Clock:
    """Gives a time that is a second later at each call."""

    now: datetime

    def __call__(self) -> datetime:
        """Steps and gives the time."""
        self.now += timedelta(seconds=1)
        return self.now


@dataclass(frozen=True)
class FastClock:
    """Gives a time that runs faster than the machine's, and the same in all processes."""

    start: datetime
    since: float
    speed: float = 60.0

    def __call__(self) -> datetime:
        """Gives the time."""
        return self.start + timedelta(seconds=(time.monotonic() - self.since) * self.speed)


class Silence:
    """A progress that nobody follows."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Says nothing."""

    def advance(self, steps: int = 1) -> None:
        """Says nothing."""

    def warn(self, message: str) -> None:
        """Says nothing."""

    def detail(self, message: str) -> None:
        """Says nothing."""


def publication_from_json(members: dict[str, Any]) -> Publication:
    """Reads the publication of a request."""
    entities = tuple(
        Entity(
            one["name"],
            RelationName("public", one["name"]),
            tuple(one["key"]),
            tuple(one["columns"]),
            f"data/{one['name']}",
            Shard.parse(one["shard"]),
            tracking=Tracking(one["tracking"]),
        )
        for one in members["entities"]
    )
    return Publication(members["id"], entities=entities, config_text=members["config"].encode())


def export(members: dict[str, Any]) -> int:
    """Exports once; prints the snapshot's tag, or an empty line where none was made."""
    acknowledge.guards_versions = members.get("guards_versions", True)
    start = datetime.fromisoformat(members["start"])
    since = members.get("since")
    source = PostgresSource(members["dsn"])
    try:
        report = export_snapshot(
            source,
            DataRepository.open(Path(members["repository"])),
            publication_from_json(members),
            ExportOptions(**members["options"]),
            clock=Clock(start) if since is None else FastClock(start, since),
            progress=Silence(),
        )
    except GitExportError as error:
        sys.stderr.write(f"{error.exit_code}: {error.message} ({error.where}; {error.hint})\n")
        return error.exit_code
    finally:
        source.close()
    refused = "" if report.not_shown is None else report.not_shown.message
    sys.stdout.write(f"{report.snapshot or ''}{report.kept_edits or ''}{refused}\n")
    return report.exit_code


def serve() -> None:
    """Answers each request with the process that carries it out, and then how it ended."""
    for line in sys.stdin:
        members = json.loads(line)
        child = os.fork()
        if not child:
            os._exit(_serve_one(members))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _pid, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _serve_one(members: dict[str, Any]) -> int:
    log = os.open(members["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # What GITEXPORT_FAULT does to a process of its own.
    faults._FAULT = members.get("fault", "")
    try:
        code = export(members)
    except BaseException:  # noqa: BLE001 - how the process ends is all that is asked
        traceback.print_exc()
        code = RAISED
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> int:
    """Serves, or exports what the named file asks for."""
    if sys.argv[1] == "--serve":
        serve()
        return 0
    members = json.loads(Path(sys.argv[1]).read_text())
    return export(members)


if __name__ == "__main__":
    sys.exit(main())
