"""Documents prepared for staging apart from the connection, in other processes where that pays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

from gitexport.model.ports import Key
from gitexport.model.writing import RowAction


class PreparedRows(NamedTuple):
    """Some documents as a writer stages them; made by a `RowPreparer`, and not to be looked into.

    `lines` are those of `line_count` documents, whose keys' parts stand in `keys` one after the
    other. `left` are further documents, under `numbers`, for the writer itself to judge.
    """

    line_count: int
    lines: bytes
    keys: str
    left: Sequence[tuple[Key, bytes]] = ()
    numbers: Sequence[int] = ()

    @classmethod
    def of(
        cls,
        line_count: int,
        lines: bytes,
        keys: Sequence[Key],
        left: Sequence[tuple[Key, bytes]] = (),
        numbers: Sequence[int] = (),
    ) -> PreparedRows:
        """Joins the keys of lines."""
        # No value of a database holds a null character.
        parts = "\0".join(chain.from_iterable(keys))
        return cls(line_count, lines, parts, left, numbers)

    @property
    def rows(self) -> int:
        """The number of documents."""
        return self.line_count + len(self.left)

    def key(self, place: int) -> Key | None:
        """Gives the key of a line; None where it cannot be told."""
        parts = self.keys.split("\0")
        length, rest = divmod(len(parts), self.line_count)
        return None if rest else tuple(parts[place * length : (place + 1) * length])


class RowPreparer(Protocol):
    """Prepares documents for staging, without the connection: any forked process may do so."""

    def prepare(
        self, documents: Iterable[tuple[Key, bytes]], action: RowAction, first: int
    ) -> Iterator[PreparedRows]:
        """Prepares documents, and numbers them from `first` on.

        Blocks are some 64 KB large. What cannot be prepared is left to the writer.
        """
