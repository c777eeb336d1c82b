"""Reads the rows of a SELECT through COPY in binary form, one message for each row.

The statement's columns are all text or int8 by explicit casts, so that a field is its bytes
or one big-endian number. A savepoint around each COPY lets the view live on when a row fails.

Source: PostgreSQL documentation, COPY, "Binary Format".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct

from psycopg import sql

from gitexport.model.ports import Key
from gitexport.source.postgresql.session import Cursor

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_HEADER_BYTES = 19
_COUNT_BYTES = 2
_LENGTH_BYTES = 4
_TRAILER = b"\xff\xff"
_length = Struct("!i").unpack_from
_number = Struct("!q").unpack_from


class NullKeyError(ValueError):
    """A key column of a row has no value; the argument is the part's place."""


@contextmanager
def savepoint(cursor: Cursor) -> Iterator[None]:
    """Undoes whatever the block did to the transaction, also its failure.

    Raises:
        psycopg.Error: The block's exception, or the connection was lost.
    """
    cursor.execute("SAVEPOINT gitexport_read")
    try:
        yield
    finally:
        if not cursor.connection.broken and not cursor.connection.closed:
            cursor.execute("ROLLBACK TO SAVEPOINT gitexport_read; RELEASE SAVEPOINT gitexport_read")


def copied(cursor: Cursor, statement: sql.Composable) -> Iterator[bytes]:
    """Streams the rows of a SELECT, each as its fields in binary form.

    The connection is busy until the iterator ends or is closed.

    Raises:
        psycopg.Error: The server refused the statement or a row, or the connection was lost.
    """
    command = sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(statement)
    with savepoint(cursor), cursor.copy(command) as copy:
        for message in copy:
            data = bytes(message)
            if data.startswith(_SIGNATURE):
                # The header may come alone or in front of the first row.
                data = data[_HEADER_BYTES:]
            if data and data != _TRAILER:
                yield data[_COUNT_BYTES:]


def key_end(data: bytes, parts: int) -> int:
    """Finds where the key's fields end, which stand first in a row.

    Raises:
        NullKeyError: A part is NULL.
    """
    end = 0
    for place in range(parts):
        (length,) = _length(data, end)
        if length < 0:
            raise NullKeyError(place)
        end += _LENGTH_BYTES + length
    return end


def read_key(data: bytes, parts: int) -> Key:
    """Reads the texts of a key's fields.

    Raises:
        NullKeyError: A part is NULL.
    """
    key = []
    start = 0
    for place in range(parts):
        (length,) = _length(data, start)
        if length < 0:
            raise NullKeyError(place)
        start += _LENGTH_BYTES
        key.append(str(data[start : start + length], "utf-8"))
        start += length
    return tuple(key)


def read_text(data: bytes, start: int) -> tuple[bytes | None, int]:
    """Reads a field's bytes, None for NULL, and where the next field starts."""
    (length,) = _length(data, start)
    start += _LENGTH_BYTES
    if length < 0:
        return None, start
    end = start + length
    return data[start:end], end


def read_number(data: bytes, start: int) -> tuple[int, int]:
    """Reads an int8 field that is not NULL, and where the next field starts."""
    start += _LENGTH_BYTES
    (number,) = _number(data, start)
    return number, start + 8
