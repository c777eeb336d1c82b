"""A relation's file holds all that the catalog says, and reads back as the same relation."""

from __future__ import annotations

import pytest

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
from gitexport.model.relation_json import published_columns, relation_from_json, relation_to_json

RELATION = Relation(
    name=RelationName("Läden", 'x"y'),
    kind=RelationKind.PARTITIONED,
    columns=(
        Column("id", "bigint", not_null=True, identity="always"),
        Column("json_exported", "boolean", default="false"),
        Column("mood", "dwh.mood", TypeKind.ENUM, collation="de-x-icu"),
        Column("total", "numeric(10,2)", generated="(id * 2)"),
    ),
    primary_key=("id",),
    unique_keys=(UniqueKey("pk", ("id",), is_primary=True), UniqueKey("u", ("mood", "id"))),
    foreign_keys=(
        ForeignKey(
            "fk", ("id",), RelationName("a", "b"), ("c",), is_deferrable=True, on_delete="cascade"
        ),
    ),
    checks=(("positive", "CHECK ((id > 0))"),),
    types=(
        NamedType("dwh.mood", TypeKind.ENUM, labels=("sad", "ok")),
        NamedType("dwh.pair", TypeKind.COMPOSITE, attributes=(("b", "text"), ("a", "integer"))),
        NamedType("dwh.positive", TypeKind.DOMAIN, base="integer", not_null=True, checks=("x",)),
    ),
    partition_key="RANGE (id)",
    partitions=(RelationName("Läden", "p1"),),
    has_inheritance=True,
    extension="postgis",
    estimated_rows=7,
)


def test_relation_comes_back_without_flag_and_estimate() -> None:
    value = relation_to_json(RELATION, ["id", "mood"], "json_exported")

    back = relation_from_json(value)

    assert [column.name for column in back.columns] == ["id", "mood", "total"]
    assert back.columns[0] == RELATION.columns[0]
    assert back.columns[1] == RELATION.columns[2]
    assert back.columns[2] == RELATION.columns[3]
    assert back.estimated_rows == 0
    for name in (
        "name", "kind", "primary_key", "unique_keys", "foreign_keys", "checks", "types",
        "partition_key", "partitions", "is_partition", "has_inheritance", "extension",
    ):  # fmt: skip
        assert getattr(back, name) == getattr(RELATION, name), name


def test_file_says_which_columns_are_published() -> None:
    value = relation_to_json(RELATION, ["id", "mood"], "json_exported")

    assert published_columns(value) == ("id", "mood")


def test_flag_that_is_published_stays() -> None:
    value = relation_to_json(RELATION, ["json_exported"], "json_exported")

    assert published_columns(value) == ("json_exported",)


@pytest.mark.parametrize(
    "value", [None, [], {}, {"relation": "a.b"}, {"relation": "a", "kind": ""}]
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not"):
        relation_from_json(value)
