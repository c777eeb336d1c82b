"""Writes documents into a database through the product, for tests to compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from psycopg import sql

from gitexport.model.entity import Entity, Tracking
from gitexport.model.ports import Key
from gitexport.model.writing import (
    MissingColumns,
    RowAction,
    RowWriter,
    WriteCounts,
    WritingOptions,
)
from gitexport.source.postgresql.session import PINS
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.tracked import make_entity
from tests.integration.source.reading import entity_of

Documents = dict[Key, bytes]
THINGS = entity_of("public.things")


def compared(name: str, key: tuple[str, ...] = ("id",)) -> Entity:
    """Describes an entity of the schema public, compared."""
    return make_entity(f"public.{name}", key, name=name, tracking=Tracking.COMPARE)


def document(text: str) -> bytes:
    """Writes a document with a member a line, the last of which needs no comma."""
    return b"{\n  " + text.encode() + b"\n}\n"


@contextmanager
def writing(dsn: str, **options: Any) -> Iterator[RowWriter]:  # noqa: ANN401 - its options
    """Opens a writer of a source of its own."""
    with closing(PostgresSource(dsn)) as source, source.writing(WritingOptions(**options)) as found:
        yield found


def documents_of(dsn: str, entity: Entity) -> Documents:
    """Reads every row's document; all of them must have one."""
    with writing(dsn, is_rehearsal=True) as writer:
        rows = list(writer.current(entity, None, is_locked=False))
    assert [row for row in rows if row.document is None] == []
    return {row.key: row.document for row in rows if row.document is not None}


def make_like(
    dsn: str,
    documents: Mapping[Entity, Documents],
    **options: Any,  # noqa: ANN401 - its options
) -> dict[str, WriteCounts]:
    """Makes the rows of entities what their documents say, and proves it by reading back."""
    with writing(dsn, **options) as writer:
        entities = list(documents)
        writer.silence(entities)
        for entity, rows in documents.items():
            writer.stage(entity, rows.items(), RowAction.UPSERT)
            writer.stage_departures(entity)
        counts = dict(writer.write())
        for entity, rows in documents.items():
            assert {row.key: row.document for row in writer.written(entity)} == rows
    return counts


def write_rows(
    dsn: str,
    entity: Entity,
    rows: Iterable[tuple[Key, bytes]],
    action: RowAction = RowAction.UPSERT,
    missing: MissingColumns = MissingColumns.DEFAULT,
    **options: Any,  # noqa: ANN401 - its options
) -> WriteCounts:
    """Writes some documents, with people's triggers and rules at rest unless told otherwise."""
    with writing(dsn, **options) as writer:
        writer.silence([entity])
        writer.stage(entity, rows, action, missing)
        return writer.write()[entity.name]


def delete_rows(dsn: str, entity: Entity, *keys: str) -> WriteCounts:
    """Deletes the rows with some keys of one part."""
    with writing(dsn) as writer:
        writer.stage_deletions(entity, [(key,) for key in keys])
        return writer.write()[entity.name]


def texts(connection: psycopg.Connection, *tables: str, without: Sequence[str] = ()) -> Any:  # noqa: ANN401
    """Reads every value of some tables as text under the pinned settings."""
    with connection.transaction():
        for name, value in PINS.items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        return {table: _texts(connection, table, without) for table in tables}


def _texts(connection: psycopg.Connection, table: str, without: Sequence[str]) -> list[Any]:
    names = [
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum",
            (f"public.{table}" if "." not in table else table,),
        )
        if name not in without
    ]
    columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    relation = sql.Identifier(*(table.split(".") if "." in table else ("public", table)))
    rows = connection.execute(sql.SQL("SELECT {} FROM {}").format(columns, relation)).fetchall()
    return sorted(rows, key=repr)
