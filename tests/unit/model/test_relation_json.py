"""A relation's file holds all that the catalog says, and reads back as the same relation."""

from __future__ import annotations

import pytest

from gitexport.model.relation import (
    Column,
    ForeignKey,
    NamedType,
    PartitionBound,
    Relation,
    RelationKind,
    RelationName,
    Sequence,
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
        Column("late", "bigint", generated="(id * 3)", is_virtual=True),
    ),
    primary_key=("id",),
    unique_keys=(UniqueKey("pk", ("id",), is_primary=True), UniqueKey("u", ("mood", "id"))),
    nullable_keys=(UniqueKey("n", ("mood",)),),
    foreign_keys=(
        ForeignKey(
            "fk", ("id",), RelationName("a", "b"), ("c",), is_deferrable=True, on_delete="cascade"
        ),
        ForeignKey("period", ("id", "late"), RelationName("a", "b"), ("c", "d"), is_temporal=True),
    ),
    checks=(("positive", "CHECK ((id > 0))"),),
    types=(
        NamedType("dwh.mood", TypeKind.ENUM, labels=("sad", "ok")),
        NamedType("dwh.pair", TypeKind.COMPOSITE, attributes=(("b", "text"), ("a", "integer"))),
        NamedType("dwh.positive", TypeKind.DOMAIN, base="integer", not_null=True, checks=("x",)),
        NamedType("dwh.word", TypeKind.DOMAIN, base="text", collation="de", extension="ours"),
    ),
    partition_key="RANGE (id)",
    partitions=(RelationName("Läden", "p1"),),
    has_inheritance=True,
    extension="postgis",
    constraints=(("apart", "EXCLUDE USING gist (id WITH =)"), ("pk", "PRIMARY KEY (id)")),
    bounds=(
        PartitionBound(
            RelationName("Läden", "p1"), RelationName("Läden", 'x"y'), "DEFAULT", "LIST (id)"
        ),
    ),
    sequences=(
        Sequence(RelationName("a", "S"), "id", "bigint", start=7, increment=-2, cache=9),
        Sequence(
            RelationName("a", "t"),
            "id",
            "smallint",
            is_owned=False,
            minimum=-3,
            maximum=3,
            cycles=True,
        ),
    ),
    extensions=(("hstore", "public"),),
    estimated_rows=7,
)


EVERYTHING = ["id", "mood", "total", "late", "pair", "positive", "word"]


def test_relation_comes_back_without_flag_and_estimate() -> None:
    more = (
        Column("pair", "dwh.pair[]", TypeKind.ARRAY),
        Column("positive", "dwh.positive", TypeKind.DOMAIN),
        Column("word", "dwh.word", TypeKind.DOMAIN),
    )
    relation = RELATION._replace(columns=(*RELATION.columns, *more))

    back = relation_from_json(relation_to_json(relation, EVERYTHING, "json_exported"))

    assert back == relation._replace(
        columns=tuple(column for column in relation.columns if column.name != "json_exported"),
        estimated_rows=0,
    )


def test_nothing_but_name_and_type_is_said_of_other_columns() -> None:
    secret = Column(
        "ssn", "dwh.secret", TypeKind.DOMAIN, not_null=True, default="'canary'", collation="C"
    )
    relation = RELATION._replace(
        columns=(*RELATION.columns, secret),
        checks=(*RELATION.checks, ("form", "CHECK ((ssn ~ 'canary'::text))")),
        types=(*RELATION.types, NamedType("dwh.secret", TypeKind.DOMAIN, checks=("canary",))),
        constraints=(*RELATION.constraints, ("one", "UNIQUE (ssn) INCLUDE (canary)")),
        sequences=(*RELATION.sequences, Sequence(RelationName("a", "canary"), "ssn", "bigint")),
        partition_key="LIST (ssn)",
        bounds=(
            PartitionBound(
                RelationName("a", "p"), RelationName("a", "b"), "FOR VALUES IN ('canary')"
            ),
        ),
    )

    value = relation_to_json(relation, EVERYTHING, "json_exported")

    assert "canary" not in str(value)
    assert {"name": "ssn", "type": "dwh.secret", "published": False} in value["columns"]  # type: ignore[operator]
    back = relation_from_json(value)
    assert back.checks == RELATION.checks
    assert back.constraints == RELATION.constraints
    assert back.sequences == RELATION.sequences


def test_only_whole_names_count_as_mentions() -> None:
    hidden = (Column("i", "text"), Column('a"b', "text"))
    checks = (
        ("apart", "CHECK ((id > 0))"),
        ("quoted", 'CHECK (("a""b" <> \'\'::text))'),
        ("same", "CHECK ((i > 0))"),
        ("whole", "CHECK ((i$x > 0))"),
    )
    relation = RELATION._replace(columns=(*RELATION.columns, *hidden), checks=checks)

    back = relation_from_json(relation_to_json(relation, EVERYTHING, "json_exported"))
    assert [name for name, _text in back.checks] == ["apart", "whole"]


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
