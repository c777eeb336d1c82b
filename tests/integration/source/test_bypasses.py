"""Writes that pass by simpler ways of tracking: each is noticed, or found out by reading all."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fixtures.tracked import MakeTracked, Tracked, make_entity

Other = psycopg.Connection[tuple[Any, ...]]

TABLE = "CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz)"
ROWS = "INSERT INTO users SELECT n, 'name ' || n, now() FROM generate_series(1, 5) AS n"
FIRST_WITH_MERGE = 150000


@pytest.fixture
def users(tracked: MakeTracked) -> Tracked:
    """Five users, all exported, tracked by a flag."""
    return tracked(make_entity(), TABLE, ROWS)


def test_inserted_with_the_flag_set_is_pending(users: Tracked) -> None:
    users.execute("INSERT INTO users VALUES (9, 'x', NULL, TRUE)")

    assert users.pending() == {"9"}


def test_copied_with_the_flag_set_is_pending(users: Tracked) -> None:
    with users.people.cursor().copy("COPY users (id, json_exported) FROM STDIN") as copy:
        copy.write_row((9, True))

    assert users.pending() == {"9"}


def test_stale_save_of_the_whole_row_is_pending(users: Tracked) -> None:
    """An object mapper writes back the TRUE that it read before somebody else's change."""
    users.execute("UPDATE users SET name = 'other' WHERE id = 1")
    users.execute("UPDATE users SET name = 'stale', json_exported = TRUE WHERE id = 1")

    assert users.pending() == {"1"}


