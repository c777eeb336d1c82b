"""Setting up tracking: adopted columns, rights, interruptions, two repositories, dry runs."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from gitexport.errors import ConfigError, LockedError, PermissionDeniedError, UsageError
from gitexport.model.entity import Entity, Publication, Tracking
from gitexport.setup import track as use_cases
from gitexport.source.postgresql import ddl
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.tracked import REPOSITORY, MakeTracked, Tracked, make_entity

Other = psycopg.Connection[tuple[Any, ...]]

TABLE = "CREATE TABLE users (id int PRIMARY KEY, name text)"
ROWS = "INSERT INTO users SELECT n, 'name ' || n FROM generate_series(1, 5) AS n"
# Roles belong to the whole server, which other workers may use at the same time.
ROLE = f"gitexport_test_{os.getpid()}"


def publication(*entities: Entity) -> Publication:
    """Publishes some entities."""
    return Publication(repository_id=REPOSITORY, entities=entities)


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


def test_dry_run_gives_the_sql_and_changes_nothing(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE, tracks=False)
    report = use_cases.track(
        users.source.tracking, publication(users.entity), role=ROLE, dry_run=True
    )

    assert users.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'gitexport'") == 0
    text = "\n".join(report.statements)
    assert 'ADD COLUMN "json_exported" boolean NOT NULL DEFAULT FALSE' in text
    assert "CREATE INDEX CONCURRENTLY" in text
    users.execute(f"DROP ROLE IF EXISTS {ROLE}", f"CREATE ROLE {ROLE}")
    for statement in report.statements:
        users.execute(statement)
    assert users.source.tracking.inspect(REPOSITORY, [users.entity]) == []
    users.execute(f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")


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


@pytest.fixture
def role(tracked: MakeTracked) -> Any:  # noqa: ANN401 - yields the role's name
    """A role without any grant, dropped with all it owns."""
    admin = tracked(make_entity(), tracks=False)
    admin.execute(f"DROP ROLE IF EXISTS {ROLE}", f"CREATE ROLE {ROLE} LOGIN")
    yield ROLE
    admin.execute(f"DROP OWNED BY {ROLE} CASCADE", f"DROP ROLE {ROLE}")


@pytest.mark.parametrize("method", [Tracking.FLAG, Tracking.TABLE])
def test_ordinary_roles_need_no_grant_on_our_schema(
    tracked: MakeTracked, role: str, method: Tracking
) -> None:
    users = tracked(make_entity(tracking=method), TABLE, ROWS)
    users.execute(
        f"GRANT ALL ON users TO {role}",
        f"SET ROLE {role}",
        "UPDATE users SET name = 'x' WHERE id = 1",
        "INSERT INTO users VALUES (9, 'new')",
        "DELETE FROM users WHERE id = 2",
        "UPDATE users SET id = 30 WHERE id = 3",
        "RESET ROLE",
    )

    assert users.pending() == {"1", "9", "30"}
    assert users.deleted() == {"2", "3"}


@pytest.mark.parametrize("method", list(Tracking))
def test_granted_role_can_export_and_nothing_more(
    tracked: MakeTracked, database: str, role: str, method: Tracking
) -> None:
    users = tracked(make_entity(tracking=method), TABLE, ROWS)
    report = use_cases.track(users.source.tracking, publication(users.entity), role=role)
    assert report.statements
    exporter = PostgresSource(psycopg.conninfo.make_conninfo(database, user=role))
    users.execute("UPDATE users SET name = 'x' WHERE id = 1", "DELETE FROM users WHERE id = 2")
    granted = Tracked(users.people, exporter, users.entity)
    reading = granted.export()
    exporter.close()

    everything = {"1", "3", "4", "5"}
    assert {key[0] for key in reading.keys} == (everything if method is Tracking.COMPARE else {"1"})
    assert method is Tracking.COMPARE or users.pending() == set()
    writes = f"SELECT has_table_privilege('{role}', 'users', 'INSERT, UPDATE, DELETE, TRUNCATE')"
    assert users.value(writes) is False


def test_role_that_may_not_track_is_told_the_grant(
    tracked: MakeTracked, database: str, role: str
) -> None:
    users = tracked(make_entity(), TABLE, ROWS, tracks=False)
    users.execute(f"GRANT SELECT ON users TO {role}")
    source = PostgresSource(psycopg.conninfo.make_conninfo(database, user=role))

    with pytest.raises(PermissionDeniedError, match="may not create the schema") as caught:
        source.tracking.track(REPOSITORY, [users.entity])
    assert "GRANT CREATE ON DATABASE" in (caught.value.hint or "")
    assert 'tracking = "compare"' in (caught.value.hint or "")
    users.execute(f'GRANT CREATE ON DATABASE "{users.people.info.dbname}" TO {role}')
    with pytest.raises(PermissionDeniedError, match="belongs to the role") as caught:
        source.tracking.track(REPOSITORY, [users.entity])
    assert f'TO "{role}"' in (caught.value.hint or "")
    source.close()


def test_role_without_access_to_the_state_is_told_the_command(
    tracked: MakeTracked, database: str, role: str
) -> None:
    users = tracked(make_entity(), TABLE, ROWS)
    users.execute(f"GRANT SELECT ON users TO {role}")
    source = PostgresSource(psycopg.conninfo.make_conninfo(database, user=role))

    with pytest.raises(PermissionDeniedError, match="schema 'gitexport'") as caught:
        source.begin(REPOSITORY, [users.entity])
    assert "track --role" in (caught.value.hint or "")
    compared = make_entity(tracking=Tracking.COMPARE)
    assert source.begin(REPOSITORY, [compared]).value == 0
    source.close()


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
    users = tracked(replace(make_entity(), tracking=tracking), TABLE, ROWS)

    users.execute(
        "ALTER TABLE users ALTER COLUMN id TYPE numeric",
        "UPDATE users SET id = 1001 WHERE id = 1",
    )

    assert users.value("SELECT count(*) FROM users WHERE id = 1001") == 1
