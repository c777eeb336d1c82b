"""The tables, indexes and views of a history in SQLite.

`versions` tell of every document without a gap: a row holds from `from_snapshot` up to, and not
including, `to_snapshot`, or until now. A deletion is a version, too, without a document.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

APPLICATION_ID = 0x47495458
"""Marks a SQLite file as a history, in its header."""
SCHEMA_VERSION = 1
_VIEWS_FROM = (3, 38)
_MOST_COLUMNS = 1900
_VIEW = "current_"

TABLES = """
CREATE TABLE metadata (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE snapshots (
    snapshot TEXT PRIMARY KEY,
    exported_at TEXT NOT NULL,
    commit_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    mode TEXT,
    version TEXT,
    database TEXT,
    author TEXT NOT NULL,
    subject TEXT NOT NULL,
    note TEXT,
    added INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    documents INTEGER,
    bytes INTEGER,
    duration_ms INTEGER
);
CREATE TABLE entities (
    entity TEXT PRIMARY KEY,
    relation TEXT NOT NULL,
    key_columns TEXT NOT NULL,
    label TEXT
);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    entity TEXT NOT NULL REFERENCES entities (entity) ON UPDATE CASCADE,
    key TEXT NOT NULL,
    kind TEXT NOT NULL
        CHECK (kind IN ('present', 'added', 'modified', 'rewritten', 'deleted')),
    from_snapshot TEXT NOT NULL REFERENCES snapshots (snapshot),
    to_snapshot TEXT REFERENCES snapshots (snapshot),
    document TEXT,
    reason TEXT
);
CREATE TABLE field_changes (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL REFERENCES versions (id),
    pointer TEXT NOT NULL,
    old TEXT,
    new TEXT
);
CREATE INDEX versions_of_document ON versions (entity, key, id);
CREATE UNIQUE INDEX versions_now ON versions (entity, key) WHERE to_snapshot IS NULL;
CREATE INDEX versions_from ON versions (from_snapshot);
CREATE INDEX versions_to ON versions (to_snapshot);
CREATE INDEX field_changes_of_version ON field_changes (version);
CREATE INDEX field_changes_of_pointer ON field_changes (pointer);
CREATE VIEW changes AS
    SELECT v.from_snapshot AS snapshot, s.exported_at, v.entity, v.key, v.kind,
        f.pointer, f.old, f.new, v.id AS version
    FROM versions AS v
    JOIN snapshots AS s ON s.snapshot = v.from_snapshot
    LEFT JOIN field_changes AS f ON f.version = v.id
    WHERE v.kind <> 'present';
"""
# A JSON path holds no escapes, so that other names cannot be reached by one.
_REACHABLE = re.compile(r'[^"\\\x00-\x1f]+')


def create_tables(connection: sqlite3.Connection) -> None:
    """Makes a new file's tables, indexes and views, inside of the transaction that is open."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    for statement in TABLES.split(";\n"):
        connection.execute(statement)


def has_views() -> bool:
    """Tells whether this SQLite can make the views of documents."""
    return sqlite3.sqlite_version_info >= _VIEWS_FROM


def drop_views(connection: sqlite3.Connection) -> None:
    """Takes the views of documents away, also those of entities that have other names now."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
    for (name,) in found:
        if name.startswith(_VIEW):
            connection.execute(f"DROP VIEW {quoted(name)}")


def create_view(connection: sqlite3.Connection, entity: str, columns: Iterable[str]) -> None:
    """Makes the view of the documents that an entity has now, with a column for each member.

    Texts are plain, integers of up to 18 digits are integers, null is NULL, and every other
    value is its JSON text. Members whose names no JSON path reaches are left out.
    """
    name = quoted(_VIEW + entity)
    members = [column for column in columns if _REACHABLE.fullmatch(column)][:_MOST_COLUMNS]
    listed = [f"{_value(column)} AS {quoted(column)}" for column in members]
    listed.append(f"from_snapshot AS {quoted('_since_snapshot')}")
    connection.execute(
        f"CREATE VIEW {name} AS SELECT {', '.join(listed)} FROM versions"  # noqa: S608 - quoted
        f" WHERE entity = {_text(entity)} AND to_snapshot IS NULL AND document IS NOT NULL"
    )


def quoted(name: str) -> str:
    """Quotes a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _value(column: str) -> str:
    path = _text(f'$."{column}"')
    value = f"document -> {path}"
    return (
        f"CASE json_type(document, {path}) WHEN 'text' THEN document ->> {path}"
        f" WHEN 'integer' THEN CASE WHEN length({value}) < 19"
        f" THEN CAST({value} AS INTEGER) ELSE {value} END"
        f" WHEN 'null' THEN NULL ELSE {value} END"
    )


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
