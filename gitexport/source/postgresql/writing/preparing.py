"""Makes blocks of lines for COPY of one entity's documents; works without the connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from typing import NamedTuple

from gitexport.errors import RowRefusedError, UnsupportedValueError
from gitexport.model.ports import Key
from gitexport.model.prepared_rows import PreparedRows
from gitexport.model.writing import MissingColumns, RowAction
from gitexport.source.postgresql.writing.documents import DocumentReader, DocumentShape
from gitexport.source.postgresql.writing.refusals import unsuitable

COMPLETE = -1
"""The shape of documents that hold every column, or whose others become null."""

# The server reads a block while the next one is made.
_BLOCK_BYTES = 1 << 17
_FEW = 8
_ACTIONS = {
    RowAction.INSERT: b"i",
    RowAction.UPDATE: b"u",
    RowAction.UPSERT: b"p",
    RowAction.SKIP: b"s",
}


class _Batch(NamedTuple):
    numbers: Sequence[int]
    keys: Sequence[Key]
    contents: Sequence[bytes]


class Preparer:
    """Prepares documents for one staging table; see `gitexport.model.writing.RowPreparer`.

    `used_shapes` are the shapes of the documents that `lines` took, `reader` tells them.
    """

    def __init__(self, name: str, key: Sequence[str], reader: DocumentReader) -> None:
        self.used_shapes: set[int] = set()
        self.reader = reader
        self._name = name
        self._key = tuple(key)

    def prepare(
        self, documents: Iterable[tuple[Key, bytes]], action: RowAction, first: int
    ) -> Iterator[PreparedRows]:
        """Makes lines of all documents that hold what is written, no more and no less."""
        for batch in _batches(documents, count(first)):
            yield self._alike(batch, action) or self._possible(batch, action)

    def lines(
        self,
        documents: Iterable[tuple[Key, bytes]],
        numbers: Iterable[int],
        action: RowAction,
        missing: MissingColumns,
    ) -> Iterator[PreparedRows]:
        """Makes lines of all documents, and remembers their shapes.

        Raises:
            RowRefusedError: One is none that the relation could hold.
        """
        for batch in _batches(documents, iter(numbers)):
            block = self._alike(batch, action)
            if block is not None:
                self.used_shapes.add(COMPLETE)
            yield block or self._all(batch, action, missing)

    def _alike(self, batch: _Batch, action: RowAction) -> PreparedRows | None:
        """Makes lines of documents that are all alike, as nearly all are, and all at once."""
        if len(batch.contents) < _FEW or len(batch.contents[-1]) > _BLOCK_BYTES:
            # A pattern for a few is not worth its making, nor are copies of a large one.
            return None
        found = self.reader.alike(batch.keys, batch.contents)
        if found is None:
            return None
        head = _head(action, COMPLETE)
        lines = [
            b"%d%b%b\n" % (number, head, b"\t".join(values))
            for number, values in zip(batch.numbers, found, strict=True)
        ]
        # Strings without escapes have quotes at their ends alone.
        return PreparedRows.of(len(lines), b"".join(lines).replace(b'"', b""), batch.keys)

    def _possible(self, batch: _Batch, action: RowAction) -> PreparedRows:
        head = _head(action, COMPLETE)
        lines: list[bytes] = []
        keys: list[Key] = []
        left: list[tuple[Key, bytes]] = []
        numbers: list[int] = []
        for number, key, content in zip(*batch, strict=True):
            try:
                shape, fields = self._read(key, content)
            except RowRefusedError:
                shape = None
            if shape is None or shape.missing or shape.unknown:
                # Who has the connection counts what is missing, and refuses.
                left.append((key, content))
                numbers.append(number)
            else:
                lines.append(b"%d%b%b\n" % (number, head, fields))
                keys.append(key)
        return PreparedRows.of(len(lines), b"".join(lines), keys, left, numbers)

    def _all(self, batch: _Batch, action: RowAction, missing: MissingColumns) -> PreparedRows:
        lines: list[bytes] = []
        latest, head = None, b""
        for number, key, content in zip(*batch, strict=True):
            shape, fields = self._read(key, content)
            if shape is not latest:
                latest, head = shape, _head(action, self._number(missing, key, shape))
            lines.append(b"%d%b%b\n" % (number, head, fields))
        return PreparedRows.of(len(lines), b"".join(lines), batch.keys)

    def _read(self, key: Key, document: bytes) -> tuple[DocumentShape, bytes]:
        if len(key) != len(self._key):
            message = f"the key has {len(key)} parts, and '{self._name}' has {len(self._key)}"
            raise unsuitable(self._name, key, message, hint="see 'key' in gitexport.toml")
        try:
            return self.reader.line(key, document)
        except UnsupportedValueError as error:
            column = f"column '{error.where}' " if error.where else ""
            raise unsuitable(self._name, key, column + error.message, hint=error.hint) from error

    def _number(self, missing: MissingColumns, key: Key, shape: DocumentShape) -> int:
        lacking = [name for name in shape.missing if name not in self._key]
        number = COMPLETE
        if lacking and missing is MissingColumns.REFUSE:
            message = f"the document lacks the column '{lacking[0]}'"
            raise unsuitable(self._name, key, message)
        if lacking and missing is MissingColumns.DEFAULT:
            number = shape.number
        self.used_shapes.add(number)
        return number


def _batches(documents: Iterable[tuple[Key, bytes]], numbers: Iterator[int]) -> Iterator[_Batch]:
    batch: list[tuple[Key, bytes]] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document[1])
        if size > _BLOCK_BYTES:
            yield _Batch(list(islice(numbers, len(batch))), *zip(*batch, strict=True))
            batch, size = [], 0
    if batch:
        yield _Batch(list(islice(numbers, len(batch))), *zip(*batch, strict=True))


def _head(action: RowAction, shape: int) -> bytes:
    return b"\t%b\t%d\t" % (_ACTIONS[action], shape)
