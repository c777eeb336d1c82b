"""Which entities of a snapshot go where, and by what their rows are recognised."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from gitexport.errors import ConfigError, DecisionNeededError, UsageError
from gitexport.model.entity import Entity, Shard
from gitexport.model.recognition import RecognisedEntity
from gitexport.model.relation import Relation, RelationName
from gitexport.transfer.columns import ColumnFit, fit_columns
from gitexport.transfer.identity import plan_identities
from gitexport.transfer.import_options import ImportMode, ImportOptions
from gitexport.transfer.snapshot_source import SnapshotEntity, SnapshotSource


class PlannedEntity(NamedTuple):
    """One entity of the snapshot, fitted to the target.

    `entity` is what rows are written as: the target's relation with the columns that both
    sides have. `recognised` says how rows are recognised.
    """

    name: str
    stored: SnapshotEntity
    entity: Entity
    fit: ColumnFit
    mode: ImportMode
    recognised: RecognisedEntity

    @property
    def is_written(self) -> bool:
        """Tells whether rows are written, and not only looked up."""
        return self.recognised.is_written


def plan_entities(
    source: SnapshotSource,
    relations: Mapping[RelationName, Relation],
    options: ImportOptions,
    *,
    by_key: Collection[RelationName] = (),
) -> list[PlannedEntity]:
    """Fits the snapshot's entities to the target, in the order in which rows are recognised.

    In the relations of `by_key`, natural keys play no part: keys mean the same rows on both
    sides, or there are no rows in the target.

    Raises:
        UsageError: An option names an entity or a column that the snapshot does not have.
        ConfigError: The target lacks a relation, or columns that identify rows; or the
            snapshot lacks a schema that documents have to satisfy.
        DecisionNeededError: A mirror needs SQL of the configuration that may not run.
    """
    _refuse_unknown(source, options)
    fitted: dict[str, PlannedEntity] = {}
    for name, stored in source.entities.items():
        relation = relations.get(stored.stored.relation.name)
        is_written = options.mentions(name)
        if relation is None and is_written:
            raise _no_relation(name, stored)
        if is_written:
            _refuse_lost_schema(source, name)
        if relation is not None:
            fitted[name] = _fit(source, name, relation, options, by_key=relation.name in by_key)
    recognised = plan_identities(
        [planned.recognised for planned in fitted.values()],
        {name: planned.stored.stored.relation.foreign_keys for name, planned in fitted.items()},
    )
    return [fitted[entity.name]._replace(recognised=entity) for entity in recognised]


def _fit(
    source: SnapshotSource,
    name: str,
    relation: Relation,
    options: ImportOptions,
    *,
    by_key: bool,
) -> PlannedEntity:
    stored = source.entities[name]
    configured = source.publication.entity(name)
    natural = configured.natural_key if configured and not by_key else ()
    key = stored.stored.key
    match = options.match.get(name) or natural or key
    for column in match:
        if column not in stored.published:
            message = f"no published column '{column}' in '{name}'"
            hint = f"its columns: {', '.join(stored.published)}"
            raise UsageError(message, where=f"--match {name}", hint=hint)
    fit = fit_columns(name, stored.stored.relation, stored.published, relation, {*key, *match})
    mode = options.mode_of(name)
    is_written = options.mentions(name)
    entity = Entity(
        name,
        relation.name,
        key,
        fit.columns,
        stored.stored.manifest.directory,
        Shard.parse(stored.stored.manifest.shard),
        where=_filter(configured, options, is_mirrored=is_written and mode is ImportMode.MIRROR),
        flag=configured.flag if configured else "json_exported",
    )
    # Also a column that the target computes may refer to rows that have other keys there.
    held = (*fit.columns, *fit.computed)
    recognised = RecognisedEntity(name, relation, key, held, match, is_written=is_written)
    return PlannedEntity(name, stored, entity, fit, mode, recognised)


def _filter(configured: Entity | None, options: ImportOptions, *, is_mirrored: bool) -> str | None:
    """Gives the SQL outside of which a mirror must not delete."""
    if configured is None or configured.where is None or not is_mirrored:
        return None
    if options.runs_filters:
        return configured.where
    name = configured.name
    message = (
        f"a mirror of '{name}' has to run the SQL of its 'where', which came with the snapshot"
    )
    raise DecisionNeededError(
        message,
        where=f"[entities.{name}] where",
        hint=f"read it, then add --accept-config; or --mode {name}=upsert, which deletes nothing",
    )


def _refuse_unknown(source: SnapshotSource, options: ImportOptions) -> None:
    known = source.entities
    named = [("--mode", name) for name in options.modes]
    named += [("--match", name) for name in options.match]
    named += [("--only", address.entity) for address in options.only]
    named += [("--exclude", address.entity) for address in options.exclude]
    for option, name in named:
        if name not in known:
            message = f"no entity '{name}' in the snapshot"
            hint = f"it holds: {', '.join(known) or 'none'}"
            raise UsageError(message, where=option, hint=hint)


def _refuse_lost_schema(source: SnapshotSource, name: str) -> None:
    """Refuses documents whose schema is not there, as nobody could tell whether they satisfy it."""
    configured = source.publication.entity(name)
    if configured is None or configured.schema is None or source.entities[name].schema is not None:
        return
    message = f"the snapshot lacks '{configured.schema}', the JSON Schema of '{name}'"
    hint = (
        f"commit the file, make another snapshot and import that, or leave the entity out with"
        f" --exclude {name}"
    )
    raise ConfigError(message, where=f"[entities.{name}] schema", hint=hint)


def _no_relation(name: str, stored: SnapshotEntity) -> ConfigError:
    message = f"the target has no relation '{stored.stored.relation.name}'"
    hint = f"make it with --create, or leave the entity out with --exclude {name}"
    return ConfigError(message, where=f"entity '{name}'", hint=hint)
