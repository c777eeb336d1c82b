"""What a restore of rows says before, refuses, and survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from gitexport.model import faults
from tests.fixtures.journey import Journey
from tests.fixtures.postgres import Postgres
from tests.integration.restore.restoring import (
    assert_untouched,
    documents,
    latest,
    pending,
    restore,
    rows,
    state,
)

SHOUT = (
    "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN NEW.name := upper(NEW.name); RETURN NEW; END$$;"
    "CREATE TRIGGER shout BEFORE INSERT OR UPDATE OF name ON users"
    " FOR EACH ROW EXECUTE FUNCTION shout()"
)


def test_triggers_of_people_are_silent_and_named(journey: Journey, first: str) -> None:
    journey.sql(SHOUT)

    plan = journey.done("restore", first, "--database", "--dry-run", "-o", "json").json()
    script = journey.done("restore", first, "--database", "--dry-run", "-o", "sql")
    report = restore(journey, first).json()

    # Whoever runs the statements by hand has the triggers at work.
    assert "trigger 'shout' on public.users fires" in script.err
    assert "shout" not in script.out
    shout = {"relation": "public.users", "kind": "trigger", "name": "shout", "silenced": True}
    assert shout in plan["code"]
    assert plan["code"] == report["code"]
    assert documents(journey) == documents(journey, first)
    enabled = journey.connection.execute("SELECT tgenabled::text FROM pg_trigger"
                                         " WHERE tgname = 'shout'").fetchone()  # fmt: skip
    assert enabled == ("O",)


def test_triggers_fire_where_that_is_asked(journey: Journey, first: str) -> None:
    journey.sql(SHOUT)

    result = restore(journey, first, "--fire-triggers")

    assert result.code == 0
    assert any("users:42" in warning for warning in result.json()["warnings"])
    name = journey.connection.execute("SELECT name FROM users WHERE id = 42").fetchone()
    assert name == ("USER 42",)
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_trigger_that_raises_changes_nothing(journey: Journey, first: str) -> None:
    journey.sql(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'no'; END$$;"
        "CREATE TRIGGER no BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION no()"
    )
    before = state(journey)

    result = restore(journey, first, "--fire-triggers")

    assert result.code == 9
    assert_untouched(journey, before, result)


def test_cascade_into_rows_of_others_is_refused(journey: Journey, first: str) -> None:
    journey.sql("CREATE TABLE notes (user_id int REFERENCES users ON DELETE CASCADE, note text);"
                "INSERT INTO notes VALUES (99, 'hello')")  # fmt: skip
    before = state(journey)

    result = restore(journey, first)

    assert result.code == 6
    assert "public.notes" in result.err
    assert "--override cascade" in result.err
    assert_untouched(journey, before, result)
    done = restore(journey, first, "--override", "cascade").json()
    assert done["cascades"] == [
        {"relation": "public.notes", "constraint": "notes_user_id_fkey", "event": "delete",
         "action": "cascade", "rows": 1}
    ]  # fmt: skip
    assert "Gitexport-Override: cascade" in journey.git("log", "-1", "--format=%B")


def test_update_that_others_would_follow_is_refused(journey: Journey, first: str) -> None:
    journey.sql("ALTER TABLE users ADD UNIQUE (name);"
                "CREATE TABLE notes (author text REFERENCES users (name) ON UPDATE CASCADE);"
                "INSERT INTO notes SELECT name FROM users WHERE id = 42")  # fmt: skip
    before = state(journey)

    result = restore(journey, first)

    assert result.code == 6
    assert "1 of public.notes (notes_author_fkey, on update cascade)" in result.err
    assert "--override cascade" in result.err
    assert_untouched(journey, before, result)
    done = restore(journey, first, "--override", "cascade").json()
    assert done["cascades"] == [
        {"relation": "public.notes", "constraint": "notes_author_fkey", "event": "update",
         "action": "cascade", "rows": 1}
    ]  # fmt: skip
    assert documents(journey) == documents(journey, first)


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


def test_every_row_is_read_where_that_is_asked(journey: Journey, first: str) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 5")

    assert restore(journey, first, "--verify-all").code == 0

    assert "Gitexport-Mode: full" in journey.git("log", "-1", "--format=%B", "main^")
    assert documents(journey) == documents(journey, first)


def test_locked_row_ends_the_wait(journey: Journey, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr("gitexport.restore.database.LOCK_TIMEOUT_MS", 300)
    before = state(journey)
    with psycopg.connect(journey.dsn) as other:
        other.execute("SELECT FROM users WHERE id = 42 FOR UPDATE")
        result = restore(journey, first)

    assert result.code == 8
    assert "lock" in result.err
    assert_untouched(journey, before, result)


def test_change_meanwhile_is_exported_and_tried_again(
    journey: Journey, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = threading.Event()
    original = faults.point

    def point(name: str) -> None:
        # Between the export and the transaction that locks rows.
        if name == "S12.finished" and not changed.is_set():
            changed.set()
            journey.sql("UPDATE users SET name = 'meanwhile' WHERE id = 42")
        original(name)

    monkeypatch.setattr("gitexport.model.faults.point", point)

    report = restore(journey, first).json()

    assert changed.is_set()
    assert documents(journey) == documents(journey, first)
    meanwhile = journey.done("show", report["snapshot_before"], "users:42").json()
    assert meanwhile["name"] == "meanwhile"


@pytest.mark.parametrize("point", faults.RESTORE_POINTS)
def test_kill_leaves_rows_as_they_were_or_pending(journey: Journey, first: str, point: str) -> None:
    before = rows(journey)
    environment = {**os.environ, "GITEXPORT_FAULT": f"{point}:kill"}
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "--dsn", journey.dsn]
    done = subprocess.run(
        [*command, "restore", first, "--database", "--yes", "-q"],
        env=environment,
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == -9, done.stderr
    _wait_for_end(journey)

    if point == "R3.written":
        assert pending(journey) == 2
        journey.export()
        assert documents(journey) == documents(journey, first)
    else:
        assert (rows(journey), pending(journey)) == (before, 0)
        assert journey.done("export", "-o", "json").json()["snapshot"] is None
    assert restore(journey, first).code == 0
    assert documents(journey) == documents(journey, first)


@pytest.mark.parametrize("point", ["R1.staged", "R2.changed"])
def test_lost_connection_leaves_rows_as_they_were(
    journey: Journey, first: str, point: str, tmp_path: Path
) -> None:
    before = state(journey)
    script = tmp_path / "cut.py"
    script.write_text(
        "import psycopg\n"
        f"with psycopg.connect({journey.dsn!r}, autocommit=True) as connection:\n"
        "    connection.execute('SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND application_name LIKE $$gitexport%$$')\n"
    )
    environment = {**os.environ, "GITEXPORT_FAULT": f"{point}:exec:{sys.executable} {script}"}
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "--dsn", journey.dsn]
    done = subprocess.run(
        [*command, "restore", first, "--database", "--yes", "-q"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )

    assert done.returncode == 8, done.stderr
    assert (rows(journey), journey.git("rev-parse", "main")) == before
    assert restore(journey, first).code == 0
    assert documents(journey) == documents(journey, first)


def _wait_for_end(journey: Journey) -> None:
    """Waits until the server has noticed that the killed client is gone."""
    statement = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                 " AND pid <> pg_backend_pid() AND backend_type = 'client backend'")  # fmt: skip
    deadline = time.monotonic() + 20
    while journey.connection.execute(statement.encode()).fetchone() != (0,):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_mass_deletion_that_was_asked_for_is_done(journey: Journey) -> None:
    journey.sql("DELETE FROM users")
    journey.done("export", "--allow-deletes")
    empty = latest(journey)
    journey.done("restore", "latest~1", "--database", "--yes")

    result = restore(journey, empty)

    assert result.json()["rows"]["users"]["deleted"] == 60
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_row_that_left_the_filter_is_no_surprise(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    text = config.read_text()
    head = "[entities.users]"
    config.write_text(text.replace(head, head + "\nwhere = \"name <> 'hidden'\""))
    tag = journey.export("--full")
    journey.sql("UPDATE users SET name = 'hidden' WHERE id = 42")
    journey.export()
    before = state(journey)

    result = restore(journey, tag)

    assert result.code == 9
    assert "users:42" in result.err
    assert_untouched(journey, before, result)


def test_deleted_row_of_a_kept_document_comes_back(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    head = "[entities.users]"
    config.write_text(config.read_text().replace(head, head + '\ndeletes = "keep"'))
    first = journey.export()
    journey.sql("UPDATE users SET name = 'x' WHERE id = 42")
    journey.export()
    journey.sql("DELETE FROM users WHERE id = 42")
    journey.done("export")

    assert restore(journey, first).code == 0

    name = journey.connection.execute("SELECT name FROM users WHERE id = 42").fetchone()
    assert name == ("user 42",)


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
