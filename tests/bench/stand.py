"""Where measurements happen: one server, and as many fresh databases and repositories as needed.

The server keeps PostgreSQL's own durable settings (`fsync`, `synchronous_commit` and
`full_page_writes` on). Only sizes differ from the defaults, as any administrator would set
them: 512 MB of shared buffers, and room in the write-ahead log for a large acknowledgement.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from gitexport.embedded import EmbeddedServer
from tests.bench import processes
from tests.bench.data import Data
from tests.bench.figures import Figure
from tests.bench.processes import Finished

_SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "autovacuum": "off"}
_GIT_CONFIG = """\
[user]
    name = Bench
    email = bench@example.org
[init]
    defaultBranch = main
[safe]
    directory = *
[gc]
    auto = 0
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A database and a data repository that belong together."""

    data: Data
    dsn: str
    path: Path

    def execute(self, *statements: str) -> None:
        """Runs SQL, each statement in a transaction of its own where that is possible."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@dataclass(frozen=True, slots=True)
class Export:
    """One `gitexport export` as a whole process, and what it said."""

    process: Finished
    report: dict[str, Any]

    @property
    def seconds(self) -> float:
        """How long it took, from the start of the process to its end."""
        return self.process.seconds

    @property
    def seconds_to_tag(self) -> float:
        """How long it took without what follows the tag: acknowledging, the working tree."""
        stages: dict[str, int] = self.report["stages_ms"]
        after = ("acknowledge", "working tree")
        return self.seconds - sum(stages.get(name, 0) for name in after) / 1000

    @property
    def stages(self) -> str:
        """Says how long the stages took."""
        stages: dict[str, int] = self.report["stages_ms"]
        return ", ".join(f"{name} {value / 1000:.2f}" for name, value in stages.items())


class Stand:
    """Makes databases and repositories, and runs gitexport on them."""

    def __init__(self, scratch: Path, server: EmbeddedServer, *, is_quick: bool) -> None:
        self.scratch = scratch
        self.server = server
        self.is_quick = is_quick
        self.environment = processes.environment(scratch / "home")
        self._number = 0
        self._filled: dict[Data, str] = {}
        self._templates: dict[tuple[Data, bool], Place] = {}
        self._exported: dict[tuple[Data, bool], Place] = {}

    def rounds(self, usual: int) -> int:
        """Gives the number of rounds of a measurement."""
        return max(1, usual // 3) if self.is_quick else usual

    def fresh(self, name: str) -> Path:
        """Names a path that nothing ever had."""
        self._number += 1
        return self.scratch / f"{self._number:03}-{name}"

    def gitexport(self, place: Place, *arguments: str, expected: int = 0) -> Finished:
        """Runs one command of gitexport as a process of its own."""
        command = [sys.executable, "-m", "gitexport", "-C", str(place.path), "--dsn", place.dsn]
        return processes.run([*command, *arguments], self.environment, expected=expected)

    def export(self, place: Place, *arguments: str, expected: int = 0) -> Export:
        """Runs an export as a process of its own."""
        done = self.gitexport(place, "export", "-q", "-o", "json", *arguments, expected=expected)
        start = done.output.index('{"format":"gitexport.export')
        return Export(done, json.JSONDecoder().raw_decode(done.output, start)[0])

    def git(self, path: Path, *arguments: str, stdin: Path | None = None) -> Finished:
        """Runs git in a directory."""
        return processes.run(
            ["git", "-C", str(path), *arguments], self.environment, directory=path, stdin=stdin
        )

    def unexported(self, data: Data, *, is_bare: bool = False) -> Place:
        """Gives a new place in which everything is pending."""
        template = self._template(data, is_bare=is_bare)
        path = self.fresh(template.path.name.partition("-")[2])
        shutil.copytree(template.path, path, symlinks=True)
        return Place(data, self._database(f"run_{self._number}", _name_of(template.dsn)), path)

    def empty(self, name: str) -> tuple[str, Path]:
        """Gives the connection string of an empty database, and a path for its repository."""
        return self._database(name, "template0"), self.fresh(name)

    def exported(self, data: Data, *, is_bare: bool = False) -> Place:
        """Gives the place of one first export, the same for everybody who asks."""
        known = self._exported.get((data, is_bare))
        if known is None:
            known = self.unexported(data, is_bare=is_bare)
            self.export(known)
            self.keep(known, is_bare=is_bare)
        return known

    def keep(self, place: Place, *, is_bare: bool = False) -> None:
        """Lets `exported` give a place whose first export somebody has measured."""
        self._exported[place.data, is_bare] = place

    def change(self, place: Place) -> None:
        """Changes 50 rows, and waits until a snapshot need not wait for its second."""
        place.execute(place.data.change())
        time.sleep(1.1)

    def _template(self, data: Data, *, is_bare: bool) -> Place:
        known = self._templates.get((data, is_bare))
        if known is None:
            if data not in self._filled:
                filled = self._database(data.name, "template0")
                Place(data, filled, self.scratch).execute(
                    *data.statements(), "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT"
                )
                self._filled[data] = filled
            suffix = "_bare" if is_bare else ""
            dsn = self._database(f"{data.name}_tracked{suffix}", _name_of(self._filled[data]))
            known = Place(data, dsn, self.fresh(f"{data.name}{suffix}"))
            flags = ["--bare"] if is_bare else []
            self.gitexport(known, "init", str(known.path), "--table", data.table, *flags)
            self.gitexport(known, "track")
            known.execute("VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")
            self._templates[data, is_bare] = known
        return known

    def _database(self, name: str, template: str) -> str:
        with psycopg.connect(self.server.dsn(), autocommit=True) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return self.server.dsn(name)


Measure = Callable[[Stand], Iterator[Figure]]
"""Measures something, and gives its figures one by one."""


def _name_of(dsn: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])


@contextmanager
def open_stand(scratch: Path, *, is_quick: bool) -> Iterator[Stand]:
    """Starts the server; everything is removed at the end, and not before."""
    home = scratch / "home"
    home.mkdir(parents=True)
    (home / ".gitconfig").write_text(_GIT_CONFIG)
    try:
        with EmbeddedServer.start(settings=_SETTINGS, durable=True) as server:
            yield Stand(scratch, server, is_quick=is_quick)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
