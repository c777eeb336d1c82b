"""Writers, exporters, and everything that can go wrong around them, for some seconds.

Every transaction of the writers keeps the sum of all amounts, so that a commit whose documents
add up to anything else is not one instant of the database.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from gitexport.source.postgresql.connection import APPLICATION_NAME
from tests.crash.scene import Exporter, request
from tests.fixtures.workbench import Workbench

TABLES = ("accounts", "budgets", "cards")
ROWS = 20
_MOST_ROWS = 40
_PROCESSES = (1, 1, 1, 2)
_CREATE = """
CREATE SEQUENCE numbers START 1000;
CREATE TABLE accounts (id bigint PRIMARY KEY, amount int NOT NULL);
CREATE TABLE budgets (id bigint PRIMARY KEY, amount int NOT NULL);
CREATE TABLE cards (id bigint PRIMARY KEY, amount int NOT NULL)
"""
_TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database() ORDER BY random() LIMIT 1
"""
Row = tuple[str, int]


@dataclass
class Storm:
    """What happens in one storm; `ended` counts how exports ended and what else was done."""

    bench: Workbench
    exporters: list[Exporter]
    seed: int
    guards_versions: bool = True
    ended: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    _running: dict[int, int] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _person: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self) -> None:
        """Makes the tables, with amounts that add up to nothing, and exports them."""
        self.bench.sql(_CREATE)
        for name in TABLES:
            self.bench.sql(f"INSERT INTO {name} SELECT g, 0 FROM generate_series(1, {ROWS}) g")
            self.bench.add_entity(name, "id", "amount", shard="mod/1")
        assert self.bench.export().exit_code == 0

    def rage(self, seconds: float) -> None:
        """Lets everything happen at once, and returns when all of it has ended."""
        self._since = time.monotonic()
        self._start = request(self.bench)
        work: list[Callable[[random.Random], None]] = [self._write] * 3
        work += [self._exporting(exporter) for exporter in self.exporters]
        work += [self._strike, self._commit_notes, self._collect_garbage]
        threads = [
            threading.Thread(target=self._guarded, args=(task, self._chance(n)))
            for n, task in enumerate(work)
        ]
        for thread in threads:
            thread.start()
        self._over.wait(seconds)
        self._over.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        # The next export comes after the last of the storm, on its clock as well.
        self.bench.clock.now += timedelta(minutes=time.monotonic() - self._since + 60)

    def _chance(self, number: int) -> random.Random:
        return random.Random(f"{self.seed} {number}")  # noqa: S311 - to be repeated, not secret

    def _guarded(self, task: Callable[[random.Random], None], chance: random.Random) -> None:
        try:
            task(chance)
        except Exception as error:  # noqa: BLE001 - told by the test, in its own thread
            self.problems.append(repr(error))
            self._over.set()

    def _write(self, chance: random.Random) -> None:
        with psycopg.connect(self.bench.dsn, autocommit=True) as connection:
            while not self._over.wait(chance.uniform(0, 0.01)):
                with contextlib.suppress(psycopg.errors.DeadlockDetected):
                    _transfer(connection, chance)
                    self.ended["transactions"] += 1

    def _exporting(self, exporter: Exporter) -> Callable[[random.Random], None]:
        def run(chance: random.Random) -> None:
            while not self._over.is_set():
                options = {
                    "workers": chance.choice(_PROCESSES),
                    "full": chance.random() < 0.1,
                }
                more = {"since": self._since, "guards_versions": self.guards_versions}
                pid = exporter.start(self._start | more | {"options": options})
                with self._lock:
                    self._running[pid] = pid
                code = exporter.wait()
                with self._lock:
                    del self._running[pid]
                self.ended[f"exit {code}"] += 1

        return run

    def _strike(self, chance: random.Random) -> None:
        with psycopg.connect(self.bench.dsn, autocommit=True) as connection:
            while not self._over.wait(chance.uniform(0.1, 1.2)):
                action = chance.choice(("kill", "kill", "kill", "stop", "terminate"))
                if action == "terminate":
                    connection.execute(_TERMINATE, (APPLICATION_NAME,))
                elif action == "stop":
                    with self._victim(chance, signal.SIGSTOP) as pid:
                        self._over.wait(chance.uniform(0.05, 0.7))
                        _send(pid, signal.SIGCONT)
                else:
                    with self._victim(chance, signal.SIGKILL):
                        pass
                self.ended[action] += 1

    @contextlib.contextmanager
    def _victim(self, chance: random.Random, number: signal.Signals) -> Iterator[int]:
        with self._lock:
            pid = chance.choice(list(self._running) or [0])
            _send(pid, number)
        yield pid

    def _commit_notes(self, chance: random.Random) -> None:
        notes = self.bench.path / "NOTES.md"
        while not self._over.wait(chance.uniform(0.3, 1.5)):
            with notes.open("a") as file:
                file.write(f"note {chance.random()}\n")
            self.commit_note()

    def commit_note(self) -> None:
        """Commits what the person has written, unless a lock is in the way."""
        with self._person:
            self.ended["notes"] += self._git("add", "NOTES.md") and self._git(
                "commit", "-q", "-m", "a note", "--", "NOTES.md"
            )

    def _collect_garbage(self, chance: random.Random) -> None:
        while not self._over.wait(chance.uniform(0, 0.2)):
            command = chance.choice((("gc", "-q", "--prune=now"), ("repack", "-a", "-d", "-q")))
            # A gc that prunes at once destroys what a `git commit` is just writing; see git-gc(1).
            with self._person:
                self.ended[command[0]] += self._git(*command)

    def _git(self, *arguments: str) -> bool:
        # A person's command may meet a lock, and is then tried again later.
        done = subprocess.run(
            ["git", "-C", str(self.bench.path), *arguments], capture_output=True, check=False
        )
        return done.returncode == 0


