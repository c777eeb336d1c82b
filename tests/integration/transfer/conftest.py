"""Two databases, snapshots of one of which go into the other; and a small archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gitexport.cli.main import main
from tests.fixtures.journey import Result
from tests.fixtures.postgres import Postgres
from tests.fixtures.repositories import git
from tests.integration.transfer.archives import TAG, Parts, manifest

Connection = psycopg.Connection[tuple[Any, ...]]
USERS = "CREATE TABLE users (id serial PRIMARY KEY, name text, age integer, place jsonb)"
TWENTY_USERS = """
INSERT INTO users SELECT n, 'user ' || n, n, jsonb_build_object('n', n)
    FROM generate_series(1, 20) n
"""


@dataclass
class Database:
    """One of the two databases, and people's connection to it."""

    dsn: str
    connection: Connection

    def sql(self, *statements: str) -> None:
        """Executes people's statements, each in a transaction of its own."""
        for statement in statements:
            self.connection.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Gives the rows of a query."""
        return self.connection.execute(query.encode()).fetchall()

    def value(self, query: str) -> Any:  # noqa: ANN401 - whatever the query gives
        """Gives one value."""
        return self.rows(query)[0][0]

    def dump(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        """Gives all rows of tables as text, sorted; flags left out."""
        form = "SELECT (to_jsonb(t) - 'json_exported')::text FROM {} AS t"
        return {table: sorted(self.rows(form.format(table))) for table in tables}


@dataclass
class Transfer:
    """A data repository of the first database, and imports into the second."""

    source: Database
    target: Database
    path: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Result:
        """Runs one command in the data repository of the source."""
        return self.plainly("-C", str(self.path), "--dsn", self.source.dsn, *arguments)

    def snapshot(self) -> str:
        """Exports the source; gives the snapshot's tag."""
        if not self.path.exists():
            assert self.run("init", "-q").code == 0
            assert self.run("track", "-q").code == 0
        result = self.run("export", "-o", "json")
        assert result.code == 0, result.err
        return str(result.json()["snapshot"])

    def configure(self, entity: str, line: str) -> None:
        """Adds a line to an entity of the configuration."""
        file = self.path / "gitexport.toml"
        head = f"[entities.{entity}]\n"
        text = file.read_text()
        assert head in text
        file.write_text(text.replace(head, f"{head}{line}\n"))

    def load(self, *arguments: str, source: str | None = None) -> Result:
        """Imports into the target, without asking."""
        return self.plainly(
            "import", source or str(self.path), "--dsn", self.target.dsn, "--yes", *arguments
        )

    def loaded(self, *arguments: str, source: str | None = None) -> dict[str, Any]:
        """Imports into the target, which has to succeed; gives the report."""
        result = self.load("-o", "json", *arguments, source=source)
        assert result.code == 0, result.err
        return result.json()

    def edited(self, name: str, old: str, new: str) -> str:
        """Commits a person's edit of a document; names the commit as a source."""
        file = next(self.path.rglob(f"data/**/{name}"))
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        self.git("commit", "--quiet", "--all", "--message", "an edit")
        return f"{self.path}@{self.git('rev-parse', 'HEAD')}"

    def git(self, *arguments: str) -> str:
        """Runs git in the data repository."""
        return git(self.path, *arguments)

    def plainly(self, *arguments: str) -> Result:
        """Runs one command with nothing added."""
        self.capture.readouterr()
        code = main(list(arguments))
        captured = self.capture.readouterr()
        return Result(code, captured.out, captured.err)


@pytest.fixture
def transfer(
    postgres: Postgres,
    database: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Transfer]:
    """Two empty databases, and the place of a data repository that is not made yet."""
    with (
        postgres.temporary_database() as other,
        psycopg.connect(database, autocommit=True) as here,
        psycopg.connect(other, autocommit=True) as there,
    ):
        yield Transfer(Database(database, here), Database(other, there), tmp_path / "data", capsys)


@pytest.fixture
def users(transfer: Transfer) -> Transfer:
    """A snapshot of 20 users, and an empty table for them."""
    transfer.source.sql(USERS, TWENTY_USERS)
    transfer.target.sql(USERS)
    transfer.snapshot()
    return transfer


@pytest.fixture
def parts() -> Parts:
    """A small archive that is well."""
    members = [
        ("export-summary.json", b"{}\n"),
        ("gitexport.toml", b"format = 1\n"),
        ("manifest.json", manifest("data/users", "data/users-old")),
        ("relations/users.json", b"{}\n"),
        ("data/users-old/1.json", b"{}\n"),
        ("data/users/1.json", b'{"a": 1}\n'),
        ("data/users/2.json", b'{"a": 2}\n'),
    ]
    return Parts(TAG, 1_750_576_874, members)
