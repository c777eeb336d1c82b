"""One transaction that writes rows; see `gitexport.model.writing.RowWriter`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from psycopg import sql

from gitexport.model.creation import CreationPlan, WantedRelation
from gitexport.model.entity import Entity
from gitexport.model.foreign_keys import Component, order_relations
from gitexport.model.ports import Key
from gitexport.model.prepared_rows import PreparedRows
from gitexport.model.recognition import Dangling, Recogniser
from gitexport.model.relation import Relation, RelationName
from gitexport.model.writing import (
    CascadeReach,
    CurrentRow,
    FormerValue,
    MissingColumns,
    PeoplesCode,
    RowAction,
    StagedRows,
    WriteCounts,
    WritingOptions,
)
from gitexport.source.postgresql.catalog import read_relations
from gitexport.source.postgresql.errors import translating
from gitexport.source.postgresql.session import Connection, Cursor, pin
from gitexport.source.postgresql.writing.cascades import find_reach, find_reach_of_updates
from gitexport.source.postgresql.writing.dangling import find_dangling
from gitexport.source.postgresql.writing.execution import write_stages
from gitexport.source.postgresql.writing.left_out import left_out, staying_out
from gitexport.source.postgresql.writing.preparing import Preparer
from gitexport.source.postgresql.writing.reading_back import (
    all_rows,
    rows_of_stage,
    rows_with_keys,
)
from gitexport.source.postgresql.writing.script import script
from gitexport.source.postgresql.writing.silence import Silence
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.target import (
    Target,
    check_may_stage,
    check_privileges,
    read_target,
)
from gitexport.source.postgresql.writing.verdicts import Verdicts

# What people's defaults, checks and triggers call is found as in any session of the role.
_PEOPLES_PATH = """
SELECT pg_catalog.set_config('search_path',
           pg_catalog.concat_ws(', ', 'pg_catalog', nullif(reset_val, '')), true)
  FROM pg_catalog.pg_settings WHERE name = 'search_path'
