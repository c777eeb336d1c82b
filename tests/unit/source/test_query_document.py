"""Parameters of a query are replaced only where SQL would read an expression."""

from __future__ import annotations

import pytest

from gitexport.source.postgresql.query_document import bind

_PARAMETERS = {"tag": "20250622-072114", "version": "o'ne\\"}


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        ("SELECT :tag AS t", "SELECT '20250622-072114' AS t"),
        ("SELECT :version;  \n", "SELECT  E'o''ne\\\\'"),
        ("SELECT ':tag', E'\\':tag', \":tag\"", "SELECT ':tag', E'\\':tag', \":tag\""),
        ("SELECT 1::tag, x :: tag", "SELECT 1::tag, x :: tag"),
        ("SELECT 1 -- :tag\n, :tag", "SELECT 1 -- :tag\n, '20250622-072114'"),
        ("/* :tag /* :tag */ :tag */ SELECT 1", "/* :tag /* :tag */ :tag */ SELECT 1"),
        ("SELECT $$:tag$$, $a$ $b$:tag$b$ $a$", "SELECT $$:tag$$, $a$ $b$:tag$b$ $a$"),
        ("SELECT a[1:2], :other, :tagged", "SELECT a[1:2], :other, :tagged"),
        ("SELECT 9 % 7, '{}', '%s', :tag::a", "SELECT 9 % 7, '{}', '%s', '20250622-072114'::a"),
        ("SELECT 'it''s :tag' || :tag", "SELECT 'it''s :tag' || '20250622-072114'"),
    ],
)  # fmt: skip
def test_binding(query: str, bound: str) -> None:
    assert bind(query, _PARAMETERS).as_string(None) == bound
