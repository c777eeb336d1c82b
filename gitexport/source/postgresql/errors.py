"""Translates the driver's exceptions into gitexport's, by SQLSTATE class.

Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from gitexport.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    SourceError,
    StatementFailedError,
)

_CONNECTION_CLASS = "08"
_AUTHORISATION_CLASS = "28"
_DATA_CLASS = "22"
_UNKNOWN_DATABASE = "3D000"
_TOO_MANY_CONNECTIONS = "53300"
_NO_PRIVILEGE = "42501"
_SESSION_ENDED = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04"})
# What one row's values do to a statement: over the server's memory or size limits,
# "invalid memory alloc request size", and damaged pages.
_ROW_REASONS = frozenset({"53200", "54000", "XX000", "XX001", "XX002"})

_HINTS = {
    _UNKNOWN_DATABASE: "name a database that exists: --dsn 'dbname=…' or PGDATABASE",
    _TOO_MANY_CONNECTIONS: "wait until connections are free, or raise max_connections",
    _NO_PRIVILEGE: "grant the role SELECT on the table and USAGE on its schema",
    "28P01": "check the password: PGPASSWORD, the password file, or --dsn",
    "28000": "check the role, and pg_hba.conf on the server",
    "57P03": "the server is starting or stopping; try again in a moment",
    "57014": "raise statement_timeout for the role, or read fewer rows with --limit",
    "55P03": "another session holds a lock on the table; try again when it has ended",
    "25P03": "raise idle_in_transaction_session_timeout on the server",
    "25P04": "raise transaction_timeout on the server",
    "25006": "the server or the role is read-only; use the primary server",
    "53100": "free space on the server's disk",
}
ROW_SECURITY_HINT = (
    "hidden rows would look deleted: give the role BYPASSRLS, or publish a view of the rows "
    "that may be seen"
)
"""The ways on where row-level security hides rows from the role."""

# Names that the server quotes may be told; anything else it quotes is a value.
_TOLD = re.compile(r'\b(?:encoding|type|domain|column|relation|function|constraint) "[^"]*"')


def translate(error: psycopg.Error, *, where: str | None = None) -> SourceError:
    """Gives gitexport's exception for one of the driver's.

    The message is the server's first line and the name of the constraint. DETAIL and
    CONTEXT are left out, as they may hold values of rows.
    """
    state = error.sqlstate or ""
    hint = _HINTS.get(state)
    if is_connection_loss(error):
        return ConnectionFailedError(
            f"the connection to the database was lost: {_text(error)}",
            is_transient=_is_transient(error),
            where=where,
            hint=hint,
        )
    message = f"the database refused: {_text(error)}"
    if state == _NO_PRIVILEGE:
        is_hidden = "row-level security" in message or "row security" in message
        hint = ROW_SECURITY_HINT if is_hidden else hint
        return PermissionDeniedError(message, where=where, hint=hint)
    return StatementFailedError(message, sqlstate=state, where=where, hint=hint)


@contextmanager
def translating(where: str | None = None) -> Iterator[None]:
    """Translates every exception of the driver that leaves the block.

    Raises:
        ConnectionFailedError: The connection was lost.
        PermissionDeniedError: The role lacks a privilege, or row-level security hides rows.
        StatementFailedError: The server refused a statement for any other reason.
    """
    try:
        yield
    except psycopg.Error as error:
        translated = translate(error, where=where)
        # A traceback prints the cause, whose text may quote values of a row.
        error.args = (translated.message,)
        raise translated from error


def is_connection_loss(error: psycopg.Error) -> bool:
    """Tells whether the connection is gone, rather than a statement refused."""
    state = error.sqlstate
    if state:
        return (
            state[:2] in {_CONNECTION_CLASS, _AUTHORISATION_CLASS}
            or state in _SESSION_ENDED
            or state in {_UNKNOWN_DATABASE, _TOO_MANY_CONNECTIONS}
        )
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))


def is_transient(error: BaseException) -> bool:
    """Tells whether the same work may succeed on a new connection a moment later.

    True for a lost or refused connection, a server that starts or stops, and too many
    connections; False for a wrong password, an unknown database and refused statements.
    """
    if isinstance(error, psycopg.Error):
        return is_connection_loss(error) and _is_transient(error)
    return isinstance(error, ConnectionFailedError) and error.is_transient


def is_row_refusal(error: psycopg.Error) -> bool:
    """Tells whether a read failed because of some row's values, so that others can be read.

    Data exceptions (class 22), values over the server's limits of memory and size, and the
    internal errors that damaged or huge values raise.
    """
    state = error.sqlstate or ""
    return state[:2] == _DATA_CLASS or state in _ROW_REASONS


def refusal_text(error: psycopg.Error) -> str:
    """Says in one line why the server refused, without any value of a row."""
    return _text(error)


def _is_transient(error: psycopg.Error) -> bool:
    state = error.sqlstate or ""
    return state[:2] != _AUTHORISATION_CLASS and state not in {_UNKNOWN_DATABASE, "57P04"}


def _text(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error).partition("\n")[0]
    text = text.strip().rstrip(".") or type(error).__name__
    if (error.sqlstate or "")[:2] in {_DATA_CLASS, "23"}:
        text = _without_values(text)
    constraint = error.diag.constraint_name
    if constraint and f'"{constraint}"' not in text:
        text = f"{text} (constraint '{constraint}')"
    return text


def _without_values(text: str) -> str:
    # Bytes that are no text come with those that follow them.
    text = text.partition(": 0x")[0]
    start = 0
    while (quote := text.find('"', start)) >= 0:
        told = next((m for m in _TOLD.finditer(text, start) if m.end() - 1 > quote), None)
        if told is None or told.start() > quote:
            return text[:quote] + "…"
        start = told.end()
    return text
