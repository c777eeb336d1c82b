"""The settings of a session under which equal rows give equal text.

Every one is set with SET LOCAL at the start of each transaction, so that neither a role's,
a database's nor a pooler's settings reach the text of a value.

Source: PostgreSQL documentation, "Client Connection Defaults".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql

PINS: Mapping[str, str] = MappingProxyType(
    {
        "standard_conforming_strings": "on",
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "iso_8601",
        "extra_float_digits": "1",
        "bytea_output": "hex",
        "lc_monetary": "C",
        "client_encoding": "UTF8",
        "search_path": "pg_catalog",
        # Names that SQL needs quoted stay the same text for regclass and expressions.
        "quote_all_identifiers": "off",
        # Rows hidden by a policy fail the read instead of looking deleted.
        "row_security": "off",
        "jit": "off",
    }
)
"""Settings that decide how values are written."""

_LIMITS = {
    # A first export streams for as long as it takes; a role's own limit must not cut it.
    "statement_timeout": "0",
    "lock_timeout": "30s",
    # Long enough for writing objects between two reads, short enough to free a dead run's
    # snapshot, which would hold back VACUUM.
    "idle_in_transaction_session_timeout": "1h",
}
_FIRST_WITH_TRANSACTION_TIMEOUT = 170000

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]


def pin(cursor: Cursor) -> None:
    """Sets the pinned settings for the rest of the current transaction.

    Raises:
        psycopg.Error: The server refused a setting, or no transaction is open.
    """
    settings = {**PINS, **_LIMITS}
    if cursor.connection.info.server_version >= _FIRST_WITH_TRANSACTION_TIMEOUT:
        settings["transaction_timeout"] = "0"
    statements = [
        sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in settings.items()
    ]
    cursor.execute(sql.SQL("; ").join(statements))


def checks_no_encoding(cursor: Cursor) -> bool:
    """Tells whether texts of the database may hold bytes that are no text."""
    return cursor.connection.info.parameter_status("server_encoding") == "SQL_ASCII"


@contextmanager
def reading(connection: Connection, shared: str | None = None) -> Iterator[Cursor]:
    """Opens a pinned REPEATABLE READ READ ONLY transaction, and ends it with the block.

    With `shared`, the transaction sees the same instant as the one that exported it.

    Raises:
        psycopg.Error: The transaction could not be opened.
    """
    cursor = connection.cursor()
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        if shared is not None:
            # Only allowed before the first query of the transaction.
            cursor.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(shared)))
        pin(cursor)
        yield cursor
    finally:
        _end(connection, cursor)


def _end(connection: Connection, cursor: Cursor) -> None:
    if connection.closed:
        return
    try:
        # A reading transaction has nothing to keep, and ROLLBACK also ends a failed one.
        cursor.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()
