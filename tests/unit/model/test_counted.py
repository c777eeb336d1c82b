"""Counts in sentences."""

from __future__ import annotations

import pytest

from gitexport.model.counted import counted


@pytest.mark.parametrize(
    ("number", "words", "written"),
    [
        (0, ("document",), "0 documents"),
        (1, ("document",), "1 document"),
        (1234, ("document",), "1,234 documents"),
        (1, ("entity is", "entities are"), "1 entity is"),
        (2, ("entity is", "entities are"), "2 entities are"),
    ],
)
def test_the_word_agrees_with_the_number(number: int, words: tuple[str, ...], written: str) -> None:
    assert counted(number, *words) == written
