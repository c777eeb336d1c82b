"""Changes of a relation are named, and rows are read again where documents may differ."""

import pytest

from gitexport.export.schema_change import compare_relations, schema_hash
from gitexport.model.entity import Entity, Shard
from gitexport.model.relation import (
    Column,
    NamedType,
    Relation,
    RelationKind,
    RelationName,
    TypeKind,
)

ENTITY = Entity(
    "users",
    RelationName("dwh", "users"),
    ("id",),
    ("id", "mood"),
    "data/users",
    Shard.parse("flat"),
)
RELATION = Relation(
    RelationName("dwh", "users"),
    RelationKind.TABLE,
    (Column("id", "bigint"), Column("mood", "dwh.mood", TypeKind.ENUM), Column("ssn", "text")),
    types=(NamedType("dwh.mood", TypeKind.ENUM, labels=("sad", "ok")),),
)
PUBLISHED = ("id", "mood")


def digest(relation: Relation, entity: Entity = ENTITY) -> str:
    return schema_hash(entity, relation, PUBLISHED)


def sentences(new: Relation) -> tuple[str, ...]:
    change = compare_relations(ENTITY, RELATION, new, PUBLISHED, hash_differs=False)
    return change.sentences


def test_unpublished_column_is_named_and_changes_no_document() -> None:
    new = RELATION._replace(columns=(*RELATION.columns, Column("iban", "text")))

    assert digest(new) == digest(RELATION)
    assert sentences(new) == (
        "users: column 'iban' is new (not published: it is not named in columns)",
    )


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        (("*",), "not published: 'iba?' of exclude leaves it out"),
        (("id", "iban"), "not published: 'iba?' of exclude leaves it out"),
        (("id",), "not published: it is not named in columns"),
    ],
)
def test_new_column_that_is_excluded_is_said_to_be(columns: tuple[str, ...], state: str) -> None:
    entity = ENTITY._replace(columns=columns, exclude=("x*", "iba?"))
    new = RELATION._replace(columns=(*RELATION.columns, Column("iban", "text")))

    change = compare_relations(entity, RELATION, new, PUBLISHED, hash_differs=False)

    assert change.sentences == (f"users: column 'iban' is new ({state})",)


def test_type_of_a_published_column_changes_the_hash() -> None:
    new = RELATION._replace(columns=(Column("id", "integer"), *RELATION.columns[1:]))

    assert digest(new) != digest(RELATION)
    assert sentences(new) == ("users: column 'id' of type bigint is now integer",)


def test_enum_label_changes_the_hash_and_is_named() -> None:
    new = RELATION._replace(types=(NamedType("dwh.mood", TypeKind.ENUM, labels=("sad", "fine")),))

    assert digest(new) != digest(RELATION)
    assert sentences(new) == ("users: type dwh.mood: label 'ok' is gone, label 'fine' is new",)


def test_type_inside_arrays_and_domains_counts() -> None:
    domain = NamedType("dwh.d", TypeKind.DOMAIN, base="dwh.mood[]")
    columns = (Column("id", "bigint"), Column("mood", "dwh.d", TypeKind.DOMAIN))
    old = RELATION._replace(columns=columns, types=(domain, *RELATION.types))
    changed = NamedType("dwh.mood", TypeKind.ENUM, labels=("sad",))
    new = old._replace(types=(domain, changed))

    assert digest(old) != digest(new)


def test_filter_changes_the_hash() -> None:
    assert digest(RELATION, ENTITY._replace(where="id > 3")) != digest(RELATION)


def test_vanished_column_is_named_once() -> None:
    new = RELATION._replace(columns=RELATION.columns[:1])

    assert [text for text in sentences(new) if "'mood'" in text] == [
        "users: column 'mood' is gone from dwh.users"
    ]


def test_partitions_ask_for_a_comparison_of_keys() -> None:
    new = RELATION._replace(partitions=(RelationName("dwh", "users_1"),))

    change = compare_relations(ENTITY, RELATION, new, PUBLISHED, hash_differs=False)

    assert change.compare_keys
    assert not change.reread
    assert change.sentences == ("users: partition dwh.users_1 is new",)
