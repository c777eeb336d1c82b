"""Sets up, drops, resets and examines tracking: the port `TrackingAdmin` for PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from gitexport.errors import PermissionDeniedError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.tracking import TrackingFinding, Untracked
from gitexport.source.postgresql import ddl, findings, maintain
from gitexport.source.postgresql.catalog import find_relations
from gitexport.source.postgresql.errors import translating
from gitexport.source.postgresql.pending_index import build_index, plan_index
from gitexport.source.postgresql.session import Connection, Cursor, reading
from gitexport.source.postgresql.tracking_plan import find_targets, plan_track
from gitexport.source.postgresql.untrack_plan import UntrackPlan, plan_untrack


class PostgresTracking:
    """Tracking in one database; see `gitexport.model.tracking.TrackingAdmin`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def track(
        self,
        repository_id: str,
        entities: Sequence[Entity],
        *,
        role: str | None = None,
        dry_run: bool = False,
    ) -> tuple[str, ...]:
        """Makes what tracking needs and is not there yet; gives the SQL.

        All but the indexes is made in one transaction; they are built concurrently after
        it, so an interruption leaves all or nothing, and perhaps an index to build again.

        Raises:
            ConfigError: A relation cannot be tracked, or belongs to another repository.
            PermissionDeniedError: The role may not; the hint names the grant.
            LockedError: Locks were not to be had.
        """

        def plan(cursor: Cursor) -> list[sql.Composable]:
            relations = find_relations(cursor, entities)
            return plan_track(
                cursor, repository_id, entities, relations, role=role, checks_rights=not dry_run
            )

        where = ", ".join(sorted({str(entity.relation) for entity in entities}))
        with _setting_up(where):
            if dry_run:
                with reading(self._connection) as cursor:
                    statements = _in_words(plan(cursor))
                    for entity, name in self._flagged(cursor, repository_id, entities):
                        statements += plan_index(cursor, entity, name)
                return ddl.as_text(statements)
            statements = _in_words(ddl.execute_all(self._connection, plan, where=where))
            with reading(self._connection) as cursor:
                targets = list(self._flagged(cursor, repository_id, entities))
            for entity, name in targets:
                statements += build_index(self._connection, entity, name)
            return ddl.as_text(statements)

    def untrack(
        self, repository_id: str, entities: Sequence[Entity], *, dry_run: bool = False
    ) -> Untracked:
        """Drops what `track` made, and the state with the last of it.

        Raises:
            PermissionDeniedError: The role may not.
            LockedError: Locks were not to be had.
        """
        planned = UntrackPlan()

        def plan(cursor: Cursor) -> list[sql.Composable]:
            nonlocal planned
            planned = plan_untrack(cursor, repository_id, entities)
            return list(planned.statements)

        where = ", ".join(sorted({str(entity.relation) for entity in entities}))
        with _setting_up(where):
            if dry_run:
                with reading(self._connection) as cursor:
                    statements = plan(cursor)
            else:
                statements = ddl.execute_all(self._connection, plan, where=where)
            return Untracked(
                ddl.as_text(_in_words(statements)), planned.entities, ddl.as_text(planned.revokes)
            )

    def reset(self, repository_id: str, entities: Sequence[Entity]) -> dict[str, int]:
        """Marks all rows pending; gives the number of those that were not, by entity.

        Raises:
            ConfigError: A relation belongs to another repository.
            LockedError: Other sessions held rows locked for too long.
        """
        with translating("marking rows pending"):
            with reading(self._connection) as cursor:
                relations = find_relations(cursor, entities)
                targets = find_targets(cursor, repository_id, entities, relations)
            return {
                target.entity.name: maintain.reset(self._connection, target.entity, target.relation)
                for target in targets
            }

    def inspect(self, repository_id: str, entities: Sequence[Entity]) -> list[TrackingFinding]:
        """Finds what keeps changes from being noticed, or makes acknowledging costly.

        Raises:
            ConfigError: A relation cannot be tracked, or belongs to another repository.
        """
        with translating("examining tracking"), reading(self._connection) as cursor:
            relations = find_relations(cursor, entities)
            return findings.inspect(cursor, repository_id, entities, relations)

    def _flagged(
        self, cursor: Cursor, repository_id: str, entities: Sequence[Entity]
    ) -> Iterator[tuple[Entity, str]]:
        relations = find_relations(cursor, entities)
        for target in find_targets(cursor, repository_id, entities, relations):
            if target.entity.tracking is Tracking.FLAG:
                yield target.entity, target.id


def _in_words(statements: list[sql.Composable]) -> list[sql.Composable]:
    return [sql.SQL("BEGIN"), *statements, sql.SQL("COMMIT")] if statements else []


@contextmanager
def _setting_up(where: str) -> Iterator[None]:
    try:
        with translating(where):
            yield
    except PermissionDeniedError as error:
        if error.hint is None or "compare" not in error.hint:
            error.hint = 'run this as the owner of the relations, or set tracking = "compare"'
        raise
