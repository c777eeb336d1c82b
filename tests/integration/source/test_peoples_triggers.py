"""Acknowledging updates people's rows, so their triggers fire: they work and lose nothing."""

from __future__ import annotations

import pytest

from gitexport.model.entity import Tracking
from tests.fixtures.tracked import MakeTracked, Tracked, make_entity

USERS = "CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz)"
ROWS = "INSERT INTO users SELECT n, 'name ' || n FROM generate_series(1, 3) AS n"
TOTALS = "CREATE TABLE totals (id int PRIMARY KEY, updates int NOT NULL)"
COUNTING = """
CREATE FUNCTION count_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE totals SET updates = updates + 1; RETURN NEW; END $$
"""


def trigger(timing: str, function: str) -> str:
    """Gives a trigger of the users."""
    return (
        f"CREATE TRIGGER theirs {timing} UPDATE ON users FOR EACH ROW EXECUTE FUNCTION {function}()"
    )


def test_names_without_a_schema_are_found(tracked: MakeTracked) -> None:
    users = tracked(
        make_entity(),
        USERS,
        ROWS,
        TOTALS,
        "INSERT INTO totals VALUES (1, 0)",
        COUNTING,
        trigger("AFTER", "count_update"),
    )

    users.execute("UPDATE users SET name = 'x' WHERE id = 2")
    users.export()

    assert users.pending() == set()
    # Three of the first export, one of people, one of its acknowledgement.
    assert users.value("SELECT updates FROM totals") == 5


@pytest.mark.parametrize("tracking", [Tracking.FLAG, Tracking.TABLE])
def test_what_triggers_write_elsewhere_is_pending(tracked: MakeTracked, tracking: Tracking) -> None:
    users = tracked(
        make_entity(), USERS, ROWS, TOTALS, "INSERT INTO totals VALUES (1, 0)", COUNTING
    )
    entity = make_entity("public.totals", name="totals", tracking=tracking)
    totals = Tracked(users.people, users.source, entity).track()
    users.execute(trigger("BEFORE", "count_update"), "UPDATE users SET name = 'y'")
    totals.export()
    assert totals.pending() == set()

    users.export()

    assert totals.pending() == {"1"}


def test_the_flag_is_set_also_where_a_trigger_takes_it_back(tracked: MakeTracked) -> None:
    users = tracked(
        make_entity(),
        "CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz,"
        " json_exported boolean)",
        ROWS,
        """CREATE FUNCTION take_back() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.json_exported := FALSE; NEW.updated_at := now(); RETURN NEW; END $$""",
        trigger("BEFORE", "take_back"),
    )

    assert users.pending() == set()
    assert users.value("SELECT count(*) FROM users WHERE updated_at IS NULL") == 3
    users.execute("UPDATE users SET name = 'x' WHERE id = 2")
    assert users.pending() == {"2"}


def test_rows_with_an_update_rule_are_acknowledged(tracked: MakeTracked) -> None:
    users = tracked(
        make_entity(),
        USERS,
        ROWS,
        "CREATE TABLE renamed (id int, name text)",
        "CREATE RULE keep AS ON UPDATE TO users DO ALSO"
        " INSERT INTO renamed VALUES (OLD.id, OLD.name)",
    )
    assert users.pending() == set()

    users.execute("UPDATE users SET name = 'x' WHERE id = 2")
    assert users.pending() == {"2"}
    users.export()

    assert users.pending() == set()
