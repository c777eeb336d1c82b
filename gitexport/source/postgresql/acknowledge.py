"""Tells the database which rows a commit holds, batch by batch, under the fence.

Losing one of these transactions loses nothing: the commit is made, and a row that stays
pending is read again and found unchanged. So only the last one waits for the disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import psycopg

from gitexport.model import faults
from gitexport.model.entity import Entity
from gitexport.model.ports import AcknowledgedCounts, Acknowledgement, Fence
from gitexport.model.relation import Relation
from gitexport.model.snapshot import ObjectId
from gitexport.source.postgresql import state
from gitexport.source.postgresql.session import Connection, Cursor, pin
from gitexport.source.postgresql.tracking.acknowledge import acknowledge_rows, allow

BATCH = 10_000
"""Rows acknowledged in one transaction: locks are held for a fraction of a second."""

_LARGE = 1_000
"""Rows from which on it pays to write a batch without locking its rows first."""

Rows = Iterable[tuple[Entity, Sequence[Acknowledgement]]]


class Acknowledging:
    """One run's acknowledgement; `relation_of` describes an entity's relation."""

    def __init__(
        self,
        connection: Connection,
        repository_id: str,
        fence: Fence,
        tip: ObjectId | None,
        relation_of: Callable[[Entity], Relation],
    ) -> None:
        self._connection = connection
        self._repository_id = repository_id
        self._fence = fence
        self._tip = tip
        self._relation_of = relation_of
        self._relations: dict[str, Relation] = {}
        # Until a row was found locked: then others are at work, and giving up costs more.
        self._is_alone = True

    def run(self, rows: Rows, tombstones: Iterable[int]) -> dict[str, AcknowledgedCounts]:
        """Acknowledges rows, then drops the hints of deleted keys by their numbers.

        Raises:
            LockedError: Another run took the fence.
            psycopg.Error: The server refused a statement.
        """
        done: Counter[str] = Counter()
        handed: Counter[str] = Counter()
        ids = list(tombstones)
        batch = next(batches := _batches(rows), None)
        while True:
            following = next(batches, None) if batch is not None else None
            is_last = following is None
            counted = self._acknowledge(batch, ids if is_last else (), is_last=is_last)
            if batch is not None:
                done[batch[0].name] += counted
                handed[batch[0].name] += len(batch[1])
                faults.point("S9.batch")
            if is_last:
                break
            batch = following
        return {
            name: AcknowledgedCounts(done[name], count - done[name])
            for name, count in handed.items()
        }

    def _acknowledge(
        self,
        batch: tuple[Entity, Sequence[Acknowledgement]] | None,
        ids: Sequence[int],
        *,
        is_last: bool,
    ) -> int:
        if self._is_alone and batch is not None and len(batch[1]) >= _LARGE:
            try:
                return self._transaction(batch, ids, is_last=is_last, passes_locked=False)
            except psycopg.errors.LockNotAvailable:
                self._is_alone = False
        return self._transaction(batch, ids, is_last=is_last)

    def _transaction(
        self,
        batch: tuple[Entity, Sequence[Acknowledgement]] | None,
        ids: Sequence[int],
        *,
        is_last: bool,
        passes_locked: bool = True,
    ) -> int:
        counted = 0
        if batch is not None and batch[0].name not in self._relations:
            self._relations[batch[0].name] = self._relation_of(batch[0])
        with self._connection.transaction(), self._connection.cursor() as cursor:
            pin(cursor)
            if not is_last:
                cursor.execute("SET LOCAL synchronous_commit = off")
            if self._fence.value:
                state.move_tip(cursor, self._repository_id, self._fence, self._tip)
            if batch is not None:
                entity, rows = batch
                allow(cursor, entity.flag)
                counted = acknowledge_rows(
                    cursor,
                    entity,
                    self._relations[entity.name],
                    rows,
                    passes_locked=passes_locked,
                )
            if ids:
                _drop_tombstones(cursor, ids)
        return counted


def _drop_tombstones(cursor: Cursor, ids: Sequence[int]) -> None:
    # By their numbers only: a hint that came after our read speaks of a later deletion.
    cursor.execute("DELETE FROM gitexport.tombstones WHERE id = ANY (%s::bigint[])", (list(ids),))


def _batches(rows: Rows) -> Iterator[tuple[Entity, Sequence[Acknowledgement]]]:
    for entity, given in rows:
        for start in range(0, len(given), BATCH):
            yield entity, given[start : start + BATCH]
