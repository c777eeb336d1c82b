"""Databases for copies: kept when the copy is complete, gone otherwise."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from gitexport.errors import ConflictError, PermissionDeniedError, UsageError
from gitexport.model.creation import WantedRelation
from gitexport.model.relation import Column, Relation, RelationKind, RelationName
from gitexport.model.writing import WritingOptions
from gitexport.source.postgresql.create.database import new_database
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.postgres import Postgres

NAME = RelationName("shop", "users")
USERS = WantedRelation(
    Relation(NAME, RelationKind.TABLE, (Column("id", "integer", not_null=True),), ("id",)),
    ("id",),
    ("id",),
)


def databases(connection: psycopg.Connection) -> set[str]:
    """Lists the names of all databases."""
    return {name for (name,) in connection.execute("SELECT datname::text FROM pg_database")}


def test_kept_database_stays_and_is_empty_but_for_what_was_made(
    database: str, connection: psycopg.Connection, postgres: Postgres
) -> None:
    name = f'20250622-072114 "{uuid.uuid4().hex[:8]}'
    try:
        with new_database(database, name) as made:
            source = PostgresSource(made.dsn)
            with source.writing(WritingOptions()) as writer:
                writer.create(writer.plan_creation([USERS]))
                assert set(writer.relations([NAME])) == {NAME}
            assert [relation.name for relation in source.catalog()] == [NAME]
            source.close()
            made.keep()
        with psycopg.connect(made.dsn) as other:
            assert other.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert name in databases(connection)
    finally:
        with psycopg.connect(postgres.maintenance_dsn, autocommit=True) as admin:
            quoted = name.replace('"', '""')
            admin.execute(f'DROP DATABASE IF EXISTS "{quoted}" WITH (FORCE)'.encode())


def test_database_goes_when_the_copy_fails(database: str, connection: psycopg.Connection) -> None:
    before = databases(connection)

    def interrupted() -> None:
        with new_database(database, "copy of nothing") as made, psycopg.connect(made.dsn):
            # A connection that is still open does not keep it.
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert databases(connection) == before


def test_rehearsal_makes_nothing(database: str) -> None:
    source = PostgresSource(database)
    with source.writing(WritingOptions(is_rehearsal=True)) as writer:
        plan = writer.plan_creation([USERS])
        writer.create(plan)
    assert [step.what for step in plan.steps] == ["schema shop", "table shop.users"]
    assert source.catalog() == []
    source.close()


@pytest.mark.parametrize("name", ["", "n" * 64, "a\0b", "é" * 32])
def test_what_is_no_name_is_refused(database: str, name: str) -> None:
    with (
        pytest.raises(UsageError, match="is not the name of a database"),
        new_database(database, name),
    ):
        pass


def test_database_that_is_there_is_left_alone(
    database: str, connection: psycopg.Connection
) -> None:
    name = connection.info.dbname
    with pytest.raises(ConflictError, match="already"), new_database(database, name):
        pass
    assert name in databases(connection)


def test_role_that_may_not_is_told_so(connection: psycopg.Connection, database: str) -> None:
    role = f"r_{uuid.uuid4().hex}"
    connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    dsn = psycopg.conninfo.make_conninfo(database, user=role)
    try:
        with pytest.raises(PermissionDeniedError) as caught, new_database(dsn, "never"):
            pass
        assert "CREATEDB" in (caught.value.hint or "")
    finally:
        connection.execute(f"DROP ROLE {role}".encode())
