"""SQL that would change the statement around it is refused."""

from __future__ import annotations

import pytest

from gitexport.config.sql_shape import check_condition, check_query

GOOD = [
    "a = ')' AND b = '(;'",
    'a = "x;)" OR (b)',
    "a = E'\\';' AND b",
    "a = $$;)$$ AND b = $t$ ; $$ ) $t$",
    "a /* ; ( /* nested ) */ */ = 1",
    "a = 1 -- ; it's",
]
BAD = [
    "a = 'x", 'a = "x', "a) OR (b", "(a", "a; b", "a;", "a /* /* */", "-- nothing", "'' '",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_complete_piece_of_sql_is_accepted(text: str) -> None:
    assert check_condition(text) == text
    assert check_query(f"SELECT {text}") == f"SELECT {text}"


@pytest.mark.parametrize("text", BAD)
def test_incomplete_piece_of_sql_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_condition(text)


@pytest.mark.parametrize(
    "text",
    ["-- x\n SELECT 1", "/* x */ with a as (select 1) table a", "(SELECT 1)", "\nVALUES (1)"],
)
def test_query_may_start_with_comments(text: str) -> None:
    assert check_query(text) == text


@pytest.mark.parametrize("text", ["DELETE FROM a", "copy a to program 'x'", "selection", "'x'"])
def test_query_that_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="starts with SELECT"):
        check_query(text)
