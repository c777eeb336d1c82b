"""Proposes entities from the catalog: what `init` writes, and why it leaves the rest out.

Pure: the catalog's relations go in, a proposal comes out. Every relation ends up as an
entity, as one that a person has to complete, or as a refusal with a sentence.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gitexport.canonical.shards import choose_shard
from gitexport.errors import RelationNotFoundError
from gitexport.model.entity import Entity, Shard, ShardKind, Tracking
from gitexport.model.relation import Relation, RelationKind, RelationName
from gitexport.setup.base_types import base_type
from gitexport.setup.dimensions import find_dimension
from gitexport.setup.keys import is_integer_key, natural_key, usable_key
from gitexport.setup.naming import name_entities

FLAG = "json_exported"
OTHER_FLAG = "gitexport_exported"
_VIEWS = (RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW)
_LABELS = ("username", "user_name", "name", "title", "label", "display_name", "full_name")
_LABEL_ENDINGS = ("_name", "_title", "name", "title")
_TEXT_TYPES = ("text", "character varying", "citext", "character(", "name")


@dataclass(frozen=True, slots=True)
class ProposedEntity:
    """An entity for the configuration; `notes` are sentences for people.

    One that is not complete goes into the file as a comment, for a person to finish.
    """

    entity: Entity
    relation: Relation
    notes: tuple[str, ...] = ()
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """A relation that is no entity, and why."""

    relation: RelationName
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the catalog offers."""

    entities: tuple[ProposedEntity, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def complete(self) -> tuple[ProposedEntity, ...]:
        """The entities that can be exported as they are."""
        return tuple(proposed for proposed in self.entities if proposed.is_complete)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which relations a person asked for; empty means all.

    `tables` are names with or without their schema. `present` are the entities that the
    configuration holds. `seen` are relations that were proposed before: what a person removed
    or left as a comment does not come back unless its table is asked for. `occupied` are
    directories that hold other files.
    """

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    present: tuple[Entity, ...] = ()
    seen: tuple[RelationName, ...] = ()
    occupied: tuple[str, ...] = ()


def propose(relations: Sequence[Relation], selection: Selection) -> Proposal:
    """Proposes entities for the relations that the configuration does not hold yet.

    Raises:
        RelationNotFoundError: A table that was asked for does not exist.
    """
    chosen = _choose(relations, selection)
    known = {entity.relation for entity in selection.present}
    if not selection.tables:
        known |= set(selection.seen)
    fresh = [relation for relation in chosen if relation.name not in known]
    refusals = [
        Refusal(relation.name, reason) for relation in fresh if (reason := _reason(relation))
    ]
    refused = {refusal.relation for refusal in refusals}
    usable = [relation for relation in fresh if relation.name not in refused]
    names = name_entities(
        [relation.name for relation in usable], [entity.name for entity in selection.present]
    )
    taken = {entity.directory for entity in selection.present} | set(selection.occupied)
    entities = [
        _propose_one(relation, names[relation.name], relations, taken) for relation in usable
    ]
    return Proposal(
        tuple(sorted(entities, key=lambda proposed: proposed.entity.name)), tuple(refusals)
    )


def _choose(relations: Sequence[Relation], selection: Selection) -> list[Relation]:
    in_schemas = [
        relation
        for relation in relations
        if not selection.schemas or relation.name.schema in selection.schemas
    ]
    for schema in selection.schemas:
        if not any(relation.name.schema == schema for relation in relations):
            message = f"there is no relation in schema '{schema}'"
            raise RelationNotFoundError(message, hint="check --schema: the name is case-sensitive")
    if not selection.tables:
        return in_schemas
    chosen = []
    for table in selection.tables:
        matches = [relation for relation in in_schemas if _is_called(relation.name, table)]
        if not matches:
            message = f"there is no relation '{table}'"
            hint = "check --table: names are case-sensitive, with or without their schema"
            raise RelationNotFoundError(message, where=table, hint=hint)
        chosen += matches
    return list(dict.fromkeys(chosen))


def _is_called(name: RelationName, text: str) -> bool:
    if text == name.name:
        return True
    try:
        return RelationName.parse(text) == name
    except ValueError:
        return text == f"{name.schema}.{name.name}"


def _reason(relation: Relation) -> str | None:
    """Says why a relation cannot be an entity at all; None where it can."""
    if relation.extension:
        return f"it belongs to the extension '{relation.extension}', which makes it anew itself"
    if relation.is_partition:
        return "it is a partition; its parent is the entity and holds its rows"
    if relation.kind is RelationKind.FOREIGN:
        return "it is a foreign table: its rows live on another server and cannot be tracked"
    if relation.has_inheritance:
        return (
            "it takes part in table inheritance, where a key is unique in each table only; "
            'partition it, or publish a view with tracking = "compare"'
        )
    if not relation.columns:
        return "it has no columns"
    return None


def _propose_one(
    relation: Relation, name: str, relations: Sequence[Relation], taken: Collection[str]
) -> ProposedEntity:
    key = usable_key(relation)
    flag = _flag(relation)
    is_complete = bool(key) and relation.kind not in _VIEWS
    entity = Entity(
        name=name,
        relation=relation.name,
        key=key if is_complete else (),
        columns=tuple(column.name for column in relation.columns if column.name != flag),
        directory=_directory(name, taken),
        shard=_shard(relation, key) if is_complete else Shard(ShardKind.HASH, (1, 1)),
        flag=flag,
        tracking=_tracking(relation, flag) if is_complete else Tracking.COMPARE,
        label=_label(relation, key),
        natural_key=natural_key(relation, key),
        modified=find_dimension(relation, relations) if is_complete else None,
    )
    return ProposedEntity(entity, relation, tuple(_notes(relation, entity)), is_complete)


def _flag(relation: Relation) -> str:
    column = relation.column(FLAG)
    if column is None or (column.type_name == "boolean" and column.generated is None):
        return FLAG
    return OTHER_FLAG


def _tracking(relation: Relation, flag: str) -> Tracking:
    has_flag = relation.takes_columns or relation.column(flag) is not None
    return Tracking.FLAG if has_flag else Tracking.TABLE


def _directory(name: str, taken: Collection[str]) -> str:
    directory = f"data/{name}"
    return directory if directory not in taken else f"data/{name}_2"


def _shard(relation: Relation, key: Sequence[str]) -> Shard:
    return choose_shard(is_integer_key=is_integer_key(relation, key), rows=relation.estimated_rows)


def _label(relation: Relation, key: Sequence[str]) -> str | None:
    texts = [
        column.name
        for column in relation.columns
        if (kind := base_type(relation, column.type_name)).startswith(_TEXT_TYPES)
        and not kind.endswith("]")
    ]
    by_lower = {name.lower(): name for name in reversed(texts)}
    for name in _LABELS:
        if name in by_lower:
            return by_lower[name]
    for ending in _LABEL_ENDINGS:
        for name in texts:
            if name.lower().endswith(ending) and name not in key:
                return name
    return None


def _notes(relation: Relation, entity: Entity) -> list[str]:
    notes = []
    if relation.kind in _VIEWS:
        notes.append(
            f"{relation.name} is a {relation.kind.value}: name the columns of its key; every "
            "export reads all of its rows, and it cannot be restored into a database"
        )
    elif not entity.key:
        notes.append(
            f"{relation.name} has neither a primary key nor a unique key without nulls: name "
            "columns that identify a row, or give the table a key; it cannot be restored "
            "into a database while it has none"
        )
    if entity.modified is not None:
        notes.append(
            f"rows of {relation.name} are exported again when '{entity.modified.column}' is set "
            f"in {entity.modified.relation}"
        )
    if relation.kind in _VIEWS:
        return notes
    if entity.tracking is Tracking.TABLE:
        notes.append(
            f"no column can be added to {relation.name}, which is a typed table or has as many "
            'columns as a table can have, so its changes go to an outbox: tracking = "table"'
        )
    elif entity.flag != FLAG:
        column = relation.column(FLAG)
        is_computed = column is not None and column.type_name == "boolean"
        notes.append(
            f"column '{FLAG}' of {relation.name} is {'computed' if is_computed else 'no boolean'}, "
            f"so the flag is '{entity.flag}'"
        )
    elif relation.column(FLAG) is not None:
        notes.append(f"column '{FLAG}' of {relation.name} is adopted as its flag")
    return notes
