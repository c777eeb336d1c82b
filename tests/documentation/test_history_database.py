"""The page on the history database names its tables, columns and metadata, and nothing else."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import psycopg
import pytest

from gitexport.history.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION, create_tables
from tests.cli.program import Program
from tests.documentation.pages import ROOT
from tests.documentation.tables import names, sections

_HOW_TO = ROOT / "docs" / "how-to" / "explore-history-with-datasette.md"
_SHOP = ROOT / "docs" / "tutorial" / "shop.sql"
_PAGE = ROOT / "docs" / "reference" / "history-database.md"


def test_every_column_is_explained() -> None:
    connection = sqlite3.connect(":memory:")
    create_tables(connection)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    columns = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for (table,) in tables
    }
    connection.close()

    documented = {heading: names(cells) for heading, cells in sections(_PAGE).items()}

    del columns["metadata"], documented["metadata"]
    assert documented == columns


def test_header_is_as_the_page_says() -> None:
    text = _PAGE.read_text(encoding="utf-8")

    assert re.findall(r"0x[0-9a-f]+", text) == [f"{APPLICATION_ID:#x}"]
    assert f"`user_version` is {SCHEMA_VERSION}" in text


def test_queries_of_the_page_run(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(database, autocommit=True) as source:
        source.execute(_SHOP.read_bytes())
    program = Program(capsys, ["--dsn", database, "-C", str(tmp_path / "data")])
    for command in ("init", "track", "export"):
        program.done(command)
    program.done("history", "--to", str(tmp_path / "history.sqlite"))
    queries = re.findall(r"```sql\n(.*?)```", _HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    connection = sqlite3.connect(tmp_path / "history.sqlite")

    found = [connection.execute(query).fetchall() for query in queries]

    connection.close()
    assert len(found) == 6
    assert (1, "Tea", "4.20") in found[-1]
