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

from gitexport.model.key_text import key_part
from gitexport.model.ports import Key
from gitexport.source.postgresql.session import Cursor

_HEADER_BYTES = 19
_COUNT_BYTES = 2
_LENGTH_BYTES = 4
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
        messages = iter(copy)
        # The header comes in front of the first row, and two bytes alone end the rows.
        first = bytes(next(messages, b""))[_HEADER_BYTES:]
        if len(first) > _COUNT_BYTES:
            yield first[_COUNT_BYTES:]
        for message in messages:
            if len(message) > _COUNT_BYTES:
                yield bytes(message[_COUNT_BYTES:])


def read_key(data: bytes, parts: int) -> tuple[Key, int]:
    """Reads the texts of a key's fields, which stand first, and where the next field starts.

    Raises:
        NullKeyError: A part is NULL.
        UnicodeDecodeError: A part holds bytes that are no text.
    """
    if parts == 1:
        # By far the most frequent, on the path of every row.
        (length,) = _length(data, 0)
        if length >= 0:
            end = _LENGTH_BYTES + length
            return (data[_LENGTH_BYTES:end].decode(),), end
    key = []
    start = 0
    for place in range(parts):
        end = start + _LENGTH_BYTES
        (length,) = _length(data, start)
        if length < 0:
            raise NullKeyError(place)
        start = end + length
        key.append(data[end:start].decode())
    return tuple(key), start


def read_any_key(data: bytes, parts: int) -> Key:
    """Reads a key's fields as `read_key` does; see `gitexport.model.key_text` for other bytes.

    Raises:
        NullKeyError: A part is NULL.
    """
    key = []
    start = 0
    for place in range(parts):
        part, start = read_text(data, start)
        if part is None:
            raise NullKeyError(place)
        key.append(key_part(part))
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
