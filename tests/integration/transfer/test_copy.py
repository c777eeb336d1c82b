"""A snapshot alone is enough to stand up a copy."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid

import psycopg
import pytest
from psycopg import sql

from tests.fixtures.postgres import Postgres
from tests.integration.transfer.conftest import Database, Transfer
from tests.integration.transfer.shop import ROWS, SHOP, TABLES


@pytest.fixture
def filled(transfer: Transfer) -> Transfer:
    """A snapshot of tables with circles, and a target without any table."""
    transfer.source.sql(SHOP, ROWS)
    transfer.snapshot()
    return transfer


def test_tables_that_are_not_there_are_made_first(filled: Transfer) -> None:
    report = filled.loaded("--mode", "upsert", "--create")

    assert filled.target.dump(*TABLES) == filled.source.dump(*TABLES)
    assert "table public.people" in {step["what"] for step in report["created"]}
    assert not filled.loaded("--mode", "upsert", "--create")["created"]


def test_rows_of_tables_that_are_made_keep_their_keys(transfer: Transfer) -> None:
    transfer.source.sql(
        "CREATE TABLE things (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " name text NOT NULL UNIQUE)",
        "CREATE TABLE parts (id serial PRIMARY KEY, thing integer NOT NULL REFERENCES things)",
        "INSERT INTO things (name) SELECT 'thing ' || n FROM generate_series(1, 9) AS n",
        "INSERT INTO parts (thing) SELECT 10 - n FROM generate_series(1, 9) AS n",
        "DELETE FROM parts WHERE thing % 3 = 1; DELETE FROM things WHERE id % 3 = 1",
    )
    transfer.snapshot()
    assert "natural_key" in (transfer.path / "gitexport.toml").read_text()

    report = transfer.loaded("--mode", "upsert", "--create")

    assert [entity["match"] for entity in report["entities"].values()] == [["id"], ["id"]]
    assert transfer.target.dump("things", "parts") == transfer.source.dump("things", "parts")
    transfer.target.sql("INSERT INTO things (name) VALUES ('new')")
    assert transfer.target.rows("SELECT id FROM things WHERE name = 'new'") == [(10,)]


def test_tables_without_rows_are_asked_for_too(transfer: Transfer) -> None:
    transfer.source.sql("CREATE TABLE empty (id integer PRIMARY KEY)")
    transfer.snapshot()
    arguments = ("import", str(transfer.path), "--dsn", transfer.target.dsn, "--mode", "upsert")

    assert transfer.plainly(*arguments, "--create").code == 6
    assert not transfer.target.rows("SELECT FROM pg_tables WHERE schemaname = 'public'")
    assert "nothing to do" not in transfer.plainly(*arguments, "--create", "--yes").out
    assert transfer.target.dump("empty") == {"empty": []}
    assert "nothing to do" in transfer.plainly(*arguments, "--create").out


def test_a_dry_run_makes_no_table(filled: Transfer) -> None:
    plan = filled.loaded("--mode", "upsert", "--create", "--dry-run")

    assert plan["created"]
    assert not filled.target.rows("SELECT FROM pg_tables WHERE schemaname = 'public'")


def test_without_create_what_is_missing_is_named(filled: Transfer) -> None:
    refused = filled.load("--mode", "upsert")

    assert refused.code == 2
    assert "the target has no relation '" in refused.err
    assert "--create" in refused.err


def test_a_new_database_holds_the_copy(filled: Transfer, postgres: Postgres) -> None:
    name = "copy_" + filled.path.parent.name.replace("-", "_")[:40]
    try:
        report = filled.loaded("--mode", "upsert", "--into", name)
        with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
            copy = Database(postgres.dsn(name), connection)
            assert copy.dump(*TABLES) == filled.source.dump(*TABLES)
        assert report["target"] == name
        again = filled.load("--mode", "upsert", "--into", name)
        assert (again.code, "already" in again.err) == (9, True)
    finally:
        drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
        filled.target.connection.execute(drop)


def test_a_copy_that_fails_leaves_no_database(filled: Transfer) -> None:
    file = next((filled.path / "data" / "teams").rglob("1.json"))
    file.write_text(file.read_text().replace("team 1", "team 2"))
    filled.git("commit", "--quiet", "--all", "--message", "an edit")
    source = f"{filled.path}@{filled.git('rev-parse', 'HEAD')}"

    refused = filled.load("--mode", "upsert", "--into", "never_made", source=source)

    assert refused.code == 9
    found = filled.target.rows("SELECT FROM pg_database WHERE datname = 'never_made'")
    assert not found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_copy_that_is_stopped_leaves_no_database(
    transfer: Transfer, number: signal.Signals
) -> None:
    # Checking a row takes the server so long that a signal meets it at work.
    transfer.source.sql(
        "CREATE TABLE slow (id integer PRIMARY KEY)",
        "INSERT INTO slow SELECT generate_series(1, 12)",
        "ALTER TABLE slow ADD CHECK (sha512(convert_to(repeat(id::text, 10000000), 'UTF8')) <> '')"
        " NOT VALID",
    )
    transfer.snapshot()
    name = f"stopped_{uuid.uuid4().hex}"
    begun = f"SELECT FROM pg_stat_activity WHERE datname = '{name}' AND query ~ '^INSERT'"
    options = ["--mode", "upsert", "--dsn", transfer.target.dsn, "--into", name, "-o", "json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gitexport", "import", str(transfer.path), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        while not transfer.target.rows(begun):
            assert process.poll() is None
        process.send_signal(number)
        _, err = process.communicate(timeout=60)

        assert process.returncode == 130, err
        assert b'"error":"interrupted"' in err
        assert not transfer.target.rows(f"SELECT FROM pg_database WHERE datname = '{name}'")
    finally:
        process.kill()
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        transfer.target.connection.execute(drop)
