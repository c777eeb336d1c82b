"""A document from a row's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.canonical.encode import (
    CLOSING,
    EMPTY_DOCUMENT,
    assemble,
    assemble_all,
    member_prefix,
    opening,
)
from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import NestedKind
from tests.property.strategies import STRINGS, json_texts

CLEAN, EXACT = NestedKind.CLEAN, NestedKind.EXACT
TEXTS = json_texts(strings=STRINGS)


def test_a_row_without_nested_values_is_its_text() -> None:
    text = b'{\n  "a": 1\n}\n'

    assert assemble(text, ()) is text


def test_nested_values_are_laid_out_where_they_stand() -> None:
    text = (
        b'{\n  "a": \x01[1, 2]\x01,\n  "b": "x",\n'
        b'  "c": \x01{"z":1.10,"y":{}}\x01,\n  "d": \x01null\x01\n}\n'
    )

    assert assemble(text, [CLEAN, EXACT, EXACT]) == (
        b'{\n  "a": [\n    1,\n    2\n  ],\n  "b": "x",\n'
        b'  "c": {\n    "y": {},\n    "z": 1.10\n  },\n  "d": null\n}\n'
    )


@pytest.mark.parametrize("kinds", [[], [CLEAN], [CLEAN] * 3])
def test_marks_and_kinds_have_to_agree(kinds: list[NestedKind]) -> None:
    """A compiled SELECT that disagrees with its own kinds is a bug, not a row's fault."""
    with pytest.raises(ValueError, match="marks"):
        assemble(b'{\n  "a": \x01[]\x01,\n  "b": \x01[]\x01\n}\n', kinds)


@pytest.mark.parametrize("first", ["a", 'quote " and : colon', "\n  é", "\\"])
def test_a_refused_value_names_its_column(first: str) -> None:
    before = opening([first, "~"])
    for raws, name in (([b'{"x":1,"x":1}', b"1"], first), ([b"[[]]", rb'"\ud800"'], "~")):
        text = b"".join(p + b"\x01" + raw + b"\x01" for p, raw in zip(before, raws, strict=True))
        with pytest.raises(UnsupportedValueError) as caught:
            assemble(text + CLOSING, [CLEAN if raws[0] == b"[[]]" else EXACT, EXACT])
        assert caught.value.where == name


def test_a_large_row_is_written_like_a_small_one() -> None:
    values = b"[" + b",".join([b'{"b":1,"a":2.0}'] * 100_000) + b"]"
    element = b'\n    {\n      "a": 2.0,\n      "b": 1\n    }'
    text = b'{\n  "a": \x01' + values + b"\x01\n}\n"

    assert assemble(text, [CLEAN]) == (
        b'{\n  "a": [' + b",".join([element] * 100_000) + b"\n  ]\n}\n"
    )


@given(
    st.lists(st.sampled_from([CLEAN, EXACT]), max_size=3).flatmap(
        lambda kinds: st.tuples(
            st.just(kinds),
            st.lists(st.lists(TEXTS, min_size=len(kinds), max_size=len(kinds)), max_size=5),
        )
    )
)
def test_rows_together_are_written_like_each_alone(
    drawn: tuple[list[NestedKind], list[list[str]]],
) -> None:
    kinds, rows = drawn
    before = [b"\x01".join((text, b"")) for text in opening([f"c{n}" for n in range(len(kinds))])]
    texts = [
        b"".join(p + raw.encode() + b"\x01" for p, raw in zip(before, raws, strict=True)) + CLOSING
        for raws in rows
    ]
    try:
        alone = [assemble(text, kinds) for text in texts]
    except UnsupportedValueError:
        assert assemble_all(texts, kinds) is None
        return

    assert assemble_all(texts, kinds) in (alone, None)


def test_rows_of_which_one_needs_a_look_are_not_written_together() -> None:
    row = b'{\n  "a": \x01[1.5, 2]\x01,\n  "b": \x01{"z": 1.0}\x01\n}\n'
    bad = b'{\n  "a": \x01[1.5, 2]\x01,\n  "b": \x01{"z": 1, "z": 2}\x01\n}\n'
    kinds = [CLEAN, EXACT]

    assert assemble_all([row] * 3, kinds) == [assemble(row, kinds)] * 3
    assert assemble_all([row, bad, row], kinds) is None
    assert assemble_all([row, b"{}\n"], kinds) is None
    assert assemble_all([row], []) is None
    fewer, more = (b'{\n  "a": ' + b"\x01[]\x01,".join([b""] * count) for count in (2, 4))
    assert assemble_all([fewer, more], kinds) is None
    large = row.replace(b"[1.5, 2]", b"[" + b"1, " * 400_000 + b"2]")
    assert assemble_all([row, large], kinds) is None


def test_both_sides_agree_on_the_bytes_between_values() -> None:
    names = ["", 'B"', "a", "é", "\U0001f600"]

    assert opening(names) == [
        b'{\n  "": ',
        b',\n  "B\\"": ',
        b',\n  "a": ',
        ',\n  "é": '.encode(),
        ',\n  "\U0001f600": '.encode(),
    ]
    assert member_prefix("\x01") == '"\\u0001": '
    assert opening([]) == []
    assert EMPTY_DOCUMENT == b"{}\n"


@pytest.mark.parametrize("names", [["b", "a"], ["a", "a"], ["\U00010000", "\ue000"]])
def test_members_out_of_order_are_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="sorted by code point"):
        opening(names)
