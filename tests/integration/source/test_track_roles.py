"""Setting up tracking for roles: who needs which grant, and what a role that lacks it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from gitexport.errors import PermissionDeniedError
from gitexport.model.entity import Tracking
from gitexport.model.relation import RelationName
from gitexport.setup import track as use_cases
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.tracked import REPOSITORY, MakeTracked, Tracked, make_entity
from tests.integration.source.tracking import ROLE, ROWS, TABLE, publication


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


@pytest.mark.parametrize("is_adopted", [True, False])
def test_grants_on_peoples_tables_are_named_when_tracking_ends(
    tracked: MakeTracked, role: str, *, is_adopted: bool
) -> None:
    flag = "json_exported boolean, " if is_adopted else ""
    users = tracked(make_entity(), f"CREATE TABLE users ({flag}id int PRIMARY KEY, name text)")
    users.execute(f"GRANT SELECT ON users TO pg_monitor, {role}")
    use_cases.track(users.source.tracking, publication(users.entity), role=role)

    planned = use_cases.untrack(users.source.tracking, publication(users.entity), dry_run=True)
    report = use_cases.untrack(users.source.tracking, publication(users.entity))

    assert report.revokes == planned.revokes
    assert not any("REVOKE" in statement for statement in report.statements)
    select = f'REVOKE SELECT ON "public"."users" FROM "{role}"'
    update = f'REVOKE UPDATE ("json_exported") ON "public"."users" FROM "{role}"'
    assert report.revokes == ((select, update) if is_adopted else (select,))
    users.execute(*report.revokes)
    rights = "SELECT has_any_column_privilege('{}', 'users', 'SELECT, UPDATE')"
    assert users.value(rights.format(role)) is False
    assert users.value(rights.format("pg_monitor")) is True


def test_what_was_not_tracked_is_said_to_have_nothing_to_remove(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE)
    compared = make_entity(tracking=Tracking.COMPARE)
    compared = compared._replace(name="seen", relation=RelationName("public", "seen"))
    both = replace(publication(users.entity), entities=(users.entity, compared))

    report = use_cases.untrack(users.source.tracking, both)
    again = use_cases.untrack(users.source.tracking, both)

    assert report.entities == (users.entity.name,)
    assert [name for name, reason in report.skipped if "nothing to remove" in reason] == ["seen"]
    assert again.entities == again.statements == again.revokes == ()
    assert [name for name, _ in again.skipped] == [users.entity.name, "seen"]


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
    owner = users.people.info.user
    assert f"let '{owner}' run 'gitexport track --role {role}'" in (caught.value.hint or "")
    assert "GRANT" not in (caught.value.hint or "")
    users.track()
    with pytest.raises(PermissionDeniedError, match="'gitexport' belongs to the role") as caught:
        source.tracking.track(REPOSITORY, [users.entity])
    assert f"let '{owner}' run 'gitexport track --role {role}'" in (caught.value.hint or "")
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
