"""Prepares an entity's documents in processes beside the one that has the connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gitexport.export.processes import processors, receive, started
from gitexport.model.prepared_rows import PreparedRows, RowPreparer
from gitexport.model.writing import RowAction
from gitexport.transfer.commit_documents import Part
from gitexport.transfer.import_documents import ImportDocuments
from gitexport.transfer.import_plan import PlannedEntity

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_PROCESSES = 4
"""More prepare faster than one session of the server stages."""
_PART_NUMBERS = 1 << 32
"""How many documents a part may number."""


class Ahead:
    """The documents of one entity, prepared ahead of a writer that stages them."""

    def __init__(
        self,
        documents: ImportDocuments,
        planned: PlannedEntity,
        preparer: RowPreparer,
        action: RowAction,
    ) -> None:
        self._documents = documents
        self._planned = planned
        self._preparer = preparer
        self._action = action

    def prepared(self, parts: Sequence[Part]) -> Iterator[PreparedRows]:
        """Streams what the processes prepare, part by part.

        Raises:
            GitExportError: What reading a document raises.
        """
        count = min(processors(), len(parts), _PROCESSES)
        shares = [(parts[first::count], range(first, len(parts), count)) for first in range(count)]
        with started(self._send, shares) as connections:
            for number in range(len(parts)):
                while block := receive(connections[number % count]):
                    yield PreparedRows._make(block)

    def _send(self, parent: Connection, parts: Sequence[Part], numbers: Sequence[int]) -> None:
        for documents, number in zip(
            self._documents.parts(self._planned, parts), numbers, strict=True
        ):
            first = (number + 1) * _PART_NUMBERS
            for block in self._preparer.prepare(documents, self._action, first):
                # A plain tuple travels lighter.
                parent.send((*block,))
            parent.send(())
