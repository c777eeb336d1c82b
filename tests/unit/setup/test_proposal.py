"""What init makes of each kind of relation."""

from __future__ import annotations

import pytest

from gitexport.errors import RelationNotFoundError
from gitexport.model.entity import ModifiedDimension, Shard, ShardKind, Tracking
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
from gitexport.setup.naming import name_entities
from gitexport.setup.proposal import ProposedEntity, Selection, propose


def column(name: str, type_name: str = "text", *, not_null: bool = False) -> Column:
    """Describes a column."""
    return Column(name, type_name, not_null=not_null)


ID = column("id", "bigint", not_null=True)


def table(  # noqa: PLR0913 - a relation has many sides
    name: str,
    *columns: Column,
    schema: str = "public",
    key: tuple[str, ...] = ("id",),
    unique: tuple[tuple[str, ...], ...] = (),
    references: tuple[ForeignKey, ...] = (),
    kind: RelationKind = RelationKind.TABLE,
    rows: int = 0,
) -> Relation:
    """Describes a table."""
    return Relation(
        RelationName(schema, name),
        kind,
        columns or (ID, column("name")),
        primary_key=key,
        unique_keys=tuple(UniqueKey("_".join(names), names) for names in unique),
        foreign_keys=references,
        estimated_rows=rows,
    )


def only(*relations: Relation) -> ProposedEntity:
    """Proposes and gives the single result."""
    (proposed,) = propose(relations, Selection()).entities
    return proposed


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("users", "users"),
        ("Order Details", "order_details"),
        ("a--b", "a_b"),
        ("Ünïcode", "_n_code"),
        ("用户", "_"),
        ("2024 sales", "2024_sales"),
        ("select", "select"),
        ('x"; DROP', "x_drop"),
    ],
)
def test_entity_is_named_after_its_relation(name: str, entity: str) -> None:
    proposed = only(table(name))

    assert proposed.entity.name == entity
    assert proposed.entity.directory == f"data/{entity}"


def test_schema_comes_in_front_only_where_two_collide() -> None:
    names = name_entities(
        [
            RelationName("dwh", "users"),
            RelationName("crm", "Users"),
            RelationName("crm", "orders"),
        ],
        taken=(),
    )

    assert names == {
        RelationName("crm", "Users"): "crm_users",
        RelationName("dwh", "users"): "dwh_users",
        RelationName("crm", "orders"): "orders",
    }


def test_names_that_collide_even_with_their_schemas_get_numbers() -> None:
    names = name_entities([RelationName("a", "用"), RelationName("a", "户")], taken=())

    assert sorted(names.values()) == ["a__", "a___2"]


def test_names_of_devices_are_no_names_of_files() -> None:
    names = name_entities([RelationName("a", "AUX"), RelationName("a", "com10")], taken=())

    assert sorted(names.values()) == ["aux_", "com10"]


def test_new_relation_does_not_take_the_name_of_an_entity_that_is_there() -> None:
    names = name_entities([RelationName("crm", "users")], taken=["users"])

    assert names[RelationName("crm", "users")] == "crm_users"


def test_columns_are_named_one_by_one_without_the_flag() -> None:
    proposed = only(table("users", ID, column("json_exported", "boolean"), column("Größe")))

    assert proposed.entity.columns == ("id", "Größe")
    assert proposed.entity.flag == "json_exported"
    assert "adopted" in proposed.notes[0]


def test_column_with_the_flags_name_that_is_no_boolean_stays_data() -> None:
    proposed = only(table("users", ID, column("json_exported", "text")))

    assert proposed.entity.columns == ("id", "json_exported")
    assert proposed.entity.flag == "gitexport_exported"


def test_unique_key_without_nulls_stands_in_for_a_primary_key() -> None:
    code = column("code", not_null=True)
    nullable = column("other")
    columns = (nullable, code)

    proposed = only(table("t", *columns, key=(), unique=(("other",), ("code",))))

    assert proposed.entity.key == ("code",)
    assert proposed.entity.shard.kind is ShardKind.HASH


def test_natural_key_is_another_unique_key() -> None:
    proposed = only(
        table("t", ID, column("code", not_null=True), unique=(("id",), ("code",)), rows=50)
    )

    assert proposed.entity.natural_key == ("code",)
    assert proposed.entity.shard == Shard(ShardKind.FLAT)


def test_integer_key_gets_blocks() -> None:
    assert only(table("t", rows=100_000)).entity.shard.kind is ShardKind.BLOCK


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        (("title", "username"), "username"),
        (("Title", "note"), "Title"),
        (("note", "country_name"), "country_name"),
        (("note",), None),
    ],
)
def test_label_is_guessed(columns: tuple[str, ...], label: str | None) -> None:
    proposed = only(table("t", ID, *(column(name) for name in columns)))

    assert proposed.entity.label == label


