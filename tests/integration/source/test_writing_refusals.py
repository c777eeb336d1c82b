"""What cannot be written is named by entity, key and constraint, and nothing is kept."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.errors import ConfigError, RowRefusedError
from gitexport.model.writing import MissingColumns, RowAction
from tests.integration.source.rewriting import (
    THINGS,
    compared,
    delete_rows,
    document,
    documents_of,
    make_like,
    texts,
    write_rows,
    writing,
)

PARTS = compared("parts")
TABLES = """
CREATE DOMAIN short AS text CHECK (length(value) < 5);
CREATE TABLE things (
  id int PRIMARY KEY, name text NOT NULL, mail text UNIQUE, age int CHECK (age > 0),
  small smallint, d short, c varchar(3), j jsonb, span int4range,
  EXCLUDE USING gist (span WITH &&));
CREATE TABLE parts (id int PRIMARY KEY, thing int NOT NULL REFERENCES things);
INSERT INTO things (id, name, mail, span) SELECT n, 'secret', 'mail' || n, int4range(n, n + 1)
  FROM generate_series(1, 5) n;
INSERT INTO parts VALUES (1, 1);
"""


@pytest.mark.parametrize(
    ("members", "constraint", "said"),
    [
        ('"id": 3,\n  "name": null', None, "column 'name' of 'public.things' may not be null"),
        ('"id": 3,\n  "mail": "mail1",\n  "name": "n"', "things_mail_key", "has the same values"),
        ('"age": -77,\n  "id": 3,\n  "name": "n"', "things_age_check", "check"),
        ('"id": 3,\n  "name": "n",\n  "span": "[1,9)"', "things_span_excl", "excludes"),
        ('"d": "hidden one",\n  "id": 3,\n  "name": "n"', "short_check", "column 'd'"),
        ('"c": "hidden one",\n  "id": 3,\n  "name": "n"', None, "column 'c'"),
        ('"id": 3,\n  "name": "n",\n  "small": 99999', None, "column 'small'"),
        ('"id": 3,\n  "name": "n",\n  "small": "secret"', None, "column 'small'"),
        ('"id": 3,\n  "j": "\\u0000",\n  "name": "n"', None, "column 'j'"),
        ('"id": 3,\n  "name": "\\u0000"', None, "column 'name' holds a null character"),
        ('"id": 3,\n  "name": "n",\n  "span": [1]', None, "column 'span'"),
        ('"id": 4,\n  "name": "n"', None, "names another key"),
        ('"id": 3,\n  "name', None, "is not JSON"),
    ],
)
def test_a_document_that_cannot_be_written_is_named_without_its_values(
    database: str,
    connection: psycopg.Connection,
    members: str,
    constraint: str | None,
    said: str,
) -> None:
    connection.execute(TABLES)
    before = texts(connection, "things", "parts")
    fine = [((str(n),), document(f'"id": {n},\n  "name": "fine"')) for n in (1, 2, 9)]
    with pytest.raises(RowRefusedError, match=said) as caught:
        write_rows(database, THINGS, [*fine, (("3",), document(members))])

    error = caught.value
    assert (error.entity, error.key, error.where) == ("things", ("3",), "things:3")
    assert error.constraint == constraint
    shown = f"{error.message} {error.hint} {error.__cause__}"
    assert not any(value in shown for value in ("secret", "mail1", "-77", "hidden one", "99999"))
    assert texts(connection, "things", "parts") == before


@pytest.mark.parametrize("place", [1, 30, 68])
@pytest.mark.parametrize("member", ['"small": 99999', '"span": "\\u0000"'])
def test_a_document_is_named_wherever_it_stands_among_many(
    database: str, connection: psycopg.Connection, place: int, member: str
) -> None:
    connection.execute(TABLES)
    before = texts(connection, "things")
    name = "n" * 100_000
    rows = [((str(n),), document(f'"id": {n},\n  "name": "{name}"')) for n in range(100, 170)]
    key = rows[place][0]
    rows[place] = (key, document(f'"id": {key[0]},\n  "name": "n",\n  {member}'))
    with pytest.raises(RowRefusedError) as caught:
        write_rows(database, THINGS, rows)

    assert caught.value.key == key
    assert texts(connection, "things") == before


def test_a_reference_without_target_names_the_row_that_refers(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute(TABLES)
    rows = [((str(n),), document(f'"id": {n},\n  "thing": {n}')) for n in (3, 777, 2)]
    with pytest.raises(RowRefusedError) as caught:
        write_rows(database, PARTS, rows)

    assert (caught.value.where, caught.value.constraint) == ("parts:777", "parts_thing_fkey")


def test_a_row_that_others_refer_to_is_named_when_it_should_go(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute(TABLES)
    with pytest.raises(RowRefusedError) as caught:
        delete_rows(database, THINGS, "2", "1")

    assert (caught.value.where, caught.value.constraint) == ("things:1", "parts_thing_fkey")
    assert len(texts(connection, "things")["things"]) == 5


@pytest.mark.parametrize(
    ("action", "key", "said"),
    [(RowAction.INSERT, "2", "has a row with this key"), (RowAction.UPDATE, "8", "has no row")],
)
def test_rows_that_are_there_or_not_against_what_was_said(
    database: str, connection: psycopg.Connection, action: RowAction, key: str, said: str
) -> None:
    connection.execute(TABLES)
    rows = [((key,), document(f'"id": {key},\n  "name": "n"'))]
    with pytest.raises(RowRefusedError, match=said):
        write_rows(database, THINGS, rows, action)


def test_a_document_that_lacks_a_column_can_be_refused(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, later int)")
    rows = [(("1",), document('"id": 1'))]
    with pytest.raises(RowRefusedError, match="lacks the column 'later'"):
        write_rows(database, THINGS, rows, missing=MissingColumns.REFUSE)


def test_an_identity_that_no_update_changes_is_named(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        "CREATE TABLE things (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY);"
        "INSERT INTO things VALUES (1), (2)"
    )
    documents = documents_of(database, THINGS)
    connection.execute("UPDATE things SET n = DEFAULT WHERE id = 2")
    with pytest.raises(RowRefusedError, match="column 'n' is always an identity") as caught:
        make_like(database, {THINGS: documents})
    assert caught.value.where == "things:2"


def test_views_are_not_written(database: str, connection: psycopg.Connection) -> None:
    connection.execute("CREATE VIEW things AS SELECT 1 AS id")
    with pytest.raises(ConfigError, match="is a view"), writing(database) as writer:
        writer.relation(THINGS)


def test_a_trigger_that_raises_is_not_quoted(database: str, connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, v text);
        CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'not %', NEW.v; END $$;
        CREATE TRIGGER theirs BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION no();
    """)
    rows = [(("1",), document('"id": 1,\n  "v": "secret"'))]
    with pytest.raises(RowRefusedError, match="a trigger or function") as caught:
        write_rows(database, THINGS, rows, fires_triggers=True)
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"
    assert caught.value.entity == "things"


def test_values_handed_on_do_not_hide_the_document_that_is_refused(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        "CREATE TABLE things (id int PRIMARY KEY, n int, EXCLUDE (n WITH =));"
        "INSERT INTO things SELECT n, n FROM generate_series(1, 9) n"
    )
    before = texts(connection, "things")
    # Each takes the value of the next one, and the seventh that of a row that stays.
    values = {1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 1, 7: 9, 8: 7}
    rows = [((str(n),), document(f'"id": {n},\n  "n": {value}')) for n, value in values.items()]
    with pytest.raises(RowRefusedError, match="excludes another row") as caught:
        write_rows(database, THINGS, rows)

    assert caught.value.where == "things:7"
    assert texts(connection, "things") == before
