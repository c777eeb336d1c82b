"""Streams an entity's rows, and goes on past rows that the server cannot render.

One COPY reads them all. Where it fails because of some row's values (text that is not valid
in its encoding, a document over 1 GB, a damaged page), the rows that did not come yet are read
by their keys in batches, out of which each failing row is taken: the one after the last that
came, or by halving. The keys of the rows that already came are kept as the server sent
them, a few bytes each.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from struct import Struct
from typing import NamedTuple

import psycopg
from psycopg import sql

from gitexport.model.key_text import is_text
from gitexport.model.ports import Key, RowProblem, RowQuery, SourceRow
from gitexport.source.postgresql.copy_stream import (
    copied,
    read_any_key,
    read_key,
    read_number,
    read_text,
)
from gitexport.source.postgresql.errors import is_row_refusal, refusal_text
from gitexport.source.postgresql.key_match import KeyMatch
from gitexport.source.postgresql.problems import read_problem
from gitexport.source.postgresql.select import (
    CompiledSelect,
    Reading,
    keys_statement,
    rows_statement,
)
from gitexport.source.postgresql.session import Cursor, checks_no_encoding

_BATCH = 2000
# The lengths of problem and label, both NULL, then a size and the length of the text.
_plain = Struct("!iiiqi").unpack_from
_PLAIN_BYTES = 24
_length = Struct("!i").unpack_from
_LENGTH_BYTES = 4


class RowReader(NamedTuple):
    """Reads the rows of one relation in one transaction."""

    cursor: Cursor
    reading: Reading
    compiled: CompiledSelect
    match: KeyMatch
    label: str | None = None

    def rows(self, query: RowQuery) -> Iterator[SourceRow]:
        """Streams every row of the query once; a row that cannot be rendered has a problem.

        Raises:
            psycopg.Error: The server refused for a reason that no single row has.
            NullKeyError: A row has no value in a key column.
        """
        parts = len(self.reading.key)
        seen = bytearray()
        try:
            statement = rows_statement(self.reading, self.compiled, query, self.label)
            for data in copied(self.cursor, statement):
                row, end = _row(data, parts)
                seen += data[:end]
                yield row
        except psycopg.Error as error:
            if not is_row_refusal(error):
                raise
        else:
            return
        yield from self._remaining(query, bytes(seen))

    def _remaining(self, query: RowQuery, seen: bytes) -> Iterator[SourceRow]:
        parts = len(self.reading.key)
        came = set(_split(seen, parts))
        # In order, because then the row at which a batch breaks off is the next one.
        has_any_bytes = checks_no_encoding(self.cursor)
        ordered = query._replace(is_ordered=True)
        statement = keys_statement(self.reading, ordered, as_bytes=has_any_bytes)
        keys = dict.fromkeys(data for data in copied(self.cursor, statement) if data not in came)
        came.clear()
        waiting = list(keys)
        if has_any_bytes:
            nameless = [_nameless(read_any_key(data, parts), self.reading) for data in waiting]
            yield from filter(None, nameless)
            waiting = [data for data, row in zip(waiting, nameless, strict=True) if row is None]
        for start in range(0, len(waiting), _BATCH):
            yield from self._batch(waiting[start : start + _BATCH], query)

    def _batch(self, keys: list[bytes], query: RowQuery) -> Iterator[SourceRow]:
        waiting = [keys]
        while waiting:
            rest, reason = yield from self._attempt(waiting.pop(), query)
            if len(rest) > 1:
                # Most likely the next row in order is the one that failed.
                suspect, others = rest[:1], rest[1:]
                rest, reason = yield from self._attempt(suspect, query)
                middle = 0 if rest else len(others) // 2
                waiting += [part for part in (others[middle:], others[:middle]) if part]
            if rest:
                key, _ = read_key(rest[0], len(self.reading.key))
                yield SourceRow(key, "", 0, None, RowProblem(reason), None)

    def _attempt(
        self, keys: list[bytes], query: RowQuery
    ) -> Generator[SourceRow, None, tuple[list[bytes], str]]:
        """Streams the rows with some keys; gives the keys that did not come, and why."""
        parts = len(self.reading.key)
        came = set()
        try:
            for data in copied(self.cursor, self._batch_statement(keys, query)):
                row, end = _row(data, parts)
                came.add(data[:end])
                yield row
        except psycopg.Error as error:
            if not is_row_refusal(error):
                raise
            return [key for key in keys if key not in came], refusal_text(error)
        return [], ""

    def _batch_statement(self, keys: list[bytes], query: RowQuery) -> sql.Composable:
        parts = len(self.reading.key)
        matching = self.match.condition(self.reading, [read_key(key, parts)[0] for key in keys])
        condition = sql.SQL("{} AND {}").format(self.reading.condition, matching)
        return rows_statement(
            self.reading._replace(condition=condition),
            self.compiled,
            # A limit makes the server order keys before it writes documents.
            query._replace(part=0, parts=1, limit=len(keys)),
            self.label,
        )


def _nameless(key: Key, reading: Reading) -> SourceRow | None:
    """Gives the row of a key by which no file can be named; None where it can."""
    for part, column in zip(key, reading.key, strict=True):
        if not is_text(part):
            reason = "holds bytes that are no UTF-8 text, by which no file can be named"
            return SourceRow(key, "", 0, None, RowProblem(reason, column), None)
    return None


def _row(data: bytes, parts: int) -> tuple[SourceRow, int]:
    """Reads a row as `rows_statement` sends it, and where its key ends."""
    key, end = read_key(data, parts)
    start = end + _LENGTH_BYTES
    (length,) = _length(data, end)
    version = ""
    if length > 0:
        version = data[start : start + length].decode()
        start += length
    problem_length, label_length, _, size, length = _plain(data, start)
    if problem_length == label_length == -1 and length >= 0:
        # Nearly every row has neither problem nor label, and then the text stands last.
        return SourceRow(key, version, size, data[start + _PLAIN_BYTES :], None, None), end
    return _row_in_full(data, parts), end


def _row_in_full(data: bytes, parts: int) -> SourceRow:
    key, start = read_key(data, parts)
    version, start = read_text(data, start)
    problem, start = read_text(data, start)
    label, start = read_text(data, start)
    size, start = read_number(data, start)
    text, _ = read_text(data, start)
    return SourceRow(
        key,
        (version or b"").decode(),
        size,
        text,
        None if problem is None else read_problem(problem.decode()),
        None if label is None else label.decode(),
    )


def _split(regions: bytes, parts: int) -> Iterator[bytes]:
    view = memoryview(regions)
    start = 0
    while start < len(regions):
        end = start
        for _ in range(parts):
            end += 4 + int.from_bytes(view[end : end + 4], "big")
        yield regions[start:end]
        start = end
