"""Documents made by queries, in the same snapshot as the rows."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.errors import UnsupportedValueError
from gitexport.model.entity import QueryDocument
from gitexport.source.postgresql.view import open_view
from tests.integration.source.reading import Number, entity_of, every_row, exact


def _document(query: str, *, is_array: bool = True) -> QueryDocument:
    return QueryDocument("data/index.json", query, is_array=is_array)


@pytest.fixture(autouse=True)
def things(connection: psycopg.Connection) -> None:
    """A small table."""
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, d text, n numeric)")
    connection.execute("CREATE SEQUENCE numbers")
    connection.execute("INSERT INTO things VALUES (1, 'x', 1.10), (2, NULL, 2), (3, 'z', 3)")


def test_an_array_keeps_the_order_of_the_query(connection: psycopg.Connection) -> None:
    query = "SELECT id, d, n FROM public.things ORDER BY id DESC; "
    with open_view(connection) as view:
        found = exact(view.document(_document(query), {}).decode())
        assert view.document(_document("SELECT 1 WHERE false"), {}) == b"[]"
    assert found == [
        {"id": Number("3"), "d": "z", "n": Number("3")},
        {"id": Number("2"), "d": None, "n": Number("2")},
        {"id": Number("1"), "d": "x", "n": Number("1.10")},
    ]


def test_an_object_is_exactly_one_row(connection: psycopg.Connection) -> None:
    with open_view(connection) as view:
        one = _document("SELECT :tag AS tag, count(*) FROM public.things -- all", is_array=False)
        assert exact(view.document(one, {"tag": "t'"}).decode()) == {
            "tag": "t'",
            "count": Number("3"),
        }
        for query in ("SELECT 1 WHERE false", "SELECT 1 UNION SELECT 2"):
            with pytest.raises(UnsupportedValueError, match="an object is exactly one"):
                view.document(_document(query, is_array=False), {})


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT 1 / 0", "division by zero"),
        ("SELECT ===", "syntax error"),
        ("SELECT * FROM public.gone", "does not exist"),
        ("SELECT 'canary'::int", "invalid input syntax for type integer"),
        ("DELETE FROM public.things RETURNING id", "syntax error"),
        ("WITH d AS (DELETE FROM public.things RETURNING id) SELECT * FROM d", "WITH"),
        ("SELECT 1; DROP TABLE public.things", "syntax error"),
        ("SELECT 1) AS d) TO STDOUT; DROP TABLE public.things; --", "syntax error"),
        ("SELECT nextval('public.numbers')", "read-only"),
    ],
)
def test_a_query_that_fails_changes_nothing_and_the_view_lives_on(
    connection: psycopg.Connection, query: str, reason: str
) -> None:
    with open_view(connection) as view:
        with pytest.raises(UnsupportedValueError, match=reason) as caught:
            view.document(_document(query), {})
        assert caught.value.where == "data/index.json"
        assert "canary" not in caught.value.message
        assert len(every_row(view, entity_of("public.things"))) == 3
    assert connection.execute("SELECT count(*) FROM public.things").fetchone() == (3,)
