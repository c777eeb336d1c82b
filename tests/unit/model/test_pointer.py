"""JSON Pointers: the examples of RFC 6901, and values under them."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.model.changeset import ABSENT
from gitexport.model.pointer import format_pointer, get, is_within, parse_pointer, put

# RFC 6901, section 5.
EXAMPLE = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", EXAMPLE),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/foo/2", ABSENT),
        ("/foo/00", ABSENT),
        ("/foo/-", ABSENT),
        ("/foo/-1", ABSENT),
        ("/foo/\u0660", ABSENT),
        ("/foo/0/bar", ABSENT),
        ("/absent", ABSENT),
    ],
)
def test_pointer_names_what_the_standard_says(pointer: str, value: object) -> None:
    assert get(EXAMPLE, parse_pointer(pointer)) == value


@pytest.mark.parametrize("text", ["a", "#/a", "/~", "/~2", "/a~"])
def test_what_is_no_pointer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a JSON Pointer"):
        parse_pointer(text)


@given(st.lists(st.text(st.sampled_from("a/~01\n"), max_size=4)).map(tuple))
def test_written_pointer_reads_back(path: tuple[str, ...]) -> None:
    assert parse_pointer(format_pointer(path)) == path


def test_escapes_are_undone_once() -> None:
    assert parse_pointer("/~01") == ("~1",)
    assert format_pointer(("a/b", "~", 0)) == "/a~1b/~0/0"


def test_pointer_is_within_what_stands_above_it_only() -> None:
    assert is_within("/a/b", "/a")
    assert is_within("/a", "/a")
    assert not is_within("/ab", "/a")
    assert not is_within("/a", "/a/b")


@pytest.mark.parametrize(
    ("pointer", "new", "expected"),
    [
        ("", 5, 5),
        ("/a", 5, {"a": 5, "l": [1, 2]}),
        ("/b", None, {"a": {"x": 1}, "b": None, "l": [1, 2]}),
        ("/a/x", ABSENT, {"a": {}, "l": [1, 2]}),
        ("/absent", ABSENT, {"a": {"x": 1}, "l": [1, 2]}),
        ("/l/1", 9, {"a": {"x": 1}, "l": [1, 9]}),
        ("/l/2", 9, {"a": {"x": 1}, "l": [1, 2, 9]}),
        ("/l/0", ABSENT, {"a": {"x": 1}, "l": [2]}),
    ],
)
def test_value_is_put_into_a_copy(pointer: str, new: object, expected: object) -> None:
    value = {"a": {"x": 1}, "l": [1, 2]}
    before = copy.deepcopy(value)

    assert put(value, parse_pointer(pointer), new) == expected
    assert value == before


@pytest.mark.parametrize("pointer", ["/absent/x", "/s/x", "/l/3", "/l/x", "/l/-1"])
def test_nothing_is_put_where_nothing_can_stand(pointer: str) -> None:
    with pytest.raises(LookupError):
        put({"s": "text", "l": [1, 2]}, parse_pointer(pointer), 5)


def test_missing_element_is_not_taken_away() -> None:
    with pytest.raises(LookupError):
        put([1, 2], (2,), ABSENT)
