"""Which keys a target assigns, and which references follow them."""

from __future__ import annotations

import pytest

from gitexport.errors import ConfigError
from gitexport.model.recognition import RecognisedEntity
from gitexport.model.relation import (
    Column,
    ForeignKey,
    Relation,
    RelationKind,
    RelationName,
    UniqueKey,
)
from gitexport.transfer.identity import plan_identities


def _entity(
    name: str,
    columns: str,
    *,
    match: str = "",
    key: str = "id",
    refers: tuple[tuple[str, str, str], ...] = (),
) -> RecognisedEntity:
    relation = Relation(
        RelationName("public", name),
        RelationKind.TABLE,
        tuple(Column(column, "integer") for column in columns.split()),
        primary_key=tuple(key.split()),
        unique_keys=(UniqueKey(f"{name}_pkey", tuple(key.split()), is_primary=True),),
        foreign_keys=tuple(
            ForeignKey(
                f"{name}_{target}_fkey",
                tuple(here.split()),
                RelationName("public", target),
                tuple(there.split()),
            )
            for here, target, there in refers
        ),
    )
    found = tuple(key.split())
    return RecognisedEntity(
        name, relation, found, tuple(columns.split()), tuple(match.split()) or found
    )


def _planned(*entities: RecognisedEntity) -> dict[str, RecognisedEntity]:
    return {entity.name: entity for entity in plan_identities(entities)}


def test_without_natural_keys_nothing_is_rewritten() -> None:
    planned = _planned(
        _entity("users", "id name"),
        _entity("orders", "id user_id", refers=(("user_id", "users", "id"),)),
    )

    assert not any(entity.is_rewritten for entity in planned.values())
    assert planned["orders"].references[0].parent == "users"


def test_a_key_that_does_not_recognise_rows_is_assigned_and_references_follow() -> None:
    planned = _planned(
        _entity("orders", "id user_id", refers=(("user_id", "users", "id"),)),
        _entity("users", "id name", match="name"),
    )

    assert planned["users"].assigned == ("id",)
    assert planned["users"].referred == ("id",)
    assert [reference.parent for reference in planned["orders"].mapped] == ["users"]
    assert planned["orders"].assigned == ()


def test_references_to_the_natural_key_stay_as_they_are() -> None:
    planned = _planned(
        _entity("users", "id name", match="name"),
        _entity("orders", "id user_name", refers=(("user_name", "users", "name"),)),
    )

    assert planned["orders"].mapped == ()


def test_rewritten_keys_are_followed_through_several_entities() -> None:
    planned = _planned(
        _entity("orders", "id no", match="no"),
        _entity(
            "lines", "order_id line", key="order_id line", refers=(("order_id", "orders", "id"),)
        ),
        _entity(
            "refunds",
            "id order_id line",
            refers=(("order_id line", "lines", "order_id line"),),
        ),
    )

    assert planned["lines"].assigned == ()
    assert planned["lines"].is_rewritten
    assert planned["refunds"].mapped[0].parent == "lines"
    assert list(planned).index("lines") > list(planned).index("orders")


def test_an_entity_comes_after_those_that_its_natural_key_refers_to() -> None:
    planned = _planned(
        _entity(
            "cities",
            "id country_id name",
            match="country_id name",
            refers=(("country_id", "countries", "id"),),
        ),
        _entity("countries", "id code", match="code"),
    )

    assert list(planned) == ["countries", "cities"]
    assert planned["cities"].assigned == ("id",)


def test_a_natural_key_may_refer_to_its_own_entity() -> None:
    planned = _planned(
        _entity(
            "folders",
            "id parent_id name",
            match="parent_id name",
            refers=(("parent_id", "folders", "id"),),
        )
    )

    assert [reference.parent for reference in planned["folders"].identifying] == ["folders"]


def test_natural_keys_that_need_each_other_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="'people' and 'teams'"):
        _planned(
            _entity("people", "id team_id", match="team_id", refers=(("team_id", "teams", "id"),)),
            _entity("teams", "id lead_id", match="lead_id", refers=(("lead_id", "people", "id"),)),
        )


def test_entities_that_are_only_looked_up_are_kept_where_they_are_needed() -> None:
    planned = _planned(
        _entity("users", "id name", match="name")._replace(is_written=False),
        _entity("colours", "id name", match="name")._replace(is_written=False),
        _entity("orders", "id user_id", refers=(("user_id", "users", "id"),)),
    )

    assert set(planned) == {"users", "orders"}


def test_a_primary_key_beside_the_configured_key_is_assigned() -> None:
    users = _entity("users", "id name")
    planned = _planned(users._replace(key=("name",), match=("name",)))

    assert planned["users"].assigned == ("id",)


def _with_period(entity: RecognisedEntity) -> RecognisedEntity:
    """Makes the last reference of an entity one to a period."""
    *others, last = entity.relation.foreign_keys
    keys = (*others, last._replace(is_temporal=True))
    return entity._replace(relation=entity.relation._replace(foreign_keys=keys))


def test_references_to_periods_are_not_followed() -> None:
    prices = _entity("prices", "item during", key="item during", refers=(("item", "items", "id"),))
    order = _entity(
        "orders",
        "id item during",
        refers=(("item", "items", "id"), ("item during", "prices", "item during")),
    )
    items = _entity("items", "id name", match="name")

    planned = _planned(_with_period(order), prices, items)

    # The item follows by another reference, and the period stays.
    assert [reference.parent for reference in planned["orders"].mapped] == ["items"]


def test_a_period_of_rows_that_get_other_keys_is_refused() -> None:
    prices = _entity("prices", "item during", key="item during", refers=(("item", "items", "id"),))
    order = _entity("orders", "id item during", refers=(("item during", "prices", "item during"),))
    items = _entity("items", "id name", match="name")

    with pytest.raises(ConfigError, match="'orders_prices_fkey' refers to periods of 'prices'"):
        _planned(_with_period(order), prices, items)
    assert _planned(_with_period(order), prices, items._replace(match=("id",)))
