"""A workbench with a change that waits to be exported, and exports of it elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitexport.store.repository import DataRepository
from tests.crash.invariants import assert_in_step
from tests.fixtures.workbench import Workbench

ROOT = Path(__file__).parents[2]
KILLED = -9
TABLES = """
CREATE TABLE users (id int PRIMARY KEY, name text, tags jsonb);
CREATE TABLE names (name text PRIMARY KEY, at timestamptz, amount numeric(12, 2));
INSERT INTO users SELECT g, 'user ' || g, jsonb_build_object('b', g, 'a', '[1.0]'::jsonb)
  FROM generate_series(1, 30) g;
INSERT INTO names SELECT 'Name ' || g, '2026-01-01 00:00:00+02'::timestamptz, g * 1.10
  FROM generate_series(1, 10) g
"""
CHANGES = """
UPDATE users SET name = 'changed ' || id || ' ' || name WHERE id % 7 = 1;
DELETE FROM users WHERE id IN (2, 3);
UPDATE users SET id = 99 WHERE id = 4;
INSERT INTO users VALUES (1000, 'new', '{}');
DELETE FROM names WHERE name = 'Name 3';
UPDATE names SET name = 'Renamed' WHERE name = 'Name 4'
"""
CHANGED_BACK = """
UPDATE users SET name = 'changed ' || id || ' ' || name WHERE id % 7 = 1;
INSERT INTO users VALUES (2, 'again', null), (3, 'again', '[]');
UPDATE users SET id = 4 WHERE id = 99;
DELETE FROM users WHERE id = 1000;
INSERT INTO names VALUES ('Name 3', null, null);
UPDATE names SET name = 'Name 4' WHERE name = 'Renamed'
"""


def request(bench: Workbench, **options: object) -> dict[str, Any]:
    """Says in JSON what another process needs for one export, and lets its time pass here."""
    start = bench.clock()
    bench.clock.now += timedelta(minutes=1)
    return {
        "dsn": bench.dsn,
        "repository": str(bench.path),
        "id": bench.publication.repository_id,
        "config": bench.publication.config_text.decode(),
        "entities": [
            {
                "name": entity.name,
                "key": entity.key,
                "columns": entity.columns,
                "shard": str(entity.shard),
                "tracking": entity.tracking.value,
            }
            for entity in bench.publication.entities
        ],
        "start": start.isoformat(),
        "options": options,
    }


class Exporter:
    """Exports in processes that a server forks, one at a time."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.exporter", "--serve"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, bench: Workbench, fault: str = "", **options: object) -> int:
        """Exports once; gives the exit code, negative for the signal that ended it."""
        self.log.write_text("")
        self.start(request(bench, **options) | {"fault": fault})
        return self.wait()

    def start(self, members: dict[str, Any]) -> int:
        """Starts an export; gives its process id."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(members | {"log": str(self.log)}) + "\n")
        self._server.stdin.flush()
        return self._answer()

    def wait(self) -> int:
        """Waits for the export; gives its exit code, negative for the signal that ended it."""
        return self._answer()

    def _answer(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())

    def close(self) -> None:
        """Ends the server."""
        self._server.communicate()


@dataclass
class Scene:
    """A workbench whose entities wait to be exported by a process that will not survive it."""

    bench: Workbench
    exporter: Exporter

    def export(self, fault: str = "", **options: object) -> int:
        """Exports in another process."""
        return self.exporter(self.bench, fault, **options)

    def said(self) -> str:
        """What the last other process printed."""
        return self.exporter.log.read_text()

    def prepare(self, *, is_exported: bool = True) -> Scene:
        """Makes two tables, exports them unless told not to, and changes rows of both."""
        self.bench.sql(TABLES)
        self.bench.add_entity("users", "id", "name", "tags", shard="mod/1/1")
        self.bench.add_entity("names", "name", "at", "amount", key=("name",), shard="hash/1")
        if is_exported:
            assert self.bench.export().exit_code == 0
            self.bench.sql(CHANGES)
        return self

    def recover(self) -> None:
        """Makes one more ordinary export, and asserts that all is well after it."""
        before = self.bench.commits() if self._has_branch() else 0
        repository = DataRepository.open(self.bench.path)
        assert replace(self.bench, repository=repository).export().exit_code == 0
        assert self.bench.commits() - before <= 1
        self.bench.repository.forget()
        assert_in_step(self.bench)

    def _has_branch(self) -> bool:
        return bool(self.bench.git("for-each-ref", "refs/heads/main"))


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Forks processes that export; one server for each worker."""
    made = Exporter(tmp_path_factory.mktemp("exporter") / "log")
    yield made
    made.close()


@pytest.fixture
def scene(workbench: Workbench, exporter: Exporter) -> Scene:
    """A workbench without tables yet."""
    return Scene(workbench, exporter)


@pytest.fixture
def bare_scene(workbench: Workbench, exporter: Exporter, tmp_path: Path) -> Scene:
    """The same with a bare repository."""
    repository = DataRepository.create(tmp_path / "bare.git", bare=True)
    return Scene(replace(workbench, repository=repository), exporter)


def environment(**more: str) -> dict[str, str]:
    """The environment of a program that a test starts: this one's, and some more."""
    return {**os.environ, **more}