"""


@contextmanager
def open_writer(connection: Connection, options: WritingOptions) -> Iterator[PostgresWriter]:
    """Opens a transaction; it is kept when the block ends well, and undone otherwise.

    Raises:
        ConnectionFailedError: The connection was lost; nothing is kept.
        StatementFailedError: The server refused to keep what was written.
    """
    undone = options.is_rehearsal
    with (
        translating("writing rows"),
        connection.transaction(force_rollback=undone),
        connection.cursor() as cursor,
    ):
        pin(cursor)
        limit = sql.Literal(f"{options.lock_timeout_ms}ms")
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(limit))
        # Staging tables are analyzed for the plans of a few joins: a small sample is enough.
        cursor.execute("SET LOCAL default_statistics_target = 2")
        writer = PostgresWriter(cursor, options)
        yield writer
        writer.finish()


class PostgresWriter:
    """Writes rows of PostgreSQL; see `gitexport.model.writing.RowWriter`."""

    def __init__(self, cursor: Cursor, options: WritingOptions) -> None:
        self._cursor = cursor
        self._options = options
        # As they were a moment before in the same transaction.
        self._known: dict[RelationName, Relation] = {}
        self._targets: dict[Entity, Target] = {}
        self._stages: dict[str, Stage] = {}
        self._verdicts: dict[str, Verdicts] = {}
        self._silence = Silence(cursor)

    def relations(self, names: Sequence[RelationName]) -> dict[RelationName, Relation]:
        """Describes relations as they are in the transaction; those that are not are left out."""
        with translating("reading the catalog"):
            found = read_relations(self._cursor, names)
        self._known |= found
        return found

    def plan_creation(self, wanted: Sequence[WantedRelation]) -> CreationPlan:
        """Compares the database with what is wanted, and changes nothing."""
        # Only who makes relations pays for loading what that takes.
        from gitexport.source.postgresql.create.plan import plan_creation

        with translating("planning relations"):
            return plan_creation(self._cursor, wanted)

    def create(self, plan: CreationPlan) -> None:
        """Makes everything, or fails."""
        from gitexport.source.postgresql.create.run import create

        create(self._cursor, plan)
        self._known.clear()

    def relation(self, entity: Entity) -> Relation:
        """Describes an entity's relation as it is now."""
        return self._target(entity).relation

    def order(self, entities: Sequence[Entity]) -> tuple[Component, ...]:
        """Tells in which order relations are written, and how each reference is kept."""
        return order_relations([self.relation(entity) for entity in entities])

    def silence(self, entities: Sequence[Entity]) -> tuple[PeoplesCode, ...]:
        """Names people's triggers and rules, which `write` disables until the transaction ends."""
        targets = {entity.relation: self._target(entity) for entity in entities}
        with translating("disabling triggers"):
            fires = self._options.fires_triggers
            return self._silence.find(list(targets.values()), fires=fires)

    def current(
        self, entity: Entity, keys: Iterable[Key] | None, *, is_locked: bool = True
    ) -> Iterator[CurrentRow]:
        """Streams the rows with some keys, or all rows, as an export would read them."""
        target = self._target(entity)
        with translating(str(entity.relation)):
            if keys is None:
                yield from all_rows(self._cursor, target, is_locked=is_locked)
            else:
                yield from rows_with_keys(self._cursor, target, keys, is_locked=is_locked)

    def stage(
        self,
        entity: Entity,
        documents: Iterable[tuple[Key, bytes]],
        action: RowAction,
        missing: MissingColumns = MissingColumns.DEFAULT,
    ) -> StagedRows:
        """Takes documents to be written, each the canonical bytes under its key."""
        stage = self._stage(entity)
        with translating(str(entity.relation)), self._peoples_path():
            return stage.add(documents, action, missing)

    def preparer(self, entity: Entity) -> Preparer:
        """Gives what prepares an entity's documents before they are staged."""
        return self._stage(entity).preparer

    def stage_prepared(
        self, entity: Entity, prepared: Iterable[PreparedRows], action: RowAction
    ) -> StagedRows:
        """Takes documents that were prepared, each under a number of its own."""
        stage = self._stage(entity)
        with translating(str(entity.relation)), self._peoples_path():
            return stage.take(prepared, action)

    def stage_deletions(self, entity: Entity, keys: Iterable[Key]) -> int:
        """Takes keys whose rows are to be deleted; gives the number of those that have one."""
        stage = self._stage(entity)
        with translating(str(entity.relation)):
            return stage.add_deletions(keys)

    def stage_departures(self, entity: Entity) -> int:
        """Takes every row for deletion that no document was staged for; gives their number."""
        stage = self._stage(entity)
        with translating(str(entity.relation)):
            return stage.add_departures()

    def left_out(self, entity: Entity, keys: Sequence[Key] | None = None) -> list[Key]:
        """Gives keys whose rows the entity's `where` leaves out, or will: those of updates."""
        with translating(str(entity.relation)):
            if keys is None:
                return list(staying_out(self._stages[entity.name]))
            return left_out(self._cursor, self._target(entity), keys)

    def recogniser(self) -> Recogniser:
        """Gives what finds the rows that documents of another database stand for."""
        # Most transactions write documents under the keys that they came with.
        from gitexport.source.postgresql.recognition.recogniser import (
            PostgresRecogniser,
        )

        return PostgresRecogniser(self._cursor, is_rehearsal=self._options.is_rehearsal)

    def dangling(self, entities: Sequence[Entity]) -> tuple[Dangling, ...]:
        """Finds rows to be written whose references have no target, staged or present."""
        staged = [self._verdicts[e.name] for e in entities if e.name in self._verdicts]
        everything = [found.stage for found in self._verdicts.values()]
        with translating("following references"):
            for found in staged:
                found.counts()
            return find_dangling(self._cursor, [found.stage for found in staged], everything)

    def expected(self, entity: Entity) -> WriteCounts:
        """Counts what `write` would do with what is staged."""
        if entity.name not in self._stages:
            return WriteCounts()
        with translating(str(entity.relation)):
            return self._verdicts[entity.name].counts()

    def reach(self, entities: Sequence[Entity]) -> tuple[CascadeReach, ...]:
        """Counts the rows that writing would change elsewhere, through cascades."""
        found = [self._verdicts[e.name] for e in entities if e.name in self._verdicts]
        stages, everything = [each.stage for each in found], list(self._stages.values())
        updating = [each for each in found if each.stage.rows]
        with translating("following foreign keys"):
            deleted = find_reach(self._cursor, stages, everything)
            return deleted + find_reach_of_updates(self._cursor, updating, everything)

    def statements(self, *, fires_triggers: bool) -> Iterator[str]:
        """Streams the lines of a script of SQL that does what `write` would do."""
        stages = [found.stage for found in self._verdicts.values() if not found.stage.is_empty]
        with translating("writing statements"):
            names = [stage.target.entity.name for stage in stages]
            counts = {name: self._verdicts[name].counts() for name in names}
            silence = ([], []) if fires_triggers else self._silence.statements()
            yield from script(self._cursor, stages, counts, silence)

    def write(self) -> dict[str, WriteCounts]:
        """Deletes, updates and inserts what is staged, and gives the counts by entity."""
        verdicts = [found for found in self._verdicts.values() if not found.stage.is_empty]
        with translating("disabling triggers"):
            self._silence.begin()
        with translating("writing rows"):
            for found in sorted(verdicts, key=lambda v: v.stage.target.entity.relation):
                privileges = _needed(found.stage)
                check_privileges(self._cursor, found.stage.target, privileges)
                found.lock()
                found.forget()
            counts = {found.stage.target.entity.name: found.counts() for found in verdicts}
            with self._peoples_path():
                write_stages(self._cursor, [found.stage for found in verdicts], counts)
        return counts

    def written(self, entity: Entity) -> Iterator[CurrentRow]:
        """Reads the rows back that documents were staged for, as an export would read them."""
        if entity.name in self._stages:
            with translating(str(entity.relation)):
                yield from rows_of_stage(self._cursor, self._stages[entity.name])

    def as_before(self, entity: Entity, types: Mapping[str, str]) -> Iterator[FormerValue]:
        """Reads columns of written rows back as values of their former types."""
        # Columns seldom change their types.
        from gitexport.source.postgresql.writing.former_types import former_values

        if entity.name in self._stages:
            with translating(str(entity.relation)):
                yield from former_values(self._cursor, self._stages[entity.name], types)

    def finish(self) -> None:
        """Enables what was disabled, before the transaction is kept."""
        with translating("enabling triggers"):
            self._silence.end()

    def _target(self, entity: Entity) -> Target:
        if entity not in self._targets:
            with translating(str(entity.relation)):
                self._targets[entity] = read_target(self._cursor, entity, self._known)
        return self._targets[entity]

    def _stage(self, entity: Entity) -> Stage:
        if entity.name not in self._stages:
            target = self._target(entity)
            with translating("staging rows"):
                check_may_stage(self._cursor)
            with translating(str(entity.relation)):
                stage = Stage(self._cursor, target, len(self._stages))
            self._stages[entity.name] = stage
            self._verdicts[entity.name] = Verdicts(self._cursor, stage)
        self._verdicts[entity.name].forget()
        return self._stages[entity.name]

    @contextmanager
    def _peoples_path(self) -> Iterator[None]:
        before = self._cursor.execute("SELECT pg_catalog.current_setting('search_path')").fetchall()
        self._cursor.execute(_PEOPLES_PATH)
        yield
        self._cursor.execute("SELECT pg_catalog.set_config('search_path', %s, true)", before[0])


def _needed(stage: Stage) -> list[str]:
    needed = ["DELETE"] if stage.deletions else []
    return [*needed, "INSERT", "UPDATE"] if stage.rows else needed
