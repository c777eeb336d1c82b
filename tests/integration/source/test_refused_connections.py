"""A server that answers and lets nobody in is quoted, and the way to mend it is named."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gitexport.errors import ConnectionFailedError
from gitexport.source.postgresql.connection import connect
from tests.fixtures.postgres import Postgres

_ROLE = f"gitexport_refused_{os.getpid()}"
_PASSWORD = "Ca-NaRy"  # noqa: S105 - this is what is looked for


@pytest.fixture
def refused(connection: psycopg.Connection, database: str) -> Iterator[str]:
    """The connection string of a role that may connect to the database."""
    connection.execute(f"CREATE ROLE {_ROLE} LOGIN PASSWORD '{_PASSWORD}'".encode())
    yield make_conninfo(database, user=_ROLE, password=_PASSWORD)
    connection.execute(f"DROP ROLE {_ROLE}".encode())


def failure(dsn: str) -> ConnectionFailedError:
    """Gives the error of a connection that does not come about."""
    with pytest.raises(ConnectionFailedError) as caught:
        connect(dsn)
    assert _PASSWORD not in f"{caught.value.message} {caught.value.where} {caught.value.hint}"
    return caught.value


def test_role_without_the_privilege_to_connect(
    connection: psycopg.Connection, refused: str
) -> None:
    name = connection.info.dbname
    connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC".encode())

    error = failure(refused)

    assert "no CONNECT privilege" in error.message
    assert "GRANT CONNECT ON DATABASE" in (error.hint or "")
    assert f"role '{_ROLE}'" in (error.where or "")
    assert not error.is_transient


def test_role_that_may_not_log_in(connection: psycopg.Connection, refused: str) -> None:
    connection.execute(f"ALTER ROLE {_ROLE} NOLOGIN".encode())

    error = failure(refused)

    assert "not permitted to log in" in error.message
    assert "ALTER ROLE … LOGIN" in (error.hint or "")
    assert not error.is_transient


def test_any_other_answer_is_quoted(
    postgres: Postgres, connection: psycopg.Connection, refused: str
) -> None:
    name = connection.info.dbname
    with psycopg.connect(postgres.maintenance_dsn, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())

    error = failure(refused)

    assert error.message == (
        f'cannot connect to the database: database "{name}" is not currently accepting connections'
    )
    assert "psql" not in (error.hint or "")


def test_an_answer_is_not_quoted_where_it_holds_the_password(
    postgres: Postgres, connection: psycopg.Connection, refused: str
) -> None:
    name = connection.info.dbname
    with psycopg.connect(postgres.maintenance_dsn, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())

    with pytest.raises(ConnectionFailedError) as caught:
        connect(make_conninfo(refused, password=name))

    assert caught.value.message == "cannot connect to the database"
