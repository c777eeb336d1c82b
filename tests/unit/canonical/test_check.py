"""What the check says about files that people edit."""

from __future__ import annotations

import pytest

from gitexport.canonical.check import canonical_json, check, is_canonical
from gitexport.canonical.encode import assemble
from gitexport.canonical.reading import MAX_DEPTH, MAX_FILE_DEPTH
from gitexport.errors import NotCanonicalError, UnsupportedValueError
from gitexport.model.ports import NestedKind


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a":1}\n', "line 1: it is not laid out in canonical form"),
        (b'{\n  "a": 1\n}', "line 3: the final newline is missing"),
        (b"{}\n\n", "line 2: something stands after the final newline"),
        (b'{\n  "a": 1,\n  "c": 1,\n  "b": 2\n}\n', "line 3: members are not sorted"),
        (b'{\n  "a": 1,\n  "b": [\n    1\n  ],\n  "a": 2\n}\n', "line 6: holds the member 'a'"),
        (b'{\n  "x": {\n    "a": 1\n  },\n  "a": 2,\n  "a": 2\n}\n', "line 6: holds the member"),
        (b'{\n  "a": "\\/"\n}\n', "line 2: spaces or escapes"),
        (b'{\n  "a" : 1\n}\n', "line 2: spaces or escapes"),
        (b'[\n  "\\u00E9"\n]\n', "line 2: spaces or escapes"),
        (b'{\r\n  "a": 1\r\n}\r\n', "line 1: it ends with CR LF"),
        (b'{\n    "a": 1\n}\n', "line 2: the spaces are not"),
        (b'{\n\t"a": 1\n}\n', "line 2: the spaces are not"),
        (b'{\n  "a": 1,\n  "b": \n}\n', "line 4: is not JSON: expecting value"),
        (b"{}\n{}\n", "line 2: is not JSON: extra data"),
        (b"", "line 1: is not JSON"),
        (b'{\n  "a": "\xff"\n}\n', "line 2: is not UTF-8"),
        (b"\xef\xbb\xbf{}\n", "line 1: begins with a byte order mark"),
        ("{}\n".encode("utf-16"), "line 1: is not UTF-8"),
        ("{}\n".encode("utf-16-le"), "line 1: is not JSON"),
        (b'[\n  1,\n  "\\ud800"\n]\n', "line 3: holds half of a surrogate pair"),
        (b"[\n  1,\n  NaN\n]\n", "NaN is not a number"),
        (b"[\n" * 200, "line 103: is nested deeper than 102 levels"),
        (b"<<<<<<< ours\n{}\n", "line 1: is not JSON"),
        (b'{\n  "a": 1,\n<<<<<<< ours\n  "b": 2\n}\n', "line 3: is not JSON"),
    ],
)
def test_the_line_and_the_reason_are_named(data: bytes, said: str) -> None:
    with pytest.raises(NotCanonicalError) as caught:
        check(data)

    assert caught.value.message.startswith(said) or said in caught.value.message
    assert not is_canonical(data)


@pytest.mark.parametrize("data", [b"{}\n", b"[]\n", b"null\n", b"-0\n", b'{\n  "a": 1.10\n}\n'])
def test_canonical_files_pass(data: bytes) -> None:
    check(data)

    assert is_canonical(data)
    assert canonical_json(data) == data


def test_a_document_with_the_deepest_value_passes_alone_and_in_a_list() -> None:
    value = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    document = assemble(b'{\n  "a": \x01' + value + b"\x01\n}\n", [NestedKind.EXACT])
    table = canonical_json(b"[" + document + b"]")

    check(document)
    check(table)
    assert MAX_FILE_DEPTH == MAX_DEPTH + 2
    with pytest.raises(UnsupportedValueError, match="nested deeper"):
        canonical_json(b"[" + table + b"]")
