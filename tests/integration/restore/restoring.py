"""Looks at what a restore left in the repository and in the database."""

from __future__ import annotations

import json
from typing import Any

from tests.fixtures.journey import Journey, Result


def documents(journey: Journey, rev: str = "main") -> dict[str, str]:
    """Gives the blob of each committed document by its path."""
    lines = journey.git("ls-tree", "-r", rev, "data").splitlines()
    return {line.split("\t")[1]: line.split()[2] for line in lines}


def manifest(journey: Journey, rev: str = "main") -> dict[str, Any]:
    """Reads what a commit counts."""
    found: dict[str, Any] = json.loads(journey.git("show", f"{rev}:manifest.json"))
    return found


def document(journey: Journey, address: str) -> dict[str, Any]:
    """Reads a document of the last snapshot."""
    return journey.done("show", "latest", address).json()


def rows(journey: Journey, table: str = "users") -> list[str]:
    """Gives the text of all rows without their flags, sorted."""
    found = journey.connection.execute(
        f"SELECT ((to_jsonb(t) - 'json_exported'))::text FROM {table} AS t ORDER BY 1".encode()
    ).fetchall()
    return [row[0] for row in found]


def pending(journey: Journey, table: str = "users") -> int:
    """Counts pending rows."""
    statement = f"SELECT count(*) FROM {table} WHERE json_exported IS NOT TRUE"
    row = journey.connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


def latest(journey: Journey) -> str:
    """Names the last snapshot."""
    return str(journey.done("log", "-o", "json").json()["snapshots"][0]["snapshot"])


def restore(journey: Journey, rev: str, *arguments: str) -> Result:
    """Restores rows without being asked."""
    return journey.run("restore", rev, "--database", "--yes", "-o", "json", *arguments)


def assert_untouched(journey: Journey, before: tuple[list[str], str], result: Result) -> None:
    """Asserts that a command changed neither rows nor the repository."""
    assert (rows(journey), journey.git("rev-parse", "main")) == before, result.err


def state(journey: Journey) -> tuple[list[str], str]:
    """Gives what must stay as it is."""
    return rows(journey), journey.git("rev-parse", "main")
