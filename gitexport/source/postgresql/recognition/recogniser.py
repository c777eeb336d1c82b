"""The port `Recogniser` for PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitexport.model.ports import Key
from gitexport.model.recognition import (
    Dangling,
    ForeignDocument,
    Misled,
    NativeDocument,
    RecognisedEntity,
)
from gitexport.source.postgresql.errors import translating
from gitexport.source.postgresql.recognition.assigned import new_values
from gitexport.source.postgresql.recognition.followed import Following
from gitexport.source.postgresql.recognition.known import find_rows
from gitexport.source.postgresql.recognition.tables import EntityTables
from gitexport.source.postgresql.recognition.take import take_documents
from gitexport.source.postgresql.session import Cursor


class PostgresRecogniser:
    """Recognises rows in the cursor's transaction, which has to be pinned.

    A rehearsal takes nothing from sequences.
    """

    def __init__(self, cursor: Cursor, *, is_rehearsal: bool = False) -> None:
        self._cursor = cursor
        self._is_rehearsal = is_rehearsal
        self._tables: dict[str, EntityTables] = {}

    def take(
        self,
        entity: RecognisedEntity,
        documents: Iterable[ForeignDocument],
        *,
        merges: bool = False,
    ) -> int:
        """Takes documents and gives their number; `merges` says that some have a base."""
        tables = EntityTables(entity, len(self._tables), merges)
        self._tables[entity.name] = tables
        with translating(f"taking documents of '{entity.name}'"):
            return take_documents(self._cursor, tables, documents)

    def recognise(self, entity: RecognisedEntity) -> None:
        """Finds the row of each document taken, or gives it the values that the target assigns."""
        tables = self._tables[entity.name]
        with translating(f"recognising rows of '{entity.name}'"):
            new = new_values(self._cursor, tables, is_rehearsal=self._is_rehearsal)
            find_rows(self._cursor, tables, self._tables, new)

    def dangling(self, entity: RecognisedEntity) -> tuple[Dangling, ...]:
        """Finds documents to be written whose rewritten references have no target."""
        with translating(f"following references of '{entity.name}'"):
            return self._following(entity).dangling()

    def misled(self, entity: RecognisedEntity) -> tuple[Misled, ...]:
        """Finds documents to be written whose references cannot follow the rows that they mean."""
        with translating(f"following references of '{entity.name}'"):
            return self._following(entity).misled()

    def documents(self, entity: RecognisedEntity) -> Iterator[Sequence[NativeDocument]]:
        """Gives an entity's documents to be written as the target would hold them."""
        with translating(f"following references of '{entity.name}'"):
            yield from self._following(entity).documents()

    def pairs(self, entity: RecognisedEntity) -> Iterator[tuple[Key, Key, bool]]:
        """Streams the key of each document, that of its row, and whether the row is new."""
        with translating(f"listing the keys of '{entity.name}'"):
            yield from self._following(entity).pairs()

    def _following(self, entity: RecognisedEntity) -> Following:
        return Following(self._cursor, self._tables[entity.name], self._tables)
