"""Texts and names as SQL."""

from __future__ import annotations

from gitexport.model.sql_text import quote_name, quote_text


def test_quoting() -> None:
    assert quote_text("it's") == "'it''s'"
    assert quote_text("a\\b") == "E'a\\\\b'"
    assert quote_text("a'\n\u202e\U000e0001") == "E'a''\\n\\u202e\\U000e0001'"
    assert quote_name('a"b') == '"a""b"'
    assert quote_name("a\nb\\") == 'U&"a\\+00000ab\\\\"'
