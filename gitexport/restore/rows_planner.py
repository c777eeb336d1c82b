"""Stages a plan's documents for rows, and says what comes of them; writes nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from gitexport.errors import RowRefusedError
from gitexport.model.entity import Entity
from gitexport.model.writing import RowWriter
from gitexport.restore.plan import DocumentTarget, Plan
from gitexport.restore.rows import RowsPlan
from gitexport.restore.tip import Tip
from gitexport.restore.writing import Staged, stage, with_path


class RowsPlanner:
    """Stages a plan in one transaction, and says what it comes to."""

    def __init__(
        self,
        writer: RowWriter,
        tip: Tip,
        entities: Mapping[str, Entity],
        *,
        fires_triggers: bool,
        with_statements: bool,
    ) -> None:
        self._writer = writer
        self._tip = tip
        self._entities = entities
        self._fires_triggers = fires_triggers
        self._with_statements = with_statements
        self.staged: list[Staged] = []

    def describe(self, plan: Plan, *, check: bool = False) -> RowsPlan:
        """Stages everything; with `check` rows are locked and have to be as the tip says."""
        rows = RowsPlan(
            plan.origin,
            quarantined=plan.quarantined,
            notes=list(plan.left_alone),
            conflicts=plan.conflicts,
        )
        if plan.conflicts:
            return rows
        for name, targets in _by_entity(plan.targets):
            entity = self._entities[self._name(name)]
            try:
                types = plan.types.get(name, {})
                part = stage(self._writer, self._tip, entity, targets, types, check=check)
            except RowRefusedError as error:
                raise with_path(error, targets) from error
            self.staged.append(part)
            rows.notes += part.notes
            if not part.is_empty:
                rows.entities[name] = part.counts
            if part.lost_columns:
                rows.lost_columns[name] = part.lost_columns
        changed = [part.entity for part in self.staged if not part.is_empty]
        if any(part.deleted or part.updated for part in self.staged):
            rows.reach = tuple(part for part in self._writer.reach(changed) if part.rows)
        if not check and changed:
            # A rehearsal only names them, so that it locks no table.
            is_silenced = not self._fires_triggers
            code = self._writer.silence(changed)
            rows.code = tuple(part._replace(is_silenced=is_silenced) for part in code)
            if self._with_statements:
                rows.statements = list(self._writer.statements(fires_triggers=self._fires_triggers))
        return rows

    def _name(self, name: str) -> str:
        found = self._tip.configured(name)
        return name if found is None else found.name


def _by_entity(targets: Sequence[DocumentTarget]) -> Iterator[tuple[str, list[DocumentTarget]]]:
    ordered = sorted(targets, key=lambda target: target.entity)
    for name, group in groupby(ordered, key=lambda target: target.entity):
        yield name, list(group)
