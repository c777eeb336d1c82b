"""Partitioned tables: the parent is tracked, whatever happens to its partitions."""

from __future__ import annotations

import os

import pytest

from gitexport.errors import ConfigError
from gitexport.model.entity import Tracking
from tests.fixtures.tracked import MakeTracked, Tracked, make_entity

TABLES = (
    """CREATE TABLE events (id int, region text, v text, PRIMARY KEY (id, region))
       PARTITION BY LIST (region)""",
    "CREATE TABLE events_a PARTITION OF events FOR VALUES IN ('a')",
    "CREATE TABLE events_b PARTITION OF events FOR VALUES IN ('b') PARTITION BY RANGE (id)",
    "CREATE TABLE events_b1 PARTITION OF events_b FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE events_b2 PARTITION OF events_b DEFAULT",
    """INSERT INTO events SELECT n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, 'v'
       FROM generate_series(1, 20) AS n""",
)


@pytest.fixture(params=[Tracking.FLAG, Tracking.TABLE], ids=lambda method: method.value)
def events(request: pytest.FixtureRequest, tracked: MakeTracked) -> Tracked:
    """Twenty events in three partitions of two levels, all exported."""
    entity = make_entity("public.events", ("id", "region"), name="events", tracking=request.param)
    return tracked(entity, *TABLES)


def test_changes_through_parent_and_partition_are_noticed(events: Tracked) -> None:
    events.execute(
        "UPDATE events SET v = 'x' WHERE id = 2",
        "UPDATE events_b1 SET v = 'x' WHERE id = 3",
        "DELETE FROM events WHERE id = 4",
        "DELETE FROM events_b2 WHERE id = 15",
    )

    assert events.pending() == {"2,a", "3,b"}
    assert events.deleted() == {"4,a", "15,b"}
    events.export()
    assert events.pending() == set()


def test_row_that_moves_leaves_a_tombstone_of_its_old_key(events: Tracked) -> None:
    events.execute("UPDATE events SET region = 'b' WHERE id = 4")

    assert (events.pending(), events.deleted()) == ({"4,b"}, {"4,a"})


def test_row_changed_after_the_read_stays_pending(events: Tracked) -> None:
    events.execute("UPDATE events SET v = 'read' WHERE id IN (2, 3, 15)")
    reading = events.read()
    events.execute("UPDATE events SET v = 'later' WHERE id = 3")

    assert events.acknowledge(reading) == (2, 1)
    assert events.pending() == {"3,b"}


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE events",
        "TRUNCATE events_a",
        "TRUNCATE events_b2",
        "ALTER TABLE events DETACH PARTITION events_a",
        "DROP TABLE events_b1",
        "CREATE TABLE events_c PARTITION OF events FOR VALUES IN ('c')",
    ],
)
def test_what_happens_to_partitions_asks_for_a_comparison(events: Tracked, statement: str) -> None:
    events.execute(statement)
    assert not events.tombstones().is_complete

    assert not events.export().tombstones.is_complete
    assert events.export().tombstones.is_complete


def test_attached_rows_are_read_whatever_their_flag_says(events: Tracked) -> None:
    events.execute(
        "CREATE TABLE more (LIKE events INCLUDING ALL)", "INSERT INTO more VALUES (99, 'c', 'v')"
    )
    if events.entity.tracking is Tracking.FLAG:
        events.execute("UPDATE more SET json_exported = TRUE")
    events.execute("ALTER TABLE events ATTACH PARTITION more FOR VALUES IN ('c')")

    assert ("99", "c") in events.export().keys
    events.execute("UPDATE more SET v = 'x'", "DELETE FROM more")
    assert events.deleted() == {"99,c"}
    assert events.source.tracking.inspect(events.repository_id, [events.entity]) == []


def test_truncate_of_a_partition_attached_later_is_found_out(events: Tracked) -> None:
    events.execute("CREATE TABLE events_c PARTITION OF events FOR VALUES IN ('c')")
    events.execute("INSERT INTO events VALUES (99, 'c', 'v')")
    events.export()
    events.execute("TRUNCATE events_c")

    assert not events.tombstones().is_complete


def test_index_of_every_partition_is_built_and_attached(tracked: MakeTracked) -> None:
    entity = make_entity("public.events", ("id", "region"), name="events")
    events = tracked(entity, *TABLES)
    valid = (
        "SELECT bool_and(indisvalid) FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid"
        " WHERE c.relname LIKE 'gitexport%'"
    )

    assert events.value(valid) is True
    events.execute("CREATE TABLE events_c PARTITION OF events FOR VALUES IN ('c')")
    assert events.source.tracking.track(events.repository_id, [entity]) == ()
    count = (
        "SELECT count(*) FROM pg_index WHERE pg_get_expr(indpred, indrelid) LIKE '%json_exported%'"
    )
    assert events.value(count) == 6


def test_owner_of_a_new_partition_needs_no_grant(events: Tracked) -> None:
    # Roles belong to the whole server, which other workers may use at the same time.
    owner = f"gitexport_test_owner_{os.getpid()}"
    events.execute(
        f"CREATE ROLE {owner}",
        f"GRANT ALL ON SCHEMA public TO {owner}",
        f"ALTER TABLE events OWNER TO {owner}",
        f"ALTER TABLE events_a OWNER TO {owner}",
        f"SET ROLE {owner}",
    )
    try:
        events.execute(
            "CREATE TABLE events_c PARTITION OF events FOR VALUES IN ('c')",
            "INSERT INTO events VALUES (99, 'c', 'v')",
            "DELETE FROM events WHERE id = 2",
        )
    finally:
        events.execute(
            "RESET ROLE",
            f"REASSIGN OWNED BY {owner} TO CURRENT_USER",
            f"DROP OWNED BY {owner}",
            f"DROP ROLE {owner}",
        )

    assert events.pending() == {"99,c"}
    assert events.deleted() == {"2,a"}


@pytest.mark.parametrize(
    ("relation", "statements", "reason"),
    [
        ("public.child", ("CREATE TABLE parent (id int PRIMARY KEY)",
         "CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent)"), "inherit"),
        ("public.parent", ("CREATE TABLE parent (id int PRIMARY KEY)",
         "CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent)"), "inherit"),
        ("public.part", ("CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id)",
         "CREATE TABLE part PARTITION OF whole DEFAULT"), "partition"),
    ],
)  # fmt: skip
def test_relations_whose_triggers_would_miss_rows_are_refused(
    tracked: MakeTracked, relation: str, statements: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        tracked(make_entity(relation), *statements)
