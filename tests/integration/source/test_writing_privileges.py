"""Roles that may not write rows: each privilege that they lack is named with its grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gitexport.errors import PermissionDeniedError
from gitexport.model.writing import RowAction
from tests.integration.source.rewriting import THINGS, document, texts, writing


@pytest.fixture
def clerk(connection: psycopg.Connection, database: str) -> Iterator[str]:
    """The connection string of a role that owns nothing."""
    name = sql.Identifier(connection.info.dbname)
    connection.execute("CREATE ROLE clerk LOGIN")
    connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))
    connection.execute("CREATE TABLE things (id serial PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things (v) VALUES ('a')")
    yield make_conninfo(database, user="clerk")
    connection.execute("DROP OWNED BY clerk; DROP ROLE clerk")


def granting(connection: psycopg.Connection, write: Callable[[], object]) -> list[str]:
    """Tries until it works, granting what each refusal says; gives what was granted."""
    granted = []
    for _ in range(9):
        try:
            write()
        except PermissionDeniedError as error:
            grant = (error.hint or "").removeprefix("run ").partition(", or ")[0]
            connection.execute(grant.encode())
            granted.append(grant)
        else:
            break
    return granted


def test_each_privilege_that_a_role_lacks_is_named_with_its_grant(
    clerk: str, connection: psycopg.Connection
) -> None:
    connection.execute("GRANT SELECT ON things TO clerk")

    def write() -> None:
        with writing(clerk) as writer:
            writer.stage(THINGS, [(("7",), document('"id": 7,\n  "v": "x"'))], RowAction.UPSERT)
            writer.stage_departures(THINGS)
            writer.write()

    assert granting(connection, write) == [
        f'GRANT TEMPORARY ON DATABASE "{connection.info.dbname}" TO "clerk"',
        'GRANT DELETE, INSERT, UPDATE ON "public"."things" TO "clerk"',
        'GRANT SELECT, UPDATE ON SEQUENCE "public"."things_id_seq" TO "clerk"',
    ]
    assert texts(connection, "things")["things"] == [("7", "x")]


def test_the_privilege_that_locking_rows_takes_is_named(
    clerk: str, connection: psycopg.Connection
) -> None:
    connection.execute("GRANT SELECT ON things TO clerk")

    def lock() -> None:
        with writing(clerk) as writer:
            assert [row.key for row in writer.current(THINGS, [("1",)])] == [("1",)]

    assert granting(connection, lock) == ['GRANT UPDATE ON "public"."things" TO "clerk"']


def test_only_who_owns_a_relation_may_let_its_triggers_rest(
    clerk: str, connection: psycopg.Connection
) -> None:
    connection.execute('GRANT ALL ON things, things_id_seq TO clerk; CREATE ROLE "ow ner"')
    connection.execute("CREATE RULE theirs AS ON DELETE TO things DO INSTEAD NOTHING")
    connection.execute('ALTER TABLE things OWNER TO "ow ner"')
    name = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO clerk").format(name))
    try:
        granted = granting(connection, lambda: delete_with_rest(clerk))
    finally:
        connection.execute('DROP OWNED BY "ow ner"; DROP ROLE "ow ner"')

    assert granted == ['GRANT "ow ner" TO "clerk"']


def delete_with_rest(dsn: str) -> None:
    """Deletes a row that a rule would keep."""
    with writing(dsn) as writer:
        writer.silence([THINGS])
        writer.stage_deletions(THINGS, [("1",)])
        assert writer.write()["things"].deleted == 1
