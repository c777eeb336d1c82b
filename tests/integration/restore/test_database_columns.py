"""Rows go back into tables whose columns came, went or changed their type."""

from __future__ import annotations

from tests.fixtures.journey import Journey
from tests.integration.restore.restoring import assert_untouched, latest, restore, rows, state


def test_lost_columns_are_named(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users ADD secret text")

    plan = journey.done("restore", first, "--database", "--dry-run", "-o", "json").json()

    assert plan["lost_columns"] == {"users": ["secret"]}


def test_column_that_is_gone_is_left_out_and_named(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users DROP COLUMN place")
    journey.export("--full")

    result = restore(journey, first)

    assert result.code == 0
    assert any("'place'" in text for text in result.json()["left_alone"])
    name = journey.connection.execute("SELECT name FROM users WHERE id = 42").fetchone()
    assert name == ("user 42",)


def test_new_required_column_is_refused_by_name(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users ADD kind text NOT NULL DEFAULT 'x'")
    journey.sql("ALTER TABLE users ALTER kind DROP DEFAULT")
    before = state(journey)

    result = restore(journey, first)

    assert result.code == 9
    assert "'kind'" in result.err
    assert_untouched(journey, before, result)
    assert restore(journey, first, "--only", "users:42").code == 0


def test_type_that_does_not_take_the_value_is_refused_by_name(journey: Journey, first: str) -> None:
    journey.sql("UPDATE users SET name = id::text; ALTER TABLE users ALTER name"
                " TYPE integer USING name::integer")  # fmt: skip
    journey.export("--full")
    before = state(journey)

    result = restore(journey, first)

    assert result.code == 9
    assert "'name'" in result.err
    assert "(data/users/" in result.err
    assert_untouched(journey, before, result)


def test_value_that_the_column_rounds_is_refused_by_name(journey: Journey) -> None:
    tag = latest(journey)
    journey.sql("ALTER TABLE order_details ALTER amount TYPE numeric(5, 0)")
    journey.export("--full")
    before = rows(journey, "order_details")

    result = restore(journey, tag, "--only", "order_details:10248,3")

    assert result.code == 9
    assert "order_details:10248,3 has another value in 'amount'" in result.err
    assert rows(journey, "order_details") == before


def test_numbers_of_a_column_with_more_digits_go_back(journey: Journey) -> None:
    tag = latest(journey)
    journey.sql("ALTER TABLE order_details ALTER amount TYPE numeric(30, 12)")
    journey.export("--full")

    report = restore(journey, tag, "--only", "order_details:10248,3").json()

    assert report["warnings"] == ["1 rows of 'order_details' hold equal values, written otherwise"]
    assert journey.done("export", "-o", "json").json()["snapshot"] is None
