"""Looks at tip, source and configuration, and plans one run without writing anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from gitexport.canonical.entity_paths import former_paths, path_function
from gitexport.canonical.manifest import EntityManifest
from gitexport.canonical.shards import PathFunction
from gitexport.errors import ConfigError
from gitexport.export.context import Base, Context
from gitexport.export.guards import TooSoonError, choose_instant, guard_source, is_source
from gitexport.export.lineage import Lineage, guard_edits, is_managed_path, trace_lineage
from gitexport.export.message import SOURCE
from gitexport.export.options import Override
from gitexport.export.recount import recount
from gitexport.export.schema_change import (
    SchemaChange,
    check_new_names,
    compare_relations,
    schema_hash,
)
from gitexport.export.scope import EntityPlan, choose_scope, known_entity
from gitexport.model.entity import CONFIG_PATH, RELATIONS_DIRECTORY, Entity
from gitexport.model.ports import (
    Fence,
    RowScope,
    SourceIdentity,
    SourceView,
)
from gitexport.model.relation import Relation
from gitexport.model.relation_json import published_columns, relation_from_json
from gitexport.model.snapshot import format_tag, parse_tag
from gitexport.store import refs
from gitexport.store.journal import MachineState


class Prepared(NamedTuple):
    """One attempt's plan. `too_soon` is set where a commit has to wait for the next second."""

    base: Base
    fence: Fence
    lineage: Lineage
    identity: SourceIdentity
    instant: datetime
    too_soon: TooSoonError | None
    plans: tuple[EntityPlan, ...]
    schemas: dict[str, tuple[str, bytes]]

    @property
    def tag(self) -> str:
        """The name of the snapshot."""
        return format_tag(self.instant)

    @property
    def mode(self) -> str:
        """How much was read, as the trailer says it."""
        return "full" if all(plan.is_forced for plan in self.plans) else "incremental"

    @property
    def is_overruled(self) -> bool:
        """Tells whether a person overruled a guard that looks at the last commits.

        Only a snapshot ends what the guard saw, also one that changes nothing else.
        """
        last = self.lineage.last
        source = None if last is None else last.trailer(SOURCE)
        is_other = source is not None and not is_source(self.identity, source)
        return bool(self.lineage.foreign) or is_other


def prepare(  # noqa: PLR0913, PLR0917 - everything that a plan depends on
    context: Context,
    base: Base,
    fence: Fence,
    state: MachineState,
    view: SourceView,
    identity: SourceIdentity,
) -> Prepared:
    """Plans one attempt inside a view.

    Raises:
        DecisionNeededError: A guard stops the run.
        ConfigError: The configuration does not fit the database.
    """
    overrides = context.options.overrides
    instant, too_soon = _instant(context, state)
    entities = context.entities()
    relations = view.relations(entities)
    lineage = _lineage(context, base, fence, state, relations)
    ruled = {*overrides, Override.EDITS} if context.options.rows_win else overrides
    guard_edits(lineage, ruled, is_partial=context.is_partial)
    last_source = None if lineage.last is None else lineage.last.trailer(SOURCE)
    is_same = guard_source(identity, last_source, overrides)
    planner = _Planner(context, base, view)
    plans = tuple(
        planner.plan(
            entity,
            relations[entity.name],
            is_trusted=is_same and lineage.is_trusted and entity.name in fence.tracked,
        )
        for entity in entities
    )
    if lineage.foreign or context.options.full:
        base, plans = recount(context.repository, base, plans)
    schemas = {
        entity.name: (entity.schema, _schema(context, base, entity.schema))
        for entity in entities
        if entity.schema
    }
    return Prepared(base, fence, lineage, identity, instant, too_soon, plans, schemas)


