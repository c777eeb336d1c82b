"""The program as people start it: a process with arguments, an environment and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gitexport.cli.main import main
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import fsck, git

ROOT = Path(__file__).parents[2]
TABLES = """
CREATE TABLE users (id int PRIMARY KEY, name text, note text);
CREATE TABLE orders (id int PRIMARY KEY, total numeric(10, 2));
INSERT INTO users SELECT g, 'user ' || g, NULL FROM generate_series(1, 30) g;
INSERT INTO orders SELECT g, g * 1.10 FROM generate_series(1, 20) g
"""
CHANGE = "UPDATE users SET name = 'changed ' || id WHERE id < 6"


@dataclass(frozen=True)
class Ended:
    """How a process ended, and the memory of the largest among it and its children."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> dict[str, Any]:
        """The one object that a failure prints last."""
        value: dict[str, Any] = json.loads(self.err.splitlines()[-1])
        assert list(value) == ["format", "code", "error", "where", "hint"]
        assert value["format"] == "gitexport.error/v1"
        assert value["code"] == self.code
        assert "\n" not in value["error"]
        return value


@dataclass
class Outside:
    """One data repository and its database, reached only through the program."""

    dsn: str
    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: object) -> list[str]:
        """Writes the command line."""
        return [sys.executable, "-m", "gitexport", "-C", str(self.path), *map(str, arguments)]

    def settings(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Writes the environment; the connection string is part of it."""
        own = {"GITEXPORT_DSN": self.dsn, "PYTHONPATH": str(ROOT)}
        return {**os.environ, **own, **self.environment, **(more or {})}

    def run(
        self,
        *arguments: object,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Ended:
        """Runs the program; `prefix` is a program that runs it."""
        done = subprocess.run(
            [*prefix, *self.command(*arguments)],
            env=self.settings(env),
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def failed(self, code: int, *arguments: object, **how: Any) -> dict[str, Any]:  # noqa: ANN401
        """Exports, which has to fail with a code; gives the error's object."""
        ended = self.run("export", "-o", "json", *arguments, **how)
        assert ended.code == code, ended.err
        assert "Traceback" not in ended.err
        return ended.error

    def heal(self) -> None:
        """Exports in peace, and asserts that nothing is left to do and git has no complaint."""
        ended = self.run("export", "-q")
        assert ended.code == 0, ended.err
        assert self.pending() == 0
        assert git(self.path, "status", "--porcelain") == ""
        fsck(self.path)
        assert not list((self.path / ".git").rglob("*.lock"))

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs SQL as the owner of the tables."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def pending(self, table: str = "users") -> int:
        """Counts pending rows."""
        statement = f"SELECT count(*) FROM {table} WHERE json_exported IS NOT TRUE"
        return int(self.sql(statement)[0][0])

    def tip(self) -> str:
        """Gives the branch's commit."""
        return git(self.path, "rev-parse", "main")

    @property
    def repository(self) -> DataRepository:
        """Opens the data repository."""
        return DataRepository.open(self.path)


@pytest.fixture
def outside(database: str, repository_path: Path, capsys: pytest.CaptureFixture[str]) -> Outside:
    """Two tracked and exported tables, five changed rows waiting."""
    made = Outside(database, repository_path)
    made.sql(TABLES)
    publish(made)
    made.sql(CHANGE)
    capsys.readouterr()
    return made


def publish(outside: Outside) -> None:
    """Makes the data repository and its first snapshot, in this process."""
    for command in (["init"], ["track"], ["export", "-q"]):
        assert main(["-C", str(outside.path), "--dsn", outside.dsn, *command]) == 0


def script(path: Path, text: str) -> str:
    """Writes a Python script, and gives the shell command that runs it."""
    path.write_text(text)
    return f"{sys.executable} {path}"
