"""What every method of tracking owes: nothing lost, nothing acknowledged that was not read."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from gitexport.model.entity import Entity, Tracking
from gitexport.source.postgresql import acknowledge_batch
from tests.fixtures.tracked import MakeTracked, Tracked, make_entity

Other = psycopg.Connection[tuple[Any, ...]]

TABLE = "CREATE TABLE users (id int PRIMARY KEY, name text, score numeric)"
ROWS = "INSERT INTO users SELECT n, 'name ' || n, n FROM generate_series(1, 5) AS n"
CHANGES = {
    "insert": ("INSERT INTO users VALUES (9, 'new', 1)", {"9"}),
    "update": ("UPDATE users SET name = 'x' WHERE id = 2", {"2"}),
    "update without effect": ("UPDATE users SET name = name WHERE id = 2", {"2"}),
    "upsert": (
        "INSERT INTO users VALUES (2, 'x', 1) ON CONFLICT (id) DO UPDATE SET name = 'x'",
        {"2"},
    ),
    "upsert that does nothing": ("INSERT INTO users VALUES (2) ON CONFLICT DO NOTHING", set()),
    "key": ("UPDATE users SET id = 9 WHERE id = 2", {"9"}),
    "delete of nothing": ("DELETE FROM users WHERE id = 99", set()),
}


@pytest.fixture(params=[*Tracking, "flag, large batches"], ids=str)
def users(
    request: pytest.FixtureRequest, tracked: MakeTracked, monkeypatch: pytest.MonkeyPatch
) -> Tracked:
    """Five users, all of them exported."""
    if not isinstance(request.param, Tracking):
        monkeypatch.setattr(acknowledge_batch, "_LARGE", 1)
        return tracked(make_entity(), TABLE, ROWS)
    return tracked(make_entity(tracking=request.param), TABLE, ROWS)


def is_compared(users: Tracked) -> bool:
    """Tells whether every row counts as pending in every run."""
    return users.entity.tracking is Tracking.COMPARE


def expected(users: Tracked, pending: set[str]) -> set[str]:
    """Gives what is pending: all that lives, where nothing is tracked."""
    if not is_compared(users):
        return pending
    return {str(row[0]) for row in users.people.execute("SELECT id FROM users")}


def test_exported_rows_are_pending_no_more(users: Tracked) -> None:
    assert users.pending() == expected(users, set())


@pytest.mark.parametrize("change", CHANGES)
def test_changed_row_is_pending(users: Tracked, change: str) -> None:
    statement, pending = CHANGES[change]
    users.execute(statement)

    assert users.pending() == expected(users, pending)


def test_rolled_back_change_is_not_pending(users: Tracked, other: Other) -> None:
    other.execute("UPDATE users SET name = 'x'")
    other.execute("DELETE FROM users WHERE id = 1")
    other.execute("TRUNCATE users")
    other.rollback()

    assert users.pending() == expected(users, set())
    assert users.deleted() == set()


def test_deleted_key_is_known_or_keys_are_to_be_compared(users: Tracked) -> None:
    users.execute("DELETE FROM users WHERE id = 3", "UPDATE users SET id = 40 WHERE id = 4")
    found = users.tombstones()

    if is_compared(users):
        assert not found.is_complete
    else:
        assert (found.is_complete, set(found.keys)) == (True, {("3",), ("4",)})


def test_truncated_table_asks_for_a_comparison_of_keys(users: Tracked) -> None:
    users.execute("TRUNCATE users")

    assert not users.tombstones().is_complete


def test_row_changed_between_read_and_acknowledgement_stays_pending(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'read' WHERE id IN (1, 2)")
    reading = users.read()
    users.execute("UPDATE users SET name = 'later' WHERE id = 1")
    counts = users.acknowledge(reading)

    assert users.pending() == expected(users, {"1"})
    if not is_compared(users):
        assert counts == (1, 1)


def test_row_deleted_between_read_and_acknowledgement_is_superseded(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'read' WHERE id = 1")
    reading = users.read()
    users.execute("DELETE FROM users WHERE id = 1")
    users.acknowledge(reading)

    assert is_compared(users) or users.deleted() == {"1"}


def test_row_made_again_between_read_and_acknowledgement_stays_pending(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'read' WHERE id = 1")
    reading = users.read()
    users.execute("DELETE FROM users WHERE id = 1", "INSERT INTO users VALUES (1, 'again')")
    users.acknowledge(reading)

    assert users.pending() == expected(users, {"1"})


def test_change_in_flight_at_the_read_stays_pending(users: Tracked, other: Other) -> None:
    users.execute("UPDATE users SET name = 'read' WHERE id = 1")
    other.execute("UPDATE users SET name = 'in flight' WHERE id IN (1, 2)")
    reading = users.read()
    other.commit()
    users.acknowledge(reading)

    assert users.pending() == expected(users, {"1", "2"})


def test_locked_row_is_passed_over_without_waiting(users: Tracked, other: Other) -> None:
    users.execute("UPDATE users SET name = 'read' WHERE id IN (1, 2)")
    reading = users.read()
    other.execute("UPDATE users SET name = 'open' WHERE id = 1")
    # Were there any waiting, it would last until the test's own timeout.
    counts = users.acknowledge(reading)
    other.rollback()

    assert is_compared(users) or counts == (1, 1)
    assert users.pending() == expected(users, {"1"})


def test_acknowledging_changes_no_column_and_no_row(users: Tracked) -> None:
    digest = "SELECT md5(string_agg(u.id || u.name || u.score, ',' ORDER BY id)) FROM users AS u"
    before = users.value(digest)
    users.execute("UPDATE users SET name = name")
    users.export()

    assert users.value(digest) == before


def test_hints_are_dropped_by_number_only(users: Tracked) -> None:
    users.execute("DELETE FROM users WHERE id = 1")
    reading = users.read()
    users.execute("DELETE FROM users WHERE id = 2")
    users.acknowledge(reading)

    assert is_compared(users) or users.deleted() == {"2"}


def test_reset_makes_everything_pending_and_counts(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'x' WHERE id = 1")
    counts = users.source.tracking.reset(users.repository_id, [users.entity])

    assert users.pending() == {"1", "2", "3", "4", "5"}
    assert counts == ({} if is_compared(users) else {"users": 4})


def test_tracking_again_changes_nothing(users: Tracked) -> None:
    assert users.source.tracking.track(users.repository_id, [users.entity]) == ()
    assert users.source.tracking.inspect(users.repository_id, [users.entity]) == []


def test_untracking_leaves_nothing_behind(users: Tracked) -> None:
    users.source.tracking.untrack(users.repository_id, [users.entity])

    left = users.people.execute(
        "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal"
        " UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspname = 'gitexport'"
        " UNION ALL SELECT relname::text FROM pg_class WHERE relname ~ 'gitexport'"
        " UNION ALL SELECT attname::text FROM pg_attribute"
        "   WHERE attrelid = 'users'::regclass AND attname = 'json_exported'"
    ).fetchall()
    assert left == []


def test_without_the_version_guard_an_update_would_be_lost(
    users: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the tests above: they can fail."""
    monkeypatch.setattr("gitexport.source.postgresql.tracking.acknowledge.guards_versions", False)
    users.execute("UPDATE users SET name = 'read' WHERE id = 1")
    reading = users.read()
    users.execute("UPDATE users SET name = 'later' WHERE id = 1")
    users.acknowledge(reading)

    assert users.pending() == expected(users, set())


@pytest.mark.parametrize("method", list(Tracking))
def test_rows_are_read_by_more_than_one_key_column(tracked: MakeTracked, method: Tracking) -> None:
    entity: Entity = make_entity("public.lines", ("order", "No."), name="lines", tracking=method)
    lines = tracked(
        entity,
        'CREATE TABLE lines ("order" int, "No." text, v text, PRIMARY KEY ("order", "No."))',
        "INSERT INTO lines VALUES (1, 'a', 'x'), (1, 'b \"\\ {}', 'y'), (2, 'a', 'z')",
    )
    lines.execute("UPDATE lines SET v = 'w' WHERE \"No.\" LIKE 'b%'")

    everything = {"1,a", '1,b "\\ {}', "2,a"}
    assert lines.pending() == (everything if method is Tracking.COMPARE else {'1,b "\\ {}'})
    lines.export()
    assert lines.pending() == (everything if method is Tracking.COMPARE else set())
