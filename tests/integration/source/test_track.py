"""Setting up tracking: adopted columns, two repositories, interruptions, names of others."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from gitexport.errors import ConfigError, LockedError, UsageError
from gitexport.model.entity import Tracking
from gitexport.setup import track as use_cases
from gitexport.source.postgresql import ddl
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.tracked import REPOSITORY, MakeTracked, make_entity
from tests.integration.source.tracking import ROLE, ROWS, TABLE, publication

Other = psycopg.Connection[tuple[Any, ...]]


def test_missing_column_is_made_and_dropped_again(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE, ROWS)
    column = (
        "SELECT format('%s %s', attnotnull, pg_get_expr(adbin, adrelid)) FROM pg_attribute"
        " JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attname = 'json_exported'"
    )
    assert users.value(column) == "t false"

    users.source.tracking.untrack(REPOSITORY, [users.entity])
    assert users.value(column) is None


def test_existing_nullable_column_is_adopted_as_it_is(tracked: MakeTracked) -> None:
    users = tracked(
        make_entity(),
        "CREATE TABLE users (id int PRIMARY KEY, name text, json_exported boolean)",
        "INSERT INTO users VALUES (1, 'a', NULL), (2, 'b', FALSE), (3, 'c', TRUE)",
        tracks=False,
    )
    assert users.pending() == {"1", "2"}
    assert users.read().keys == {("1",), ("2",), ("3",)}

    users.track()
    assert users.pending() == set()
    users.source.tracking.untrack(REPOSITORY, [users.entity])
    shape = "SELECT attnotnull OR atthasdef FROM pg_attribute WHERE attname = 'json_exported'"
    assert users.value(shape) is False


def test_untracked_flag_is_acknowledged_and_never_trusted(tracked: MakeTracked) -> None:
    users = tracked(
        make_entity(),
        "CREATE TABLE users (id int PRIMARY KEY, name text, json_exported boolean)",
        ROWS,
        tracks=False,
    )
    reading = users.export()

    assert (reading.fence.value, reading.fence.tracked) == (0, frozenset())
    assert not reading.tombstones.is_complete
    assert users.pending() == set()


def test_missing_flag_names_the_command_that_makes_it(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE, tracks=False)

    with pytest.raises(ConfigError, match="no flag column 'json_exported'") as caught:
        users.pending()
    assert "gitexport track --entity users" in (caught.value.hint or "")


def test_second_repository_on_one_flag_is_refused_with_two_ways_out(
    tracked: MakeTracked, database: str
) -> None:
    users = tracked(make_entity(), TABLE, ROWS)
    second = PostgresSource(database)

    for use in (second.tracking.track, second.begin, second.peek):
        with pytest.raises(ConfigError, match=REPOSITORY) as caught:
            use("another", [users.entity])
        assert 'flag = "json_exported_2"' in (caught.value.hint or "")
        assert 'tracking = "table"' in (caught.value.hint or "")
    second.close()


@pytest.mark.parametrize("method", [Tracking.FLAG, Tracking.TABLE])
def test_two_repositories_acknowledge_for_themselves(
    tracked: MakeTracked, method: Tracking
) -> None:
    first = tracked(make_entity(), TABLE, ROWS)
    second = tracked(make_entity(tracking=method, flag="second"), tracks=False)
    second.repository_id = "another"
    second.track()
    first.export()
    first.execute("UPDATE users SET name = 'x' WHERE id = 1", "DELETE FROM users WHERE id = 2")
    first.export()

    assert (first.pending(), first.deleted()) == (set(), set())
    assert (second.pending(), second.deleted()) == ({"1"}, {"2"})
    second.export()
    assert (first.pending(), second.pending()) == (set(), set())


def test_untracking_one_repository_leaves_the_other(tracked: MakeTracked) -> None:
    first = tracked(make_entity(), TABLE, ROWS)
    second = tracked(make_entity(flag="second"), tracks=False)
    second.repository_id = "another"
    second.track()
    first.source.tracking.untrack(first.repository_id, [first.entity])
    second.execute("UPDATE users SET name = 'x' WHERE id = 1")

    assert second.pending() == {"1"}
    assert second.value("SELECT string_agg(repository_id, ',') FROM gitexport.state") == "another"


def test_interruption_inside_the_transaction_leaves_nothing(
    tracked: MakeTracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = tracked(make_entity(), TABLE, tracks=False)
    with monkeypatch.context() as patch:
        # The last statement of the transaction fails, as if the session had ended there.
        patch.setattr(
            "gitexport.source.postgresql.tracking_plan.plan_grants",
            lambda *_: [psycopg.sql.SQL("SELECT 1/0")],
        )
        with pytest.raises(Exception, match="division by zero"):
            users.source.tracking.track(REPOSITORY, [users.entity], role=ROLE)

    assert users.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'gitexport'") == 0
    assert users.value("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == 0


def test_invalid_index_of_an_interrupted_build_is_built_again(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE, ROWS)
    users.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid ="
        " (SELECT oid FROM pg_class WHERE relname LIKE 'gitexport%pending')"
    )
    found = users.source.tracking.inspect(REPOSITORY, [users.entity])
    assert ["invalid" in finding.message for finding in found] == [True]

    users.source.tracking.track(REPOSITORY, [users.entity])
    assert users.source.tracking.inspect(REPOSITORY, [users.entity]) == []


def test_ddl_gives_way_to_a_locked_table_and_tries_again(
    tracked: MakeTracked, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = tracked(make_entity(), TABLE, ROWS, tracks=False)
    other.execute("UPDATE users SET name = 'open'")
    monkeypatch.setattr(ddl, "LOCK_TIMEOUT", "10ms")
    monkeypatch.setattr(ddl, "ATTEMPTS", 2)
    with pytest.raises(LockedError, match=r"public\.users"):
        users.source.tracking.track(REPOSITORY, [users.entity])

    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        other.rollback()

    monkeypatch.setattr(ddl, "ATTEMPTS", 5)
    monkeypatch.setattr("time.sleep", pause)
    users.track()
    assert len(pauses) == 1
    assert users.pending() == set()


def test_changed_key_makes_triggers_anew(tracked: MakeTracked) -> None:
    users = tracked(
        make_entity(), "CREATE TABLE users (id int PRIMARY KEY, name text UNIQUE)", ROWS
    )
    users.entity = make_entity(key=("name",))
    assert users.read().fence.tracked == frozenset()

    users.track()
    users.execute("DELETE FROM users WHERE id = 1", "UPDATE users SET name = 'x' WHERE id = 2")
    assert users.deleted() == {"name 1", "name 2"}


def test_compared_entities_are_skipped_with_the_reason(tracked: MakeTracked) -> None:
    users = tracked(make_entity(tracking=Tracking.COMPARE), TABLE, tracks=False)
    report = use_cases.track(users.source.tracking, publication(users.entity))

    assert (report.entities, report.statements) == ((), ())
    assert [name for name, _ in report.skipped] == ["users"]
    assert use_cases.reset(users.source.tracking, publication(users.entity)).entities == ()


def test_unknown_entity_is_named(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE, tracks=False)

    with pytest.raises(UsageError, match="no entity 'user'"):
        use_cases.track(users.source.tracking, publication(users.entity), ["user"])


def test_names_that_need_quotes_are_tracked(tracked: MakeTracked) -> None:
    odd = tracked(
        make_entity('"Od""d s"."sel ect"', ('k"1',), flag='fl"ag'),
        'CREATE SCHEMA "Od""d s"',
        'CREATE TABLE "Od""d s"."sel ect" ("k""1" text PRIMARY KEY, v text)',
        'INSERT INTO "Od""d s"."sel ect" VALUES (\'a\', \'b\')',
    )
    odd.execute('UPDATE "Od""d s"."sel ect" SET "k""1" = \'c\'')

    assert (odd.pending(), odd.deleted()) == ({"c"}, {"a"})
    odd.source.tracking.untrack(REPOSITORY, [odd.entity])


def test_schema_of_others_with_our_name_is_left_alone(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE, "CREATE SCHEMA gitexport", tracks=False)

    with pytest.raises(ConfigError, match="schema 'gitexport' that gitexport has not made"):
        users.source.tracking.track(REPOSITORY, [users.entity])


def test_what_others_put_into_our_schema_stays(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE)
    users.execute("CREATE TABLE gitexport.notes (n int)")
    users.source.tracking.untrack(REPOSITORY, [users.entity])

    assert users.value("SELECT count(*) FROM gitexport.notes") == 0


@pytest.mark.parametrize("tracking", [Tracking.FLAG, Tracking.TABLE])
def test_key_column_can_still_change_its_type(tracked: MakeTracked, tracking: Tracking) -> None:
    users = tracked(make_entity()._replace(tracking=tracking), TABLE, ROWS)

    users.execute(
        "ALTER TABLE users ALTER COLUMN id TYPE numeric",
        "UPDATE users SET id = 1001 WHERE id = 1",
    )

    assert users.value("SELECT count(*) FROM users WHERE id = 1001") == 1


@pytest.mark.parametrize(
    ("before", "after", "misses"),
    [
        ("int", "bigint", False),
        ("int", "text", False),
        ("text", "int", False),
        ("timestamptz", "text", False),
        ("int", "numeric", True),
        # A collation of a column's own may hold different texts equal.
        ("int", 'text COLLATE "C"', True),
        ("text", "timestamptz", True),
    ],
)
def test_triggers_are_outdated_only_where_the_new_type_needs_others(
    tracked: MakeTracked, before: str, after: str, *, misses: bool
) -> None:
    users = tracked(
        make_entity(key=("id", "part")),
        f"CREATE TABLE users (id {before}, part text, name text, PRIMARY KEY (id, part))",
    )

    users.execute(f"ALTER TABLE users ALTER id TYPE {after} USING NULL")

    found = users.source.tracking.inspect(REPOSITORY, [users.entity])
    assert ["are for another key or an older version" in one.message for one in found] == (
        [True] if misses else []
    )
    users.track()
    assert users.source.tracking.inspect(REPOSITORY, [users.entity]) == []
