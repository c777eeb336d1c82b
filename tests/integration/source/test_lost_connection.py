"""A connection that goes away in the middle is reported as such, and never as an end of rows."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.errors import ConnectionFailedError
from gitexport.model.ports import SourceRow
from gitexport.source.postgresql.connection import APPLICATION_NAME, connect
from gitexport.source.postgresql.errors import is_transient
from gitexport.source.postgresql.identity import read_identity
from gitexport.source.postgresql.session import reading
from gitexport.source.postgresql.view import open_view
from tests.fixtures.postgres import Postgres
from tests.integration.source.reading import ALL, entity_of

_KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name = %s AND datname = current_database()
"""


def test_a_connection_lost_in_mid_read_is_no_end_of_rows(
    connection: psycopg.Connection, database: str
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a text)")
    connection.execute(
        "INSERT INTO things SELECT i, repeat(md5(i::text), 100) FROM generate_series(1, 20000) i"
    )
    reader = connect(database)
    came: list[SourceRow] = []

    def read() -> None:
        with open_view(reader) as view:
            for row in view.rows(entity_of("public.things"), ALL):
                came.append(row)
                if len(came) == 100:
                    connection.execute(_KILL, (APPLICATION_NAME,))

    with pytest.raises(ConnectionFailedError) as caught:
        read()
    assert 100 <= len(came) < 20000
    assert all(row.text and not row.problem for row in came)
    assert is_transient(caught.value)
    assert caught.value.where == "public.things"
    assert reader.closed


def test_a_connection_lost_between_reads_is_reported(
    connection: psycopg.Connection, database: str
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY)")
    reader = connect(database)

    def read() -> None:
        with open_view(reader) as view:
            connection.execute(_KILL, (APPLICATION_NAME,))
            view.relation(entity_of("public.things"))

    with pytest.raises(ConnectionFailedError):
        read()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dbname": "no such database"}, "there is no such database"),
        ({"user": "no such role"}, "does not accept this role"),
    ],
)
def test_what_the_server_does_not_know_is_no_transient_failure(
    database: str, change: dict[str, str], message: str
) -> None:
    with pytest.raises(ConnectionFailedError, match=message) as caught:
        connect(psycopg.conninfo.make_conninfo(database, **change))
    assert not caught.value.is_transient
    assert next(iter(change.values())) in (caught.value.where or "")


def test_identity_is_stable_and_differs_between_databases(
    connection: psycopg.Connection, database: str, postgres: Postgres
) -> None:
    def identify(dsn: str) -> tuple[str, str]:
        opened = connect(dsn)
        with reading(opened) as cursor:
            found = read_identity(cursor)
        opened.close()
        return found.database, found.fingerprint

    first = identify(database)
    assert first == identify(database)
    assert first[0] == connection.info.dbname
    assert len(first[1]) == 32
    with postgres.temporary_database() as other:
        assert identify(other)[1] != first[1]
    role = f"plain_{connection.info.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    try:
        assert identify(psycopg.conninfo.make_conninfo(database, user=role)) == first
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        weak = identify(psycopg.conninfo.make_conninfo(database, user=role))
        assert weak[0] == first[0]
        assert weak[1] != first[1]
    finally:
        connection.execute(f"DROP ROLE {role}".encode())
