"""References in columns that the target computes, to rows whose ids differ there."""

from __future__ import annotations

import pytest

from tests.integration.transfer.conftest import Transfer

TABLES = """
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE notes (id integer PRIMARY KEY, more jsonb,
    user_id integer GENERATED ALWAYS AS ((more->>'user')::integer) STORED REFERENCES users)
"""
OWNERS = (
    "SELECT n.id, u.name FROM notes AS n LEFT JOIN users AS u ON u.id = n.user_id ORDER BY n.id"
)


@pytest.fixture
def noted(transfer: Transfer) -> Transfer:
    """A snapshot of notes about users, and a target with the same tables."""
    transfer.source.sql(
        TABLES,
        "INSERT INTO users (name) VALUES ('ann'), ('bob'), ('cy')",
        "INSERT INTO notes VALUES (1, '{\"user\": 1}'), (2, '{\"user\": 2}'), (3, NULL)",
    )
    transfer.snapshot()
    transfer.target.sql(TABLES)
    return transfer


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--only", "notes")])
def test_a_computed_reference_to_a_row_with_another_id_is_refused(
    noted: Transfer, options: tuple[str, ...]
) -> None:
    noted.target.sql("INSERT INTO users (name) VALUES ('bob'), ('ann'), ('cy')")

    refused = noted.load("--mode", "upsert", *options)

    assert refused.code == 9
    said = "notes:1 refers to users:1, which is users:2 in the target; 'user_id' cannot follow"
    assert said in refused.err
    assert "(and 1 more like it)" in refused.err
    assert "notes_user_id_fkey" in refused.err
    assert not noted.target.rows(OWNERS)


def test_a_computed_reference_to_a_row_with_the_same_id_is_kept(noted: Transfer) -> None:
    noted.target.sql(
        "INSERT INTO users (name) VALUES ('ann')", "INSERT INTO users VALUES (7, 'cy')"
    )
    noted.source.sql("DELETE FROM notes WHERE id = 2")
    noted.snapshot()

    noted.loaded("--mode", "upsert")

    assert noted.target.rows(OWNERS) == [(1, "ann"), (3, None)]
    assert noted.loaded("--mode", "upsert")["entities"]["notes"]["unchanged"] == 2


def test_a_computed_reference_is_kept_in_a_table_without_rows(noted: Transfer) -> None:
    noted.loaded("--mode", "upsert")

    assert noted.target.rows(OWNERS) == noted.source.rows(OWNERS)


def test_a_merge_that_leaves_the_reference_alone_is_not_refused(noted: Transfer) -> None:
    noted.loaded("--mode", "upsert")
    base = noted.git("tag").split()[-1]
    noted.target.sql("INSERT INTO users (name) SELECT 'more ' || n FROM generate_series(1, 9) AS n")
    noted.source.sql("INSERT INTO users (name) VALUES ('dee')")
    noted.snapshot()

    noted.loaded("--mode", "upsert", "--base", base)

    assert noted.target.value("SELECT id FROM users WHERE name = 'dee'") > 4


def test_a_reference_that_is_computed_in_part_follows_in_the_other_part(transfer: Transfer) -> None:
    tables = """
    CREATE TABLE vehicles (id serial PRIMARY KEY, plate text NOT NULL UNIQUE, kind text NOT NULL,
        UNIQUE (id, kind));
    CREATE TABLE cars (id integer PRIMARY KEY, doors integer,
        kind text GENERATED ALWAYS AS ('car') STORED,
        FOREIGN KEY (id, kind) REFERENCES vehicles (id, kind))
    """
    transfer.source.sql(
        tables,
        "INSERT INTO vehicles VALUES (1, 'A', 'car'), (2, 'B', 'car'), (3, 'C', 'bus')",
        "INSERT INTO cars VALUES (1, 3), (2, 5)",
    )
    transfer.snapshot()
    transfer.target.sql(tables, "INSERT INTO vehicles VALUES (1, 'B', 'car'), (2, 'Z', 'car')")

    transfer.loaded("--mode", "upsert")

    doors = "SELECT v.plate, c.doors FROM cars AS c JOIN vehicles AS v USING (id) ORDER BY 1"
    assert transfer.target.rows(doors) == transfer.source.rows(doors) == [("A", 3), ("B", 5)]
