"""One batch of an acknowledgement: one transaction, which holds the fence while it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gitexport.model.entity import Entity, Tracking
from gitexport.model.ports import Acknowledgement, Fence
from gitexport.model.relation import Relation
from gitexport.model.snapshot import ObjectId
from gitexport.source.postgresql import state
from gitexport.source.postgresql.session import Connection, Cursor, pin
from gitexport.source.postgresql.tracking.acknowledge import acknowledge_rows, allow
from gitexport.source.postgresql.tracking.parts import tracking_of

_LARGE = 1_000
"""Rows from which on it pays to write a batch without locking its rows first."""

_PATIENCE_MS = 1
# Two sessions that write to one relation wait for each other while its file grows.
_PATIENCE_BESIDE_MS = 20


class Batch(NamedTuple):
    """Rows of one entity that are acknowledged together, and what their relation is like."""

    entity: Entity
    relation: Relation
    rows: Sequence[Acknowledgement]

    @property
    def is_flagged(self) -> bool:
        """True where acknowledging writes to the rows themselves."""
        return tracking_of(self.entity, self.relation) is Tracking.FLAG

    @property
    def is_large(self) -> bool:
        """True where it pays to write the rows without locking them first."""
        return self.is_flagged and len(self.rows) >= _LARGE


class BatchWriter:
    """Writes batches in one session, under one run's fence."""

    def __init__(
        self, connection: Connection, repository_id: str, fence: Fence, tip: ObjectId | None
    ) -> None:
        self.connection = connection
        self._repository_id = repository_id
        self._fence = fence
        self._tip = tip

    def write(
        self,
        batch: Batch | None,
        ids: Sequence[int] = (),
        *,
        is_last: bool = False,
        passes_locked: bool = True,
    ) -> int:
        """Moves the tip, acknowledges a batch, drops tombstones; counts the rows.

        The last transaction of a run waits for the disk, and so for all that came before.

        Raises:
            LockedError: Another run took the fence.
            psycopg.errors.LockNotAvailable: A row is locked, and was not to be passed over.
            psycopg.Error: The server refused a statement.
        """
        with self.connection.transaction(), self.connection.cursor() as cursor:
            pin(cursor)
            if not is_last:
                cursor.execute("SET LOCAL synchronous_commit = off")
            if self._fence.value:
                state.move_tip(cursor, self._repository_id, self._fence, self._tip)
            patience = None if passes_locked else _PATIENCE_MS
            counted = _acknowledge(cursor, batch, patience) if batch else 0
            if ids:
                _drop_tombstones(cursor, ids)
        return counted

    def write_beside(self, batch: Batch) -> int:
        """Acknowledges a batch while another session does the same; the tip has moved before.

        Raises:
            LockedError: Another run took the fence.
            psycopg.errors.LockNotAvailable: A row is locked.
            psycopg.Error: The server refused a statement.
        """
        with self.connection.transaction(), self.connection.cursor() as cursor:
            pin(cursor)
            cursor.execute("SET LOCAL synchronous_commit = off")
            if self._fence.value:
                state.hold_fence(cursor, self._repository_id, self._fence)
            return _acknowledge(cursor, batch, _PATIENCE_BESIDE_MS)


def _acknowledge(cursor: Cursor, batch: Batch, patience_ms: int | None) -> int:
    entity, relation, rows = batch
    allow(cursor, entity.flag)
    return acknowledge_rows(cursor, entity, relation, rows, patience_ms=patience_ms)


def _drop_tombstones(cursor: Cursor, ids: Sequence[int]) -> None:
    # By their numbers only: a hint that came after our read speaks of a later deletion.
    cursor.execute("DELETE FROM gitexport.tombstones WHERE id = ANY (%s::bigint[])", (list(ids),))
