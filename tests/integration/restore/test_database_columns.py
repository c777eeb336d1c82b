"""Rows go back into tables whose columns came, went or changed their type."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.journey import Journey, Result
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


def publish_all(journey: Journey) -> str:
    """Publishes all columns of users, also those to come; gives the snapshot of that."""
    config = journey.path / "gitexport.toml"
    head, entity, rest = config.read_text().partition("[entities.users]")
    rest = re.sub(r"columns = \[[^]]*\]", 'columns = ["*"]', rest, count=1)
    config.write_text(head + entity + rest)
    journey.done("export", "--allow-empty")
    return latest(journey)


def updates(result: Result) -> dict[str, int]:
    """Gives what a run counted."""
    assert result.code == 0, result.err
    return {name: found["updated"] for name, found in result.json()["rows"].items()}


def test_rows_that_differ_only_in_a_new_column_are_no_updates(journey: Journey) -> None:
    tag = publish_all(journey)
    journey.sql("ALTER TABLE users ADD kind int DEFAULT 5")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    journey.export()
    journey.sql("CREATE TABLE versions AS SELECT id, xmin::text AS version FROM users")

    plan = journey.done("restore", tag, "--database", "--dry-run", "-o", "json")
    done = restore(journey, tag)
    repeated = restore(journey, tag)

    assert updates(plan) == updates(done) == {"users": 1}
    assert any("'kind', which 60 documents lack" in text for text in done.json()["left_alone"])
    assert (updates(repeated), repeated.json()["snapshot"]) == ({}, None)
    assert "nothing to do" in journey.done("restore", tag, "--database", "--yes").out
    changed = journey.connection.execute(
        "SELECT users.id FROM users JOIN versions USING (id) WHERE users.xmin::text <> version"
    ).fetchall()
    assert changed == [(42,)]


def test_rows_that_differ_only_in_a_dropped_column_are_no_updates(journey: Journey) -> None:
    tag = publish_all(journey)
    journey.sql("ALTER TABLE users DROP COLUMN place")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    journey.sql("DELETE FROM users WHERE id = 7")
    journey.export("--full")

    done = restore(journey, tag)
    repeated = restore(journey, tag)

    assert done.json()["rows"] == {"users": {"inserted": 1, "updated": 1, "deleted": 0}}
    assert len([text for text in done.json()["left_alone"] if "'place'" in text]) == 1
    assert updates(repeated) == {}
    assert any("'place', which is no published" in text for text in repeated.json()["left_alone"])


def test_revert_of_the_snapshot_that_got_a_column_updates_what_it_changed(
    journey: Journey,
) -> None:
    publish_all(journey)
    journey.sql("ALTER TABLE users ADD kind int DEFAULT 5")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    tag = journey.export()

    arguments = ("revert", tag, "--database", "--yes", "-o", "json")

    assert updates(journey.run(*arguments)) == {"users": 1}
    assert updates(journey.run(*arguments)) == {}


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

    assert report["warnings"] == ["1 row of 'order_details' holds equal values, written otherwise"]
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def _change_type(journey: Journey, column: str, before: str, after: str, value: str) -> str:
    """Exports 60 equal values of a column, then gives it another type and null; gives the tag."""
    journey.sql(f"ALTER TABLE users ADD {column} {before}")
    journey.sql(f"UPDATE users SET {column} = {value}")
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"name",', f'"name", "{column}",'))
    tag = journey.export()
    journey.sql(f"UPDATE users SET {column} = NULL")
    journey.sql(f"ALTER TABLE users ALTER {column} TYPE {after} USING {column}::text::{after}")
    journey.export()
    return tag


@pytest.mark.parametrize(
    ("before", "after", "value", "held"),
    [
        ("integer", "text", "-5", "-5"),
        ("boolean", "text", "true", "true"),
        ("date", "timestamp without time zone", "'2020-01-01'", "2020-01-01 00:00:00"),
        ("date", "timestamp with time zone", "'2020-01-01'", "2020-01-01 00:00:00+00"),
        ("text", "integer", "'7'", "7"),
        ("jsonb", "text", "'[1, 2.50]'", "[\n    1,\n    2.50\n  ]"),
        ("timestamp without time zone", "date", "'2020-01-01 00:00'", "2020-01-01"),
    ],
)
def test_value_that_another_type_holds_goes_back_after_it_was_said(
    journey: Journey, before: str, after: str, value: str, held: str
) -> None:
    tag = _change_type(journey, "v", before, after, value)
    note = f"column 'v' of 'users' was {before} then and is {after} now: its values are converted"

    plan = journey.done("restore", tag, "--database", "--dry-run", "-o", "json").json()
    result = restore(journey, tag)

    assert note in plan["left_alone"]
    assert result.code == 0, result.err
    journey.sql("SET timezone = 'UTC'")
    found = journey.connection.execute("SELECT DISTINCT v::text FROM users").fetchall()
    assert found == [(held,)]
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        ("timestamp without time zone", "date", "'2020-01-01 10:00'"),
        ("text", "integer", "'07'"),
        ("numeric", "double precision", "0.12345678901234567890123"),
    ],
)
def test_value_that_another_type_does_not_hold_is_refused_by_name(
    journey: Journey, before: str, after: str, value: str
) -> None:
    tag = _change_type(journey, "v", before, after, value)
    rows_before = rows(journey, "users")

    result = restore(journey, tag)

    assert result.code == 9
    assert f"has another value in 'v' (was {before}, is {after})" in result.err
    assert rows(journey, "users") == rows_before


def test_value_that_a_trigger_changed_is_none_that_its_new_type_holds(journey: Journey) -> None:
    tag = _change_type(journey, "v", "date", "timestamp", "'2020-01-01'")
    journey.sql(
        "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.v := NEW.v + interval ''1 hour''; RETURN NEW; END';"
        "CREATE TRIGGER later BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION later()"
    )

    result = restore(journey, tag, "--fire-triggers")

    assert "has another value in 'v' (was date, is timestamp without time zone)" in str(
        result.json()["warnings"]
    )


def test_type_that_a_file_of_the_snapshot_makes_up_is_not_run(journey: Journey) -> None:
    tag = _change_type(journey, "v", "integer", "text", "5")
    path = journey.path / "relations" / "users.json"
    journey.git("checkout", "-q", tag, "--", "relations/users.json", "data/users")
    path.write_text(path.read_text().replace('"integer"', '"int); DROP TABLE users; --"'))
    journey.git("commit", "-q", "-a", "-m", "hostile")

    journey.run("restore", "HEAD", "--database", "--yes")

    assert rows(journey, "users")


def test_type_of_a_field_that_stays_is_not_named(journey: Journey) -> None:
    tag = _change_type(journey, "v", "integer", "text", "5")

    plan = journey.done(
        "restore", tag, "--database", "--dry-run", "--only", "users:42#/place", "-o", "json"
    )

    assert "converted" not in plan.out


def test_revert_names_types_that_changed_since(journey: Journey) -> None:
    _change_type(journey, "v", "integer", "text", "5")

    plan = journey.done("revert", "latest", "--database", "--dry-run", "-o", "json").json()

    assert any("was integer then and is text now" in text for text in plan["left_alone"])
