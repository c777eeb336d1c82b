"""In a database that checks no encoding, a key that is no text keeps nobody else's row back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gitexport.model.entity import Publication, Tracking
from gitexport.model.ports import RowScope
from gitexport.model.report import QuarantinedRow
from gitexport.source.postgresql.source import PostgresSource
from gitexport.store.repository import DataRepository
from tests.fixtures.workbench import Workbench

_REASON = "holds bytes that are no UTF-8 text, by which no file can be named"


@pytest.fixture
def things(ascii_database: str, repository_path: Path) -> Iterator[Workbench]:
    """A database with the encoding SQL_ASCII, and a table that is not tracked yet."""
    source = PostgresSource(ascii_database)
    publication = Publication(
        "0b0e7f0e-0000-4000-8000-000000000001", config_text=b'format = 1\nid = "x"\n'
    )
    repository = DataRepository.create(repository_path)
    people = make_conninfo(ascii_database, client_encoding="SQL_ASCII")
    with psycopg.connect(people, autocommit=True) as connection:
        made = Workbench(ascii_database, connection, source, repository, publication)
        made.sql("CREATE TABLE things (kind int, id text, name text, PRIMARY KEY (kind, id))")
        made.sql("INSERT INTO things VALUES (1, 'a', 'one'), (1, 'é', 'two')")
        yield made
    source.close()


@pytest.mark.parametrize("tracking", [Tracking.FLAG, Tracking.TABLE, Tracking.COMPARE])
def test_row_whose_key_is_no_text_is_refused_alone(things: Workbench, tracking: Tracking) -> None:
    key = ("kind", "id")
    things.add_entity("things", "kind", "id", "name", key=key, tracking=tracking, shard="hash/1")
    things.export()
    # What the other key is shown as is a key as well.
    things.sql(r"INSERT INTO things VALUES (1, E'\xe4', 'bad'), (1, '\xe4', 'good')")
    things.sql("UPDATE things SET name = 'new' WHERE id = 'é'")

    report = things.export()

    found = report.entities["things"]
    assert (report.exit_code, found.added, found.modified) == (3, 1, 1)
    assert found.quarantined == [QuarantinedRow(("1", r"\xe4"), _REASON, "id")]
    assert sorted("new" in text for text in things.files().values()) == [False, False, True]
    full = things.export(full=True)
    assert (full.exit_code, full.snapshot) == (3, None)
    things.sql(r"DELETE FROM things WHERE id = E'\xe4'")
    after = things.export()
    assert (after.exit_code, after.snapshot) == (0, None)
    if tracking is not Tracking.COMPARE:
        assert things.sql("SELECT * FROM gitexport.tombstones") == []
    things.check()


def test_document_goes_when_its_key_becomes_no_text(things: Workbench) -> None:
    things.add_entity("things", "kind", "id", "name", key=("kind", "id"))
    things.export()
    things.sql(r"UPDATE things SET id = E'a\xff' WHERE id = 'a'")

    report = things.export()

    assert (report.exit_code, report.entities["things"].deleted) == (3, 1)
    assert list(things.files()) == ["data/things/1,=c3=a9.json"]
    assert things.pending("things") == 1
    things.sql(r"UPDATE things SET id = 'b' WHERE id = E'a\xff'")
    assert things.export().exit_code == 0
    assert len(things.files()) == 2


def test_keys_are_compared_and_rows_depart_around_one_that_is_no_text(things: Workbench) -> None:
    key = ("kind", "id")
    entity = things.add_entity("things", "kind", "id", "name", key=key, where="name <> 'out'")
    things.export()
    things.sql(r"INSERT INTO things VALUES (1, E'\xe4', 'out'), (1, 'c', 'out'), (2, 'd', 'in')")
    things.sql("UPDATE things SET name = 'out' WHERE id = 'a'")

    report = things.export()

    assert (report.entities["things"].added, report.entities["things"].deleted) == (1, 1)
    assert things.pending("things") == 1
    things.sql(r"UPDATE things SET name = 'in' WHERE id = E'\xe4'")
    with things.source.view() as view:
        assert sorted(view.keys(entity)) == [("1", "é"), ("2", "d")]
        assert view.count(entity, RowScope.PENDING) == 1
    things.sql("TRUNCATE things")
    assert things.export(overrides=frozenset()).entities["things"].deleted == 2
