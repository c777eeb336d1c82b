"""Parses the tables `[entities.<name>]`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from gitexport.config.fields import Fields, similar
from gitexport.config.places import check_path, folded, is_within, overlapping
from gitexport.config.sql_shape import check_condition
from gitexport.model.entity import Deletes, Entity, ModifiedDimension, Shard, ShardKind, Tracking
from gitexport.model.relation import RelationName

_KEYS = (
    "relation",
    "key",
    "columns",
    "exclude",
    "where",
    "flag",
    "tracking",
    "directory",
    "shard",
    "label",
    "natural_key",
    "modified",
    "schema",
    "deletes",
    "renamed_from",
)
_MODIFIED = ("relation", "on", "column")
_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,99}")


def parse_entities(top: Fields, tracking: Tracking) -> tuple[Entity, ...]:
    """Parses all entities, in the order of the file; `tracking` is that of the source.

    Raises:
        ConfigError: An entity is not complete or collides with another; names file, line
            and key.
    """
    section = top.table("entities")
    entities: list[Entity] = []
    for name in section.names():
        if not _NAME.fullmatch(name):
            section.fail(
                f"'{name}' cannot name an entity",
                key=name,
                hint="use lower-case letters, digits and '_'",
            )
        fields = section.table(name)
        entity = _entity(fields, name, tracking)
        _check_neighbours(fields, entity, entities)
        entities.append(entity)
    _check_renames(section, entities)
    return tuple(entities)


def _entity(fields: Fields, name: str, tracking: Tracking) -> Entity:
    fields.only(_KEYS)
    fields.require("relation", "key", "columns")
    entity = Entity(
        name=name,
        relation=_relation(fields, "relation"),
        key=fields.texts("key"),
        columns=_columns(fields),
        directory=fields.parsed("directory", check_path, f"data/{name}"),
        shard=fields.parsed("shard", Shard.parse, ShardKind.FLAT.value),
        exclude=fields.texts("exclude"),
        where=fields.parsed("where", check_condition) if fields.has("where") else None,
        flag=fields.text("flag", "json_exported"),
        tracking=fields.choice("tracking", Tracking, tracking),
        label=fields.optional_text("label"),
        natural_key=fields.texts("natural_key"),
        modified=_modified(fields),
        schema=fields.parsed("schema", check_path) if fields.has("schema") else None,
        deletes=fields.choice("deletes", Deletes, Deletes.FOLLOW),
        renamed_from=fields.optional_text("renamed_from"),
    )
    _check_key(fields, entity)
    _check_schema(fields, entity)
    return entity


def _relation(fields: Fields, key: str) -> RelationName:
    text = fields.text(key, "")
    try:
        return RelationName.parse(text)
    except ValueError:
        fields.fail(
            f"'{fields.name(key)}' is '{text}', which is not schema.name",
            key=key,
            hint="write the schema too, each part in double quotes where SQL needs them: "
            """'public."Order Details"'""",
        )


def _columns(fields: Fields) -> tuple[str, ...]:
    if fields.is_text("columns"):
        if fields.text("columns", "") != "*":
            fields.fail(f"""'{fields.name("columns")}' must be a list or "*\"""", key="columns")
        return ("*",)
    columns = fields.texts("columns")
    if not columns:
        fields.fail(f"'{fields.name('columns')}' names no column", key="columns")
    return columns


def _check_key(fields: Fields, entity: Entity) -> None:
    if not entity.key:
        fields.fail(f"'{fields.name('key')}' names no column", key="key")
    for column in entity.key:
        if entity.columns != ("*",) and column not in entity.columns:
            meant = similar(column, entity.columns)
            fields.fail(
                f"key column '{column}' is not among the columns of entity '{entity.name}'",
                key="key",
                hint=(f"did you mean '{meant}'? Otherwise " if meant else "")
                + _ways_without_key(column, entity.name),
            )
        pattern = next((glob for glob in entity.exclude if fnmatchcase(column, glob)), None)
        if pattern is not None:
            fields.fail(
                f"key column '{column}' of entity '{entity.name}' is excluded by '{pattern}'",
                key="exclude",
            )


def _ways_without_key(column: str, name: str) -> str:
    return (
        f"add '{column}' to columns, for a document holds its key, and its file is named after it; "
        f"to keep '{column}' out, name another unique key without nulls in key, or leave the "
        f"entity out by deleting [entities.{name}]"
    )


def _check_schema(fields: Fields, entity: Entity) -> None:
    if entity.schema and is_within(entity.schema, entity.directory):
        fields.fail(
            f"schema '{entity.schema}' lies in the entity's own directory",
            key="schema",
            hint="keep schemas in schemas/",
        )


def _modified(fields: Fields) -> ModifiedDimension | None:
    if not fields.has("modified"):
        return None
    table = fields.table("modified")
    table.only(_MODIFIED)
    table.require("relation", "on")
    return ModifiedDimension(
        relation=_relation(table, "relation"),
        on=table.text("on", ""),
        column=table.text("column", "modified"),
    )


def _check_neighbours(fields: Fields, entity: Entity, others: Sequence[Entity]) -> None:
    by_directory = {other.directory: other for other in others}
    clash = overlapping(entity.directory, by_directory)
    if clash is not None:
        other = by_directory[clash]
        fields.fail(
            f"entities '{other.name}' and '{entity.name}' share the directory '{clash}'"
            if folded(clash) == folded(entity.directory)
            else f"the directory '{entity.directory}' of entity '{entity.name}' overlaps "
            f"'{clash}' of entity '{other.name}'",
            key="directory",
            hint="give each entity a directory of its own",
        )
    for other in others:
        if _shares_flag(entity, other):
            fields.fail(
                f"entities '{other.name}' and '{entity.name}' both track relation "
                f"'{entity.relation}' with the flag '{entity.flag}'",
                key="relation",
                hint=f'give one of them another flag, or tracking = "{Tracking.COMPARE.value}"',
            )


def _shares_flag(entity: Entity, other: Entity) -> bool:
    if entity.relation != other.relation or entity.tracking is not other.tracking:
        return False
    if entity.tracking is Tracking.FLAG:
        return entity.flag == other.flag
    return entity.tracking is Tracking.TABLE


def _check_renames(section: Fields, entities: Sequence[Entity]) -> None:
    names = {entity.name for entity in entities}
    taken: dict[str, str] = {}
    for entity in entities:
        old = entity.renamed_from
        if old is None:
            continue
        fields = section.table(entity.name)
        if old in names:
            fields.fail(f"'{old}' is still an entity of its own", key="renamed_from")
        if old in taken:
            fields.fail(
                f"entities '{taken[old]}' and '{entity.name}' both were '{old}'",
                key="renamed_from",
            )
        taken[old] = entity.name
