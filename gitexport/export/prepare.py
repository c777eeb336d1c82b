"""Looks at tip, source and configuration, and plans one run without writing anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gitexport.errors import ConfigError, UsageError
from gitexport.export.guards import TooSoonError, choose_instant, guard_source, is_source
from gitexport.export.lineage import Lineage, guard_edits, is_managed_path, trace_lineage
from gitexport.export.manifest import Manifest
from gitexport.export.message import SOURCE
from gitexport.export.options import ExportOptions
from gitexport.export.schema_change import compare_relations, schema_hash
from gitexport.export.scope import EntityPlan, choose_scope, known_entity, path_function
from gitexport.model.entity import MANIFEST_PATH, RELATIONS_DIRECTORY, Entity, Publication
from gitexport.model.ports import (
    Clock,
    Fence,
    Progress,
    RowScope,
    Source,
    SourceIdentity,
    SourceView,
)
from gitexport.model.relation import Relation
from gitexport.model.relation_json import relation_from_json
from gitexport.model.snapshot import ObjectId, format_tag, parse_tag
from gitexport.store import refs
from gitexport.store.journal import MachineState
from gitexport.store.repository import DataRepository
from gitexport.store.trees import TreeReader


@dataclass(frozen=True, slots=True)
class Context:
    """What a run works with; the same for all its attempts."""

    source: Source
    repository: DataRepository
    publication: Publication
    options: ExportOptions
    clock: Clock
    progress: Progress

    @property
    def branch(self) -> str:
        """The branch that the snapshot goes to."""
        return self.options.branch or self.publication.branch

    @property
    def acknowledges(self) -> bool:
        """Whether rows are acknowledged: not for a branch that waits for review."""
        return self.branch == self.publication.branch

    @property
    def is_partial(self) -> bool:
        """Whether the run leaves rows out on purpose."""
        return bool(self.options.entities or self.options.limit)

    def entities(self) -> tuple[Entity, ...]:
        """Gives the entities of this run.

        Raises:
            UsageError: A name is not in the configuration.
            ConfigError: There are none.
        """
        known = {entity.name: entity for entity in self.publication.entities}
        for name in self.options.entities:
            if name not in known:
                message = f"no entity '{name}' in the configuration"
                raise UsageError(message, hint=f"known entities: {', '.join(known) or 'none'}")
        if not known:
            message = "the configuration names no entity"
            raise ConfigError(message, where="gitexport.toml", hint="run 'gitexport init' again")
        wanted = self.options.entities or tuple(known)
        return tuple(entity for name, entity in known.items() if name in wanted)


@dataclass(frozen=True, slots=True)
class Base:
    """The commit that a run builds on, and what it says."""

    tip: ObjectId | None
    tree: bytes | None
    reader: TreeReader
    manifest: Manifest

    def content(self, repository: DataRepository, path: str) -> bytes | None:
        """Reads a file of the commit."""
        entry = self.reader.entry(path.encode())
        return None if entry is None or entry.is_tree else repository.read_blob(entry.object_id)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One attempt's plan. `too_soon` is set where a commit has to wait for the next second."""

    base: Base
    fence: Fence
    lineage: Lineage
    identity: SourceIdentity
    instant: datetime
    too_soon: TooSoonError | None
    plans: tuple[EntityPlan, ...]
    relations: dict[str, Relation]
    columns: dict[str, tuple[str, ...]]
    hashes: dict[str, str]
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


def open_base(context: Context) -> Base:
    """Reads the tip of the branch, or of the configured one where the branch is new."""
    repository = context.repository
    tip = refs.tip(repository, context.branch)
    if tip is None:
        tip = refs.tip(repository, context.publication.branch)
    tree = None if tip is None else repository.tree_of(tip)
    reader = TreeReader(repository.read_tree, tree)
    base = Base(tip, tree, reader, Manifest(""))
    manifest = Manifest.parse(base.content(repository, MANIFEST_PATH))
    return Base(tip, tree, reader, manifest)


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
    relations = {entity.name: view.relation(entity) for entity in entities}
    lineage = _lineage(context, base, fence, state, relations)
    guard_edits(lineage, overrides, is_partial=context.is_partial)
    last_source = None if lineage.last is None else lineage.last.trailer(SOURCE)
    is_same = guard_source(identity, last_source, overrides)
    columns = {entity.name: view.columns(entity) for entity in entities}
    hashes = {
        entity.name: schema_hash(entity, relations[entity.name], columns[entity.name])
        for entity in entities
    }
    plans = tuple(
        _plan(
            context,
            base,
            view,
            entity,
            relations[entity.name],
            columns[entity.name],
            new_hash=hashes[entity.name],
            is_trusted=is_same and lineage.is_trusted and entity.name in fence.tracked,
        )
        for entity in entities
    )
    schemas = {
        entity.name: (entity.schema, _schema(context, base, entity.schema))
        for entity in entities
        if entity.schema
    }
    return Prepared(
        base, fence, lineage, identity, instant, too_soon, plans, relations, columns, hashes,
        schemas,
    )  # fmt: skip


def _plan(  # noqa: PLR0913, PLR0917 - gathers what an entity's plan depends on
    context: Context,
    base: Base,
    view: SourceView,
    entity: Entity,
    relation: Relation,
    columns: tuple[str, ...],
    *,
    new_hash: str,
    is_trusted: bool,
) -> EntityPlan:
    known = known_entity(entity, base.manifest)
    change = compare_relations(
        entity,
        _known_relation(context.repository, base, entity),
        relation,
        columns,
        hash_differs=known is not None and known.schema not in {"", new_hash},
    )
    scope, is_forced = choose_scope(
        entity,
        is_trusted=is_trusted,
        known=known,
        full=context.options.full,
        reread=change.reread,
    )
    is_hinted = view.tombstones(entity).is_complete
    reads_all = scope is RowScope.ALL
    compares = (not reads_all or context.options.limit > 0) and (
        reads_all or change.compare_keys or not is_hinted
    )
    return EntityPlan(
        entity,
        relation,
        view.nested(entity),
        path_function(entity, relation),
        scope,
        is_complete=reads_all or compares,
        compare_keys=compares,
        is_forced=is_forced,
        known=known,
        change=change,
    )


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
        return choose_instant(now, newest, context.options.overrides), None
    except TooSoonError as error:
        later = parse_tag(newest) if newest else now
        return max(later, now.replace(microsecond=0)), error


def _known_relation(repository: DataRepository, base: Base, entity: Entity) -> Relation | None:
    for name in (entity.name, entity.renamed_from):
        content = name and base.content(repository, f"{RELATIONS_DIRECTORY}/{name}.json")
        if content:
            value: dict[str, Any] = json.loads(content)
            return relation_from_json(value)
    return None


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