@pytest.mark.parametrize(
    ("type_name", "is_label"),
    [
        ("public.citext", True),
        ("public.title", True),
        ("public.titles", False),
        ("public.citext[]", False),
        ("public.amount", False),
    ],
)
def test_label_is_text_whatever_its_type_is_called(type_name: str, *, is_label: bool) -> None:
    domains = (
        NamedType("public.short", TypeKind.DOMAIN, base="character varying(80)"),
        NamedType("public.title", TypeKind.DOMAIN, base="public.short"),
        NamedType("public.titles", TypeKind.DOMAIN, base="public.title[]"),
        NamedType("public.amount", TypeKind.DOMAIN, base="numeric"),
    )
    proposed = only(table("t", ID, column("name", type_name))._replace(types=domains))

    assert proposed.entity.label == ("name" if is_label else None)


@pytest.mark.parametrize("kind", [RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW])
def test_view_waits_for_its_key_and_is_compared(kind: RelationKind) -> None:
    proposed = only(table("v", key=(), kind=kind))

    assert not proposed.is_complete
    assert proposed.entity.tracking is Tracking.COMPARE
    assert "cannot be restored" in proposed.notes[0]


def test_table_without_a_key_waits_for_one() -> None:
    proposed = only(table("t", key=()))

    assert not proposed.is_complete
    assert "neither a primary key nor a unique key" in proposed.notes[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"extension": "postgis"}, "belongs to the extension 'postgis'"),
        ({"is_partition": True}, "its parent is the entity"),
        ({"kind": RelationKind.FOREIGN}, "foreign table"),
        ({"has_inheritance": True}, "inheritance"),
        ({"columns": ()}, "no columns"),
    ],
)
def test_relation_that_cannot_be_an_entity_is_refused_with_a_sentence(
    change: dict[str, object], reason: str
) -> None:
    parts = {name: getattr(table("t"), name) for name in ("name", "kind", "columns", "primary_key")}
    relation = Relation(**{**parts, **change})

    proposal = propose([relation], Selection())

    assert proposal.entities == ()
    assert reason in proposal.refusals[0].reason


def dimension(name: str = "dimension_users") -> Relation:
    """Describes a dimension table."""
    key = column("dimension_user_id", "integer", not_null=True)
    return table(name, key, column("modified", "boolean"), schema="dwh", key=(key.name,))


def test_dimension_is_found_by_its_name_and_key() -> None:
    users = table("users", ID, column("dimension_user_id", "integer"))

    proposals = propose([users, dimension()], Selection()).entities

    assert {proposed.entity.name: proposed.entity.modified for proposed in proposals} == {
        "users": ModifiedDimension(RelationName("dwh", "dimension_users"), "dimension_user_id"),
        "dimension_users": None,
    }


def test_table_of_another_name_is_a_dimension_only_through_a_foreign_key() -> None:
    key = column("dimension_user_id", "integer")
    reference = ForeignKey("fk", (key.name,), RelationName("dwh", "people"), (key.name,))

    unrelated = propose([table("users", ID, key), dimension("people")], Selection()).entities
    related = propose(
        [table("users", ID, key, references=(reference,)), dimension("people")], Selection()
    ).entities

    assert unrelated[-1].entity.modified is None
    assert related[-1].entity.modified == ModifiedDimension(
        RelationName("dwh", "people"), "dimension_user_id"
    )


def test_two_dimensions_that_fit_are_left_to_the_person() -> None:
    users = table("users", ID, column("dimension_user_id", "integer"))

    proposals = propose([users, dimension(), dimension("dim_users")], Selection()).entities

    assert all(proposed.entity.modified is None for proposed in proposals)


def test_selection_takes_schemas_and_tables_and_names_what_is_missing() -> None:
    relations = [table("a"), table("b"), table("a", schema="s")]

    by_schema = propose(relations, Selection(schemas=("s",)))
    by_table = propose(relations, Selection(tables=("public.a",)))

    assert [str(p.relation.name) for p in by_schema.entities] == ["s.a"]
    assert [str(p.relation.name) for p in by_table.entities] == ["public.a"]
    for selection in (Selection(schemas=("S",)), Selection(tables=("A",))):
        with pytest.raises(RelationNotFoundError):
            propose(relations, selection)


def test_what_was_seen_before_comes_back_only_when_asked_for() -> None:
    relations = [table("a"), table("b")]
    seen = (RelationName("public", "a"),)

    assert [p.entity.name for p in propose(relations, Selection(seen=seen)).entities] == ["b"]
    asked = propose(relations, Selection(tables=("a",), seen=seen))
    assert [p.entity.name for p in asked.entities] == ["a"]


def test_directory_that_people_use_is_not_taken() -> None:
    proposal = propose([table("a")], Selection(occupied=("data/a",)))

    assert proposal.entities[0].entity.directory == "data/a_2"
