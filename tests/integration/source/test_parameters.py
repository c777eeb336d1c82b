"""Statements with parameters: only placeholders stand for one."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from gitexport.source.postgresql.parameters import parametrised

NAMES = ("100%", "%s", "%(x)s", "%%", "%b", 'a%"b', "{}", "plain")


def test_percent_signs_outside_of_placeholders_are_doubled() -> None:
    statement = sql.SQL("SELECT {} %% 2 = {} AND {}").format(
        sql.Identifier("%s"), sql.Placeholder(), sql.Composed([sql.Literal("5%"), sql.SQL("%(a)s")])
    )

    assert parametrised(statement) == b"""SELECT "%%s" %%%% 2 = %s AND '5%%'%%(a)s"""


@pytest.mark.parametrize("name", NAMES)
def test_server_gets_names_literals_and_sql_as_they_are(
    connection: psycopg.Connection, name: str
) -> None:
    statement = sql.SQL("SELECT {} AS {}, {}, 7 % 4, 'a' LIKE '%'").format(
        sql.Literal(name), sql.Identifier(name), sql.Placeholder()
    )

    cursor = connection.execute(parametrised(statement), ["%s"])

    assert cursor.description is not None
    assert cursor.description[0].name == name
    assert cursor.fetchone() == (name, "%s", 3, True)