def _send(pid: int, number: signal.Signals) -> None:
    # The victim may have ended, which its server has not read yet.
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _transfer(connection: psycopg.Connection, chance: random.Random) -> None:
    """Moves an amount from one row to another; rows come, go and change their keys with it."""
    amount = chance.randint(1, 100)
    with connection.transaction():
        giver, taker = _row(connection, chance), _row(connection, chance)
        if giver is None or taker is None or giver == taker:
            return
        action = chance.choice(("transfer", "transfer", "insert", "delete", "rename", "upend"))
        if action == "insert" and _count(connection, taker[0]) < _MOST_ROWS:
            _add(connection, giver, -amount)
            _run(connection, "INSERT INTO {} VALUES (nextval('numbers'), %s)", taker[0], amount)
        elif action == "delete" and _count(connection, giver[0]) > ROWS - 5:
            statement = "DELETE FROM {} WHERE id = %s RETURNING amount"
            found = _run(connection, statement, giver[0], giver[1]).fetchone()
            if found is not None:
                _add(connection, taker, found[0])
        elif action == "rename":
            statement = "UPDATE {} SET id = nextval('numbers') WHERE id = %s"
            _run(connection, statement, giver[0], giver[1])
        elif action == "upend":
            # A key that goes and comes back within one transaction is a change like any other.
            statement = "DELETE FROM {} WHERE id = %s RETURNING amount"
            found = _run(connection, statement, giver[0], giver[1]).fetchone()
            if found is not None:
                _run(connection, "INSERT INTO {} VALUES (%s, %s)", giver[0], giver[1], found[0])
        else:
            _add(connection, giver, -amount)
            _add(connection, taker, amount)


def _add(connection: psycopg.Connection, row: Row, amount: int) -> None:
    statement = "UPDATE {} SET amount = amount + %s WHERE id = %s"
    if _run(connection, statement, row[0], amount, row[1]).rowcount != 1:
        raise psycopg.Rollback


def _row(connection: psycopg.Connection, chance: random.Random) -> Row | None:
    table = chance.choice(TABLES)
    found = _run(connection, "SELECT id FROM {} ORDER BY random() LIMIT 1", table).fetchone()
    return None if found is None else (table, found[0])


def _count(connection: psycopg.Connection, table: str) -> int:
    found = _run(connection, "SELECT count(*) FROM {}", table).fetchone()
    assert found is not None
    return int(found[0])


def _run(
    connection: psycopg.Connection, statement: str, table: str, *values: object
) -> psycopg.Cursor[tuple[Any, ...]]:
    composed = sql.SQL(statement).format(sql.Identifier(table))
    return connection.execute(composed, values)


def log_of(exporters: list[Exporter]) -> list[str]:
    """Gives what the exporters said, each line once."""
    lines: dict[str, None] = {}
    for exporter in exporters:
        if Path(exporter.log).exists():
            lines |= dict.fromkeys(exporter.log.read_text().splitlines())
    return list(lines)
