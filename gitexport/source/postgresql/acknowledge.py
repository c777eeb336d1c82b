"""Tells the database which rows a commit holds, batch by batch, under the fence.

Losing one of these transactions loses nothing: the commit is made, and a row that stays
pending is read again and found unchanged. So only the last one waits for the disk.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing

import psycopg

from gitexport.model import faults
from gitexport.model.entity import Entity
from gitexport.model.ports import Acknowledged, AcknowledgedCounts, Acknowledgement
from gitexport.model.relation import Relation
from gitexport.source.postgresql.acknowledge_batch import Batch, BatchWriter
from gitexport.source.postgresql.acknowledge_pairs import (
    ENOUGH,
    Pairs,
    has_processors,
    open_second,
)
from gitexport.source.postgresql.dropped_marks import dropped_warning
from gitexport.source.postgresql.errors import is_connection_loss
from gitexport.source.postgresql.refused_marks import explain_refusal

BATCH = 10_000
"""Rows acknowledged in one transaction: locks are held for a fraction of a second."""

Rows = Iterable[tuple[Entity, Sequence[Acknowledgement]]]


class Acknowledging:
    """One run's acknowledgement.

    `open_writer` opens another session like the writer's own, and raises
    `ConnectionFailedError` where there is none; `relation_of` describes an entity's relation.
    """

    def __init__(
        self,
        writer: BatchWriter,
        open_writer: Callable[[], BatchWriter],
        relation_of: Callable[[Entity], Relation],
    ) -> None:
        self._writer = writer
        self._open_writer = open_writer
        self._relation_of = relation_of
        self._relations: dict[str, Relation] = {}
        self._done: Counter[str] = Counter()
        self._handed: Counter[str] = Counter()
        self._refused: dict[Entity, psycopg.Error] = {}
        # Of each entity with rows that stayed pending, the first batch in which there were any.
        self._short: dict[str, Batch] = {}
        # Until a row was found locked: then others are at work, and giving up costs more.
        self._is_alone = True

    def run(self, rows: Rows, tombstones: Iterable[int]) -> Acknowledged:
        """Acknowledges rows, then drops the hints of deleted keys by their numbers.

        An entity's first batch that the server refuses is the last one of that entity; those of
        others follow.

        Raises:
            LockedError: Another run took the fence.
            psycopg.Error: The connection was lost, or the server refused what no entity is the
                reason of.
        """
        ids = list(tombstones)
        with closing(self._left_by_pairs(self._batches(rows))) as batches:
            batch = next(batches, None)
            while batch is not None and (following := next(batches, None)) is not None:
                self._try(batch)
                batch = following
            if batch is None or not self._try(batch, ids, is_last=True):
                # Without any row the tip moves as well, hints go, and the disk is waited for.
                self._writer.write(None, ids, is_last=True)
        counts = {
            name: AcknowledgedCounts(self._done[name], count - self._done[name])
            for name, count in self._handed.items()
        }
        connection = self._writer.connection
        refused = {
            entity.name: explain_refusal(connection, entity, error)
            for entity, error in self._refused.items()
        }
        warnings = [dropped_warning(connection, batch) for batch in self._short.values()]
        return Acknowledged(counts, refused, tuple(filter(None, warnings)))

    def _left_by_pairs(self, batches: Iterator[Batch]) -> Generator[Batch]:
        """Acknowledges in pairs where large batches are many; yields all that is left."""
        waiting: deque[Batch] = deque()
        is_worth_it = has_processors()
        for batch in batches:
            waiting.append(batch)
            if is_worth_it and batch.is_large and len(waiting) < ENOUGH:
                continue
            if is_worth_it and batch.is_large:
                yield from self._in_pairs(_chained(waiting, batches))
                return
            yield from _drained(waiting)
        yield from _drained(waiting)

    def _in_pairs(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        with open_second(self._open_writer) as second:
            if second is not None:
                # Before the first flag, as flags speak of the tip.
                self._writer.write(None)
                yield from Pairs(self._writer, second, self._note).passing(batches)
        yield from batches

    def _try(self, batch: Batch, ids: Sequence[int] = (), *, is_last: bool = False) -> bool:
        """Acknowledges a batch; False where it, or an earlier one of its entity, is refused."""
        if batch.entity in self._refused:
            return False
        try:
            counted = self._acknowledge(batch, ids, is_last=is_last)
        except psycopg.Error as error:
            if is_connection_loss(error):
                raise
            self._refused[batch.entity] = error
            return False
        self._note(batch, counted)
        return True

    def _acknowledge(self, batch: Batch, ids: Sequence[int], *, is_last: bool) -> int:
        if self._is_alone and batch.is_large:
            try:
                return self._writer.write(batch, ids, is_last=is_last, passes_locked=False)
            except psycopg.errors.LockNotAvailable:
                self._is_alone = False
        return self._writer.write(batch, ids, is_last=is_last)

    def _note(self, batch: Batch, counted: int) -> None:
        self._done[batch.entity.name] += counted
        self._handed[batch.entity.name] += len(batch.rows)
        if counted < len(batch.rows) and batch.is_flagged:
            self._short.setdefault(batch.entity.name, batch)
        faults.point("S9.batch")

    def _batches(self, rows: Rows) -> Iterator[Batch]:
        for entity, given in rows:
            if given and entity.name not in self._relations:
                self._relations[entity.name] = self._relation_of(entity)
            for start in range(0, len(given), BATCH):
                part = given[start : start + BATCH]
                yield Batch(entity, self._relations[entity.name], part)


def _chained(waiting: deque[Batch], batches: Iterator[Batch]) -> Iterator[Batch]:
    yield from _drained(waiting)
    yield from batches


def _drained(waiting: deque[Batch]) -> Iterator[Batch]:
    # Nobody else keeps a batch that has been given: they are large.
    while waiting:
        yield waiting.popleft()