class _Planner(NamedTuple):
    """Plans entities one by one, inside one view and on one base."""

    context: Context
    base: Base
    view: SourceView

    def plan(self, entity: Entity, relation: Relation, *, is_trusted: bool) -> EntityPlan:
        """Plans one entity; `is_trusted` says that its flags speak of the base.

        Raises:
            DecisionNeededError: Its files lie in another layout than the configured one.
            ConfigError: It names a column anew that its relation does not have.
        """
        known = known_entity(entity, self.base.manifest)
        self._check_names(entity, relation)
        columns = self.view.columns(entity)
        schema = schema_hash(entity, relation, columns)
        change, former = self._change(entity, relation, known, schema)
        # Without a unique key, tracking cannot tell that a second row has come for a file.
        scope, is_forced = choose_scope(
            entity,
            is_trusted=is_trusted and relation.identifies(entity.key),
            known=known,
            full=self.context.options.full,
            reread=change.reread,
        )
        reads_all = scope is RowScope.ALL
        compares = self._compares_keys(entity, change, reads_all=reads_all)
        return EntityPlan(
            entity,
            relation,
            columns,
            schema,
            self.view.nested(entity),
            path_function(entity, relation),
            scope,
            is_complete=reads_all or compares,
            compare_keys=compares,
            is_forced=is_forced,
            known=known,
            change=change,
            former=former,
        )

    def _change(
        self, entity: Entity, relation: Relation, known: EntityManifest | None, schema: str
    ) -> tuple[SchemaChange, PathFunction | None]:
        """Compares with the last commit, whose documents may have other paths: gives both."""
        written = self._known_relation(entity)
        old = None if written is None else relation_from_json(written)
        former = None if old is None else former_paths(entity, old, relation)
        change = compare_relations(
            entity,
            old,
            relation,
            self.view.columns(entity),
            hash_differs=known is not None and known.schema not in {"", schema},
            published_before=published_columns(written) if known and known.schema else (),
        )
        return change, former

    def _check_names(self, entity: Entity, relation: Relation) -> None:
        written = self.base.content(self.context.repository, CONFIG_PATH)
        if written is not None or self.base.tip is None:
            check_new_names(entity, relation, written or b"")

    def _compares_keys(self, entity: Entity, change: SchemaChange, *, reads_all: bool) -> bool:
        if reads_all:
            return self.context.options.limit > 0
        return change.compare_keys or not self.view.tombstones(entity).is_complete

    def _known_relation(self, entity: Entity) -> dict[str, Any] | None:
        for name in (entity.name, entity.renamed_from):
            path = f"{RELATIONS_DIRECTORY}/{name}.json"
            content = self.base.content(self.context.repository, path) if name else None
            if content:
                value: dict[str, Any] = json.loads(content)
                return value
        return None


def _lineage(
    context: Context,
    base: Base,
    fence: Fence,
    state: MachineState,
    relations: dict[str, Relation],
) -> Lineage:
    # Entities that this run leaves out are asked by directory alone.
    parse: list[Callable[[bytes], bool]] = []
    for entity in context.publication.entities:
        relation = relations.get(entity.name)
        if relation is None:
            start = entity.directory.encode() + b"/"
            parse.append(lambda path, start=start: path.startswith(start))  # type: ignore[misc]
        else:
            paths = path_function(entity, relation)
            parse.append(lambda path, paths=paths: paths.parse(path) is not None)  # type: ignore[misc]
    documents = {document.path for document in context.publication.documents}
    return trace_lineage(
        context.repository,
        base.tip,
        fence,
        state.acknowledged,
        lambda path: is_managed_path(path, documents, parse),
    )


def _instant(context: Context, state: MachineState) -> tuple[datetime, TooSoonError | None]:
    base = refs.tip(context.repository, context.publication.branch)
    last = None if base is None else refs.last_snapshot(context.repository, base)
    names = [name for name in (state.last_tag, last and last.snapshot) if name]
    newest = max(names, default=None)
    now = context.clock()
    try:
        instant = choose_instant(now, newest, context.options.overrides)
    except TooSoonError as error:
        later = parse_tag(newest) if newest else now
        return max(later, now.replace(microsecond=0)), error
    # A tag of this second may belong to another branch, or to another clone.
    is_taken = refs.tag_exists(context.repository, format_tag(instant))
    return instant, TooSoonError(instant) if is_taken else None


def _schema(context: Context, base: Base, path: str) -> bytes:
    worktree = context.repository.worktree
    is_shown = context.repository.checked_out_branch() == context.branch
    if worktree is not None and is_shown:
        file: Path = worktree / path
        if file.is_file():
            return file.read_bytes()
    content = base.content(context.repository, path)
    if content is None:
        message = f"the JSON Schema '{path}' does not exist"
        raise ConfigError(message, where=path, hint="add the file, or remove 'schema'")
    return content