def test_flag_set_by_hand_is_pending(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'x' WHERE id = 1")
    users.execute("UPDATE users SET json_exported = TRUE")

    assert users.pending() == {"1", "2", "3", "4", "5"}


def test_merge_is_noticed_in_all_its_arms(users: Tracked) -> None:
    if users.people.info.server_version < FIRST_WITH_MERGE:
        pytest.skip("MERGE came with PostgreSQL 15")
    users.execute(
        "MERGE INTO users AS u USING (VALUES (1, 'x'), (2, 'gone'), (9, 'new')) AS v (id, name)"
        " ON u.id = v.id WHEN MATCHED AND v.name = 'gone' THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET name = v.name, json_exported = TRUE"
        " WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.name, NULL, TRUE)"
    )

    assert users.pending() == {"1", "9"}
    assert users.deleted() == {"2"}


def test_cascades_of_a_foreign_key_are_noticed(tracked: MakeTracked) -> None:
    lines = tracked(
        make_entity("public.lines", name="lines"),
        "CREATE TABLE orders (id int PRIMARY KEY)",
        "CREATE TABLE lines (id int PRIMARY KEY,"
        " order_id int REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE)",
        "INSERT INTO orders VALUES (1), (2)",
        "INSERT INTO lines VALUES (1, 1), (2, 2)",
    )
    lines.execute("DELETE FROM orders WHERE id = 1", "UPDATE orders SET id = 3 WHERE id = 2")

    assert lines.deleted() == {"1"}
    assert lines.pending() == {"2"}


def test_swapped_keys_leave_tombstones_of_living_keys(users: Tracked) -> None:
    users.execute(
        "UPDATE users SET id = -1 WHERE id = 1",
        "UPDATE users SET id = 1 WHERE id = 2",
        "UPDATE users SET id = 2 WHERE id = -1",
    )

    assert users.pending() == {"1", "2"}
    assert users.deleted() == {"1", "2", "-1"}
    with users.source.view() as view:
        living = view.living(users.entity, [("1",), ("2",), ("-1",)])
    assert living == {("1",), ("2",)}


@pytest.mark.parametrize(
    ("statement", "pending", "deleted"),
    [
        ("UPDATE users SET name = 'x' WHERE id = 1", {"1"}, set()),
        ("DELETE FROM users WHERE id = 1", set(), {"1"}),
    ],
)
def test_replica_sessions_do_not_pass_by(
    users: Tracked, statement: str, pending: set[str], deleted: set[str]
) -> None:
    """Logical replication and import tools work under this setting."""
    users.execute("SET session_replication_role = replica", statement)

    assert (users.pending(), users.deleted()) == (pending, deleted)


def test_truncate_in_a_replica_session_is_found_out(users: Tracked) -> None:
    users.execute("SET session_replication_role = replica", "TRUNCATE users")

    assert not users.tombstones().is_complete


def test_disabled_triggers_void_the_flags_until_all_rows_were_read(users: Tracked) -> None:
    users.execute(
        "ALTER TABLE users DISABLE TRIGGER ALL",
        "UPDATE users SET name = 'unseen' WHERE id = 1",
        "ALTER TABLE users ENABLE TRIGGER ALL",
    )
    assert users.pending() == set()

    reading = users.read()
    assert reading.keys == {("1",), ("2",), ("3",), ("4",), ("5",)}
    (warning,) = reading.fence.warnings
    assert warning.count("'zz_gitexport_") == 3
    found = users.source.tracking.inspect(users.repository_id, [users.entity])
    assert len(found) == 3
    assert all("not always enabled" in finding.message for finding in found)


def test_tracking_again_repairs_triggers_and_reads_all_rows_once(users: Tracked) -> None:
    users.execute("ALTER TABLE users DISABLE TRIGGER ALL")
    users.source.tracking.track(users.repository_id, [users.entity])

    assert users.source.tracking.inspect(users.repository_id, [users.entity]) == []
    assert len(users.export().keys) == 5
    reading = users.read()
    assert (reading.keys, reading.fence.warnings) == (set(), ())


def test_dropped_trigger_is_named_and_made_again(users: Tracked) -> None:
    name = users.value("SELECT tgname::text FROM pg_trigger WHERE tgname LIKE '%deleted'")
    users.execute(f"DROP TRIGGER {name} ON users")
    found = users.source.tracking.inspect(users.repository_id, [users.entity])

    assert [name in finding.message for finding in found] == [True]
    fence = users.read().fence
    assert fence.tracked == frozenset()
    (warning,) = fence.warnings
    assert warning.startswith(f"trigger '{name}' of 'public.users' is missing: every export reads")
    assert "'gitexport track --entity users'" in warning
    users.source.tracking.track(users.repository_id, [users.entity])
    users.execute("DELETE FROM users WHERE id = 1")
    assert users.deleted() == {"1"}


def test_later_trigger_that_sets_the_flag_is_reported(users: Tracked) -> None:
    users.execute(
        "CREATE FUNCTION zz_last () RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.json_exported := TRUE; RETURN NEW; END'",
        "CREATE TRIGGER zzz_last BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION zz_last ()",
    )
    found = users.source.tracking.inspect(users.repository_id, [users.entity])

    assert [("zzz_last" in f.message, f.misses_changes) for f in found] == [(True, True)]


def test_rows_that_a_later_trigger_would_change_stay_pending(users: Tracked) -> None:
    users.execute(
        "CREATE FUNCTION late () RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END'",
        "UPDATE users SET name = 'x' WHERE id < 3",
        "CREATE TRIGGER zzz_late BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION late ()",
    )
    query = "SELECT id, updated_at, xmin::text FROM users ORDER BY id"
    before = users.people.execute(query).fetchall()
    found = users.read()

    assert users.acknowledge(found) == (0, 2)
    assert users.people.execute(query).fetchall() == before
    assert users.pending() == {"1", "2"}
    (warning,) = users.source.maintain({"users": 0})
    assert "'zzz_late'" in warning
    assert "stay pending" in warning


def test_later_trigger_of_other_columns_does_not_keep_rows_pending(users: Tracked) -> None:
    users.execute(
        "CREATE FUNCTION late () RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END'",
        "CREATE TRIGGER zzz_name BEFORE UPDATE OF name ON users"
        " FOR EACH ROW EXECUTE FUNCTION late ()",
        "CREATE TRIGGER zzz_off BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION late ()",
        "ALTER TABLE users DISABLE TRIGGER zzz_off",
        "INSERT INTO users VALUES (9, 'x')",
    )

    assert users.acknowledge(users.read()) == (1, 0)
    assert users.pending() == set()


def test_earlier_trigger_that_sets_the_flag_loses(users: Tracked) -> None:
    users.execute(
        "CREATE FUNCTION zz_last () RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.json_exported := TRUE; RETURN NEW; END'",
        "CREATE TRIGGER a_first BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION zz_last ()",
        "UPDATE users SET name = 'x' WHERE id = 1",
    )

    assert users.pending() == {"1"}


TOUCH = (
    """CREATE FUNCTION touch () RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END'""",
    "CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch ()",
)


def test_acknowledging_does_not_fire_what_people_keep_for_changes(users: Tracked) -> None:
    users.execute(*TOUCH, "UPDATE users SET name = 'x'")
    times = "SELECT string_agg(updated_at::text, ',' ORDER BY id) FROM users"
    before = users.value(times)
    users.export()
    assert users.value(times) == before
    users.source.tracking.reset(users.repository_id, [users.entity])
    assert users.value(times) == before

    users.execute("UPDATE users SET name = 'y'")
    assert users.value(times) != before


def test_after_triggers_and_rules_are_named_and_the_outbox_proposed(users: Tracked) -> None:
    users.execute(
        "CREATE FUNCTION audit () RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER audit AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION audit ()",
        "CREATE TRIGGER named AFTER UPDATE OF name ON users FOR EACH ROW EXECUTE FUNCTION audit ()",
        "CREATE RULE noted AS ON UPDATE TO users DO ALSO NOTIFY changed",
    )
    found = users.source.tracking.inspect(users.repository_id, [users.entity])

    assert len(found) == 1
    assert "trigger 'audit', rule 'noted'" in found[0].message
    assert 'tracking = "table"' in (found[0].hint or "")


def test_acknowledging_is_over_with_its_transaction(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'x'")
    users.export()
    with users.source.view():
        pass

    setting = "SELECT coalesce(current_setting('gitexport.ack', true), '')"
    assert users.source._connected().execute(setting).fetchall() == [("",)]


def test_setting_that_hides_all_changes_is_reported(users: Tracked, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE \"{admin.info.dbname}\" SET gitexport.ack = '1'")
    users.source.close()
    found = users.source.tracking.inspect(users.repository_id, [users.entity])

    assert ["gitexport.ack" in finding.message for finding in found] == [True]


def test_rewritten_table_is_read_wholly(users: Tracked) -> None:
    users.execute("ALTER TABLE users ALTER COLUMN name TYPE varchar(9) USING upper(name)")

    assert len(users.read().keys) == 5


def test_vacuum_full_between_read_and_acknowledgement_loses_nothing(users: Tracked) -> None:
    """Rows move, and keep their xmin: a place alone would name another row."""
    users.execute("UPDATE users SET name = 'x' WHERE id = 5")
    reading = users.read()
    users.execute("DELETE FROM users WHERE id < 5", "VACUUM FULL users")
    users.execute("INSERT INTO users VALUES (6, 'new')")
    users.acknowledge(reading)

    assert users.pending() >= {"6"}


def test_renamed_table_stays_tracked(users: Tracked) -> None:
    users.execute("ALTER TABLE users RENAME TO people")
    users.entity = make_entity("public.people")
    users.source.tracking.track(users.repository_id, [users.entity])
    users.execute("DELETE FROM people WHERE id = 1", "UPDATE people SET name = 'x' WHERE id = 2")

    assert users.source.tracking.inspect(users.repository_id, [users.entity]) == []
    assert (users.pending(), users.deleted()) == ({"2"}, {"1"})
