"""Documents as lines of fields."""

from __future__ import annotations

import pytest
from hypothesis import given

from gitexport.canonical.check import canonical_json
from gitexport.canonical.field_lines import LARGEST_BYTES, field_lines
from gitexport.errors import UnsupportedValueError
from tests.property.strategies import STRINGS, json_texts

TEXTS = json_texts(strings=STRINGS)


def test_each_field_is_a_line_with_its_pointer() -> None:
    data = b'{"b": {"a/b": [1.10, null, {}], "e": []}, "a": "x\\ty", "c": true}'

    assert field_lines(data).decode() == (
        '/a: "x\\ty"\n/b/a~1b/0: 1.10\n/b/a~1b/1: null\n/b/a~1b/2: {}\n/b/e: []\n/c: true\n'
    )


def test_long_text_breaks_where_its_lines_do() -> None:
    assert field_lines(b'{"a": "one\\ntwo\\n"}') == b'/a: "one\\n\n    two\\n\n    "\n'


def test_nothing_steers_a_terminal() -> None:
    data = '{"a\x9b": "\\u001b[31m\x9b\u202e\x7f\u2028"}'.encode()

    shown = field_lines(data).decode()

    assert shown == '/a\\u009b: "\\u001b[31m\\u009b\\u202e\\u007f\\u2028"\n'


@pytest.mark.parametrize("data", [b"<<<<<<< ours\n", b"", b'{"a": 1, "a": 2}', b"\xff"])
def test_what_is_no_json_is_shown_as_it_is(data: bytes) -> None:
    assert field_lines(data) == data


def test_what_is_too_large_is_shown_as_it_is() -> None:
    data = b'"' + b"x" * LARGEST_BYTES + b'"'

    assert field_lines(data) is data


@given(TEXTS, TEXTS)
def test_different_documents_have_different_lines(one: str, other: str) -> None:
    # Lines of what is no JSON may be anything.
    try:
        canonical = [canonical_json(text.encode()) for text in (one, other)]
    except (UnsupportedValueError, UnicodeEncodeError):
        return
    lines = [field_lines(data) for data in canonical]

    assert (lines[0] == lines[1]) == (canonical[0] == canonical[1])
