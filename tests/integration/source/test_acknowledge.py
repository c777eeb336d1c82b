"""Acknowledging: the fence, batches, dimensions, forks, key texts, and the cost."""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest

from gitexport.errors import LockedError
from gitexport.model.entity import ModifiedDimension, Tracking
from gitexport.model.ports import Acknowledgement, RowQuery, RowScope
from gitexport.model.relation import RelationName
from gitexport.model.snapshot import ObjectId
from gitexport.source.postgresql import acknowledge
from gitexport.source.postgresql.tracking.acknowledge import array_text
from gitexport.source.postgresql.tracking.method import read_sql
from tests.fixtures.tracked import REPOSITORY, TIP, MakeTracked, Tracked, make_entity

Other = psycopg.Connection[tuple[Any, ...]]

TABLE = "CREATE TABLE users (id int PRIMARY KEY, name text)"
ROWS = "INSERT INTO users SELECT n, 'name ' || n FROM generate_series(1, 25) AS n"


@pytest.fixture
def users(tracked: MakeTracked) -> Tracked:
    """Twenty-five users, all exported."""
    return tracked(make_entity(), TABLE, ROWS)


def test_run_that_lost_the_fence_acknowledges_nothing(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'x'", "DELETE FROM users WHERE id = 1")
    lost = users.read()
    won = users.read()

    with pytest.raises(LockedError, match="another run"):
        users.acknowledge(lost, ObjectId("b" * 40))
    assert len(users.pending()) == 24
    assert users.value("SELECT tip FROM gitexport.state") == TIP
    users.acknowledge(won)
    assert (users.pending(), users.deleted()) == (set(), set())


def test_fence_is_checked_in_every_batch(users: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledge, "BATCH", 10)
    users.execute("UPDATE users SET name = 'x'")
    reading = users.read()
    rows = iter(reading.rows)
    first = [next(rows) for _ in range(10)]

    def batches() -> Any:  # noqa: ANN401 - rows come while another run takes over
        yield users.entity, first
        yield users.entity, [next(rows) for _ in range(10)]
        users.execute("UPDATE gitexport.state SET fence = fence + 1")
        yield users.entity, list(rows)

    with pytest.raises(LockedError):
        users.source.acknowledge(REPOSITORY, reading.fence, TIP, batches(), {})
    assert len(users.pending()) == 15


def test_tip_moves_also_when_no_row_is_handed_in(users: Tracked) -> None:
    fence = users.source.begin(REPOSITORY, [users.entity])
    tip = ObjectId("c" * 40)

    assert users.source.acknowledge(REPOSITORY, fence, tip, [], {}).counts == {}
    assert users.source.peek(REPOSITORY, [users.entity]).tip == tip


def test_peek_writes_nothing(users: Tracked) -> None:
    first = users.source.peek(REPOSITORY, [users.entity])

    assert users.source.peek(REPOSITORY, [users.entity]) == first
    assert first.value == users.value("SELECT fence FROM gitexport.state")
    assert first.tracked == {"users"}


def test_peek_without_state_trusts_nothing(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE, tracks=False)
    fence = users.source.peek(REPOSITORY, [users.entity])

    assert (fence.value, fence.tip, fence.tracked) == (0, None, frozenset())


def test_version_of_another_key_acknowledges_nothing(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'x' WHERE id IN (1, 2)")
    reading = users.read()
    versions = {row.key: row.version for row in reading.rows}
    reading.rows = [Acknowledgement(("1",), versions[("2",)])]

    assert users.acknowledge(reading) == (0, 1)
    assert users.pending() == {"1", "2"}


def test_acknowledging_does_not_wait_for_another_in_flight(users: Tracked, other: Other) -> None:
    """Two sessions that lock rows in opposite orders: the exporter takes neither side."""
    users.execute("UPDATE users SET name = 'x'")
    reading = users.read()
    other.execute("SELECT FROM users WHERE id IN (25, 3) FOR UPDATE")

    assert users.acknowledge(reading) == (23, 2)
    other.rollback()
    assert users.pending() == {"3", "25"}


def test_share_locks_of_foreign_keys_do_not_stop_an_acknowledgement(
    users: Tracked, other: Other
) -> None:
    users.execute("UPDATE users SET name = 'x'")
    reading = users.read()
    other.execute("SELECT FROM users WHERE id = 1 FOR KEY SHARE")

    assert users.acknowledge(reading) == (25, 0)
    other.rollback()


DIMENSION = (
    "CREATE TABLE dimension (dim int PRIMARY KEY, modified boolean)",
    "INSERT INTO dimension SELECT n, n = 7 FROM generate_series(1, 25) AS n",
    "CREATE TABLE users (id int PRIMARY KEY, name text, dim int)",
    "INSERT INTO users SELECT n, 'name ' || n, n FROM generate_series(1, 25) AS n",
)
MODIFIED = ModifiedDimension(RelationName("public", "dimension"), "dim")


@pytest.mark.parametrize("method", [Tracking.FLAG, Tracking.TABLE])
def test_modified_dimension_makes_rows_pending_and_is_never_written(
    tracked: MakeTracked, method: Tracking
) -> None:
    users = tracked(make_entity(tracking=method, modified=MODIFIED), *DIMENSION)
    users.execute("UPDATE users SET name = 'x' WHERE id = 2")
    places = "SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY id) FROM users WHERE id <> 2"
    before = users.value(places)
    reading = users.read()

    assert reading.keys == {("2",), ("7",)}
    assert users.acknowledge(reading) == (2, 0)
    assert users.value(places) == before
    assert users.pending() == {"7"}
    users.execute("UPDATE dimension SET modified = NULL")
    assert users.pending() == set()


def test_pending_rows_are_found_by_an_index_also_beside_a_dimension(
    tracked: MakeTracked,
) -> None:
    users = tracked(make_entity(modified=MODIFIED), *DIMENSION)
    users.execute(
        "CREATE INDEX ON users (dim)",
        "INSERT INTO users SELECT n, 'name', n FROM generate_series(100, 20000) AS n",
    )
    users.export()
    users.execute("VACUUM ANALYZE users, dimension")
    for entity in (users.entity, make_entity()):
        with users.source.view() as view:
            parts = read_sql(entity, view.relation(entity), "u")
        query = psycopg.sql.SQL("EXPLAIN SELECT {} FROM {} WHERE {}").format(
            parts.version, parts.source, parts.pending
        )
        plan = "\n".join(row[0] for row in users.people.execute(query))
        assert "gitexport_" in plan, plan
        assert "Seq Scan on users" not in plan, plan


def test_forked_source_has_a_connection_of_its_own(users: Tracked) -> None:
    users.source.identity()
    child = os.fork()
    if child == 0:
        try:
            forked = users.source.fork()
            forked.peek(REPOSITORY, [users.entity])
            users.source.peek(REPOSITORY, [users.entity])
            forked.close()
            users.source.close()
        except BaseException:  # noqa: BLE001 - the parent reads the status
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert users.source.peek(REPOSITORY, [users.entity]).value >= 1


SENSITIVE = {
    "timestamptz": ("2024-01-02 03:04:05.678+00", "2024-07-02 00:00:00+00"),
    "date": ("2024-02-01", "2024-01-02"),
    "interval": ("1 year 2 mons 3 days 04:05:06", "1 day"),
    "float8": ("0.1", "1e-7"),
    "bytea": (r"\xdeadbeef", r"\x00"),
    "money": ("1234.50", "2"),
    "numeric": ("1.10", "1.1000"),
    "text": ('"quoted" \\ {a,b}', "NULL"),
    "tstzrange": ("[2024-01-02 00:00+00,)", "empty"),
}


@pytest.mark.parametrize("kind", SENSITIVE)
@pytest.mark.parametrize("method", [Tracking.FLAG, Tracking.TABLE])
def test_key_texts_do_not_depend_on_the_writers_session(
    tracked: MakeTracked, kind: str, method: Tracking
) -> None:
    first, second = SENSITIVE[kind]
    things = tracked(
        make_entity("public.things", name="things", tracking=method),
        f"CREATE TABLE things (id {kind} PRIMARY KEY, v int)",
        f"INSERT INTO things VALUES ($${first}$$, 1), ($${second}$$, 2)"
        if kind != "numeric"
        else f"INSERT INTO things VALUES ({first}, 1)",
    )
    with things.source.view() as view:
        known = {key: key for key in view.keys(things.entity)}
    things.execute(
        "SET TimeZone = 'Asia/Kolkata'",
        "SET DateStyle = 'SQL, DMY'",
        "SET IntervalStyle = 'sql_standard'",
        "SET extra_float_digits = -15",
        "SET bytea_output = 'escape'",
        "UPDATE things SET v = 3",
    )
    reading = things.read()
    assert reading.keys == set(known)
    assert things.acknowledge(reading).acknowledged == len(known)
    assert things.pending() == set()
    things.execute("DELETE FROM things")

    assert set(things.tombstones().keys) == set(known)


def test_key_whose_text_alone_changes_leaves_a_tombstone(tracked: MakeTracked) -> None:
    """1.10 and 1.1 are equal numbers, and two names of files."""
    things = tracked(
        make_entity("public.things", name="things"),
        "CREATE TABLE things (id numeric PRIMARY KEY)",
        "INSERT INTO things VALUES (1.10)",
    )
    things.execute("UPDATE things SET id = 1.1")

    assert (things.pending(), things.deleted()) == ({"1.1"}, {"1.10"})


def test_generated_columns_and_identities_survive_an_acknowledgement(
    tracked: MakeTracked,
) -> None:
    things = tracked(
        make_entity("public.things", name="things"),
        "CREATE TABLE things (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int,"
        " b int GENERATED ALWAYS AS (a * 2) STORED)",
        "INSERT INTO things (a) VALUES (1), (2)",
    )

    assert things.people.execute("SELECT a, b FROM things ORDER BY id").fetchall() == [
        (1, 2),
        (2, 4),
    ]
    assert things.pending() == set()


def test_large_acknowledgement_is_vacuumed_where_allowed(users: Tracked) -> None:
    users.execute("INSERT INTO users SELECT n, 'x' FROM generate_series(100, 3000) AS n")
    users.export()
    vacuums = "SELECT pg_stat_get_vacuum_count('users'::regclass)"
    users.source.maintain({"users": 10})
    users.execute("SELECT pg_stat_clear_snapshot()")
    assert users.value(vacuums) == 0

    assert users.source.maintain({"users": 2901}) == []
    index = "SELECT relpages FROM pg_class WHERE relname = 'users'"
    assert users.value(index) > 0


def test_arrays_are_written_as_the_server_reads_them(users: Tracked) -> None:
    texts = ["", "a", 'b"c', "d\\e", "{f,g}", "NULL", " h ", "i\nj", "é"]
    row = users.people.execute("SELECT %s::text[]", (array_text(texts),)).fetchone()

    assert row == (texts,)
    assert users.people.execute("SELECT %s::text[]", (array_text([]),)).fetchone() == ([],)


def test_scope_of_all_rows_acknowledges_only_what_needs_it(users: Tracked) -> None:
    users.execute("UPDATE users SET name = 'x' WHERE id = 1")
    with users.source.view() as view:
        versions = {row.key: row.version for row in view.rows(users.entity, RowQuery(RowScope.ALL))}

    assert {key for key, version in versions.items() if version} == {("1",)}
