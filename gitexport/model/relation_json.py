"""A relation as JSON and back: the files `relations/<entity>.json`.

Columns stand in their physical order, the flag column is left out, and each says whether it
is published. Facts that are absent are left out, so that a later version can add some
without changing every file. Estimates of rows are never written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gitexport.model.json_shape import (
    as_mapping,
    as_optional,
    as_sequence,
    as_text,
    as_texts,
    without_empty,
)
from gitexport.model.relation import (
    Column,
    ForeignKey,
    NamedType,
    Relation,
    RelationKind,
    RelationName,
    TypeKind,
    UniqueKey,
)
from gitexport.model.structure_json import (
    bounds_from_json,
    constraints_from_json,
    extensions_from_json,
    mentions,
    sequences_from_json,
    structure_to_json,
)


def relation_to_json(
    relation: Relation, published: Collection[str], flag: str | None
) -> dict[str, object]:
    """Describes a relation for its file.

    `published` names the columns that documents hold. `flag` is the column that gitexport
    itself uses; it is left out unless it is published. Of other columns only name and type
    are said: defaults, checks and labels may hold what nobody meant to publish.
    """
    shown = [
        column for column in relation.columns if column.name != flag or column.name in published
    ]
    columns = [
        {**_column_to_json(column), "published": True}
        if column.name in published
        else {"name": column.name, "type": column.type_name, "published": False}
        for column in shown
    ]
    hidden = [column.name for column in relation.columns if column.name not in published]
    return without_empty(
        {
            "relation": str(relation.name),
            "kind": relation.kind.value,
            "columns": columns,
            "primary_key": list(relation.primary_key),
            "unique_keys": [_unique_to_json(key) for key in relation.unique_keys],
            "nullable_keys": [_unique_to_json(key) for key in relation.nullable_keys],
            "foreign_keys": [_foreign_to_json(key) for key in relation.foreign_keys],
            "checks": {name: text for name, text in relation.checks if not mentions(text, hidden)},
            "types": {
                named.name: _type_to_json(named) for named in _needed_types(relation, published)
            },
            "partition_key": relation.partition_key,
            "partitions": [str(name) for name in relation.partitions],
            "is_partition": relation.is_partition,
            "has_inheritance": relation.has_inheritance,
            "extension": relation.extension,
            **structure_to_json(relation, hidden),
        }
    )


def relation_from_json(value: object) -> Relation:
    """Reads a relation from the value of its file.

    Raises:
        ValueError: The value does not describe a relation.
    """
    try:
        return _relation(as_mapping(value))
    except (KeyError, TypeError, AttributeError) as error:
        message = f"this is not the description of a relation: {error}"
        raise ValueError(message) from error


def published_columns(value: object) -> tuple[str, ...]:
    """Lists the columns that a relation's file calls published.

    Raises:
        ValueError: The value does not describe a relation.
    """
    try:
        columns = map(as_mapping, as_sequence(as_mapping(value).get("columns", ())))
        return tuple(as_text(column["name"]) for column in columns if column.get("published"))
    except (KeyError, TypeError) as error:
        message = f"this is not the description of a relation: {error}"
        raise ValueError(message) from error


def _relation(value: Mapping[str, object]) -> Relation:
    types = as_mapping(value.get("types", {}))
    checks = as_mapping(value.get("checks", {}))
    return Relation(
        name=RelationName.parse(as_text(value["relation"])),
        kind=RelationKind(value["kind"]),
        columns=tuple(_column(as_mapping(item)) for item in as_sequence(value.get("columns", ()))),
        primary_key=as_texts(value.get("primary_key", ())),
        unique_keys=_unique_keys(value.get("unique_keys", ())),
        nullable_keys=_unique_keys(value.get("nullable_keys", ())),
        foreign_keys=tuple(
            _foreign_key(as_mapping(item)) for item in as_sequence(value.get("foreign_keys", ()))
        ),
        checks=tuple((name, as_text(text)) for name, text in sorted(checks.items())),
        types=tuple(_type(name, as_mapping(item)) for name, item in sorted(types.items())),
        partition_key=as_optional(value.get("partition_key")),
        partitions=tuple(map(RelationName.parse, as_texts(value.get("partitions", ())))),
        is_partition=bool(value.get("is_partition", False)),
        has_inheritance=bool(value.get("has_inheritance", False)),
        extension=as_optional(value.get("extension")),
        constraints=constraints_from_json(value),
        bounds=bounds_from_json(value),
        sequences=sequences_from_json(value),
        extensions=extensions_from_json(value),
    )


def _needed_types(relation: Relation, published: Collection[str]) -> list[NamedType]:
    by_name = {named.name: named for named in relation.types}
    wanted = [column.type_name for column in relation.columns if column.name in published]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop().removesuffix("[]")
        if name not in by_name or name in needed:
            continue
        needed.add(name)
        named = by_name[name]
        wanted += [type_name for _attribute, type_name in named.attributes]
        wanted += [inner for inner in (named.base, named.subtype) if inner]
    return [named for named in relation.types if named.name in needed]


def _column_to_json(column: Column) -> dict[str, object]:
    return without_empty(
        {
            "name": column.name,
            "type": column.type_name,
            "kind": None if column.kind is TypeKind.BASE else column.kind.value,
            "not_null": column.not_null,
            "default": column.default,
            "generated": column.generated,
            "identity": column.identity,
            "collation": column.collation,
            "virtual": column.is_virtual,
        }
    )


def _column(value: Mapping[str, object]) -> Column:
    return Column(
        name=as_text(value["name"]),
        type_name=as_text(value["type"]),
        kind=TypeKind(value.get("kind", TypeKind.BASE.value)),
        not_null=bool(value.get("not_null", False)),
        default=as_optional(value.get("default")),
        generated=as_optional(value.get("generated")),
        identity=as_optional(value.get("identity")),
        collation=as_optional(value.get("collation")),
        is_virtual=bool(value.get("virtual", False)),
    )


def _unique_to_json(key: UniqueKey) -> dict[str, object]:
    return without_empty(
        {"name": key.name, "columns": list(key.columns), "is_primary": key.is_primary}
    )


def _unique_keys(value: object) -> tuple[UniqueKey, ...]:
    return tuple(
        UniqueKey(
            as_text(item["name"]), as_texts(item["columns"]), bool(item.get("is_primary", False))
        )
        for item in map(as_mapping, as_sequence(value))
    )


def _foreign_to_json(key: ForeignKey) -> dict[str, object]:
    return without_empty(
        {
            "name": key.name,
            "columns": list(key.columns),
            "references": str(key.references),
            "referenced_columns": list(key.referenced_columns),
            "is_deferrable": key.is_deferrable,
            "initially_deferred": key.initially_deferred,
            "on_update": key.on_update,
            "on_delete": key.on_delete,
            "delete_columns": list(key.delete_columns),
            "match_full": key.is_match_full,
            "period": key.is_temporal,
        }
    )


def _foreign_key(value: Mapping[str, object]) -> ForeignKey:
    return ForeignKey(
        name=as_text(value["name"]),
        columns=as_texts(value["columns"]),
        references=RelationName.parse(as_text(value["references"])),
        referenced_columns=as_texts(value["referenced_columns"]),
        is_deferrable=bool(value.get("is_deferrable", False)),
        initially_deferred=bool(value.get("initially_deferred", False)),
        on_update=as_text(value["on_update"]),
        on_delete=as_text(value["on_delete"]),
        delete_columns=as_texts(value.get("delete_columns", ())),
        is_match_full=bool(value.get("match_full", False)),
        is_temporal=bool(value.get("period", False)),
    )


def _type_to_json(named: NamedType) -> dict[str, object]:
    return without_empty(
        {
            "kind": named.kind.value,
            "labels": list(named.labels),
            "base": named.base,
            "not_null": named.not_null,
            "default": named.default,
            "checks": list(named.checks),
            # Attributes have an order that counts, so they are pairs and no object.
            "attributes": [list(attribute) for attribute in named.attributes],
            "subtype": named.subtype,
            "collation": named.collation,
            "extension": named.extension,
        }
    )


def _type(name: str, value: Mapping[str, object]) -> NamedType:
    attributes = [as_texts(pair) for pair in as_sequence(value.get("attributes", ()))]
    return NamedType(
        name=name,
        kind=TypeKind(value["kind"]),
        labels=as_texts(value.get("labels", ())),
        base=as_optional(value.get("base")),
        not_null=bool(value.get("not_null", False)),
        default=as_optional(value.get("default")),
        checks=as_texts(value.get("checks", ())),
        attributes=tuple((name, type_name) for name, type_name in attributes),
        subtype=as_optional(value.get("subtype")),
        collation=as_optional(value.get("collation")),
        extension=as_optional(value.get("extension")),
    )
