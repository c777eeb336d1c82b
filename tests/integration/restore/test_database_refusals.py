"""Restores of rows that are refused, or leave a row alone: what is in the way is named."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.journey import Journey
from tests.fixtures.postgres import Postgres
from tests.integration.restore.restoring import assert_untouched, pending, restore, rows, state


def test_broken_constraint_names_document_and_changes_nothing(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users ADD CONSTRAINT short CHECK (length(name) < 7 OR id <> 42)")
    before = rows(journey)

    result = restore(journey, first)

    assert result.code == 9
    assert "'short'" in result.err
    assert "users:42" in result.err
    assert "/42.json" in result.err
    assert (rows(journey), pending(journey)) == (before, 0)


def test_reference_without_target_changes_nothing(journey: Journey, first: str) -> None:
    journey.sql("CREATE TABLE notes (user_id int REFERENCES users);"
                "INSERT INTO notes VALUES (99)")  # fmt: skip
    before = state(journey)

    result = restore(journey, first)

    assert result.code == 9
    assert "notes_user_id_fkey" in result.err
    assert_untouched(journey, before, result)


def test_other_database_is_refused(journey: Journey, first: str, postgres: Postgres) -> None:
    with postgres.temporary_database() as other:
        before = state(journey)
        result = journey.run("restore", first, "--database", "--yes", dsn=other)

    assert result.code == 6
    assert "--override source" in result.err
    assert_untouched(journey, before, result)


def test_quarantined_rows_are_not_overwritten(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users ALTER place TYPE json")
    journey.export("--full")
    journey.sql("""UPDATE users SET place = '{"a": 1, "a": 2}' WHERE id = 42""")

    result = restore(journey, first)

    assert result.code == 3
    assert result.json()["quarantined"] == ["users:42"]
    place = journey.connection.execute("SELECT place::text FROM users WHERE id = 42").fetchone()
    assert place == ('{"a": 1, "a": 2}',)
    count = journey.connection.execute("SELECT count(*) FROM users WHERE id IN (7, 99)").fetchone()
    assert count == (1,)


def test_quarantined_row_whose_document_is_the_wanted_one_is_named(journey: Journey) -> None:
    journey.sql("ALTER TABLE users ALTER place TYPE json")
    tag = journey.export("--full")
    journey.sql("""UPDATE users SET place = '{"a": 1, "a": 2}' WHERE id = 42""")

    shown = journey.run("restore", tag, "--database", "--dry-run")
    told = journey.run("restore", tag, "--database", "--yes")
    result = restore(journey, tag)

    assert (shown.code, told.code, result.code) == (3, 3, 3)
    for out in (shown.out, told.out):
        assert "quarantined, not overwritten: users:42" in out
        assert "all other rows are like that already" in out
    assert result.json()["quarantined"] == ["users:42"]
    assert restore(journey, tag, "--only", "users:42#/name").json()["quarantined"] == ["users:42"]
    for other in ("users:41", "order_details"):
        left = restore(journey, tag, "--only", other)
        assert (left.code, left.json()["quarantined"]) == (0, [])


@pytest.mark.parametrize("where", [(), ("--database", "--yes")])
def test_document_that_todays_schema_refuses_is_named(
    journey: Journey, first: str, where: tuple[str, ...]
) -> None:
    schema = {"properties": {"name": {"not": {"const": "user 42"}}}}
    (journey.path / "schemas").mkdir(exist_ok=True)
    (journey.path / "schemas/users.json").write_text(json.dumps(schema))
    config = journey.path / "gitexport.toml"
    head = "[entities.users]"
    text = config.read_text().replace(head, f'{head}\nschema = "schemas/users.json"')
    config.write_text(text)
    journey.git("add", ".")
    journey.git("commit", "-q", "-m", "a schema")
    before = state(journey)

    result = journey.run("restore", first, *where)

    assert result.code == 9
    assert "users:42 does not satisfy 'schemas/users.json'" in result.err
    assert_untouched(journey, before, result)
