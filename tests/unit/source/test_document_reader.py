"""Documents are taken apart into fields of COPY, and nothing else passes for a document."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.canonical.check import canonical_json
from gitexport.errors import UnsupportedValueError
from gitexport.source.postgresql.writing.documents import DocumentReader
from gitexport.source.postgresql.writing.values import copy_field, plain_field, raw_field
from tests.property.strategies import STRINGS, json_texts

COLUMNS = {"a": plain_field, "b": raw_field, "c": plain_field}
PLAIN = {"a": plain_field, "c": plain_field}
TEXTS = json_texts(strings=STRINGS)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_MEANT = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


def read_field(field: bytes) -> bytes | None:
    """Reads a field as COPY does with `NULL 'null'`."""
    if field == b"null":
        return None
    assert not set(field) & set(b"\t\n\r")
    return _ESCAPED.sub(lambda match: _MEANT.get(match[1], match[1]), field)


@given(st.text(st.characters(codec="utf-8")))
def test_a_field_reads_as_its_text(text: str) -> None:
    assert read_field(copy_field(text.encode())) == text.encode()


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c", "d", 'q"\\', "é"]), st.data()),
    st.data(),
)
def test_every_member_becomes_the_field_of_its_column(
    names: dict[str, object], data: st.DataObject
) -> None:
    values = {
        name: data.draw(json_texts(strings=STRINGS.filter(lambda t: "\x00" not in t)))
        for name in names
    }
    text = "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in values.items()) + "}"
    try:
        document = canonical_json(text.encode())
    except UnsupportedValueError:
        return
    reader = DocumentReader(COLUMNS, ["a"])
    # The second time the shape is known.
    for _ in range(2):
        shape, fields = reader.read(("the\tkey",), document)
        found = dict(zip(COLUMNS, map(read_field, fields), strict=True))
        assert set(shape.unknown) == set(names) - set(COLUMNS)
        assert set(shape.missing) == set(COLUMNS) - set(names)
        for name in COLUMNS:
            if name not in names:
                assert found[name] == (b"the\tkey" if name == "a" else None)
                continue
            value = canonical_json(values[name].encode())
            if value == b"null\n":
                assert found[name] is None
            elif name != "b" and value.startswith(b'"'):
                assert found[name] == json.loads(value).encode()
            else:
                assert canonical_json(found[name] or b"") == value
    assert reader.missing() == {n: 2 for n in COLUMNS if n not in names and n != "a"}
    assert reader.unknown() == dict.fromkeys(sorted(set(names) - set(COLUMNS)), 2)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]\n",
        b"null\n",
        b'{\n  "a": foo,\n  "b": 1,\n  "c": 1\n}\n',
        b'{\n  "a": 01,\n  "b": 1,\n  "c": 1\n}\n',
        b'{\n  "a": "x\ty",\n  "b": 1,\n  "c": 1\n}\n',
        b'{\n  "a": 1,\n  "a": 1,\n  "c": 1\n}\n',
        b'{\n  "a": "1,\n  "b": 1,\n  "c": 1\n}\n',
        b'{\n  "a": 1,\n  "b": 1,\n  "c": 1\n}\n}\n',
        b'{\n  "a": \\N,\n  "b": 1,\n  "c": 1\n}\n',
    ],
)
def test_what_is_no_json_object_is_refused_also_where_the_shape_is_known(text: bytes) -> None:
    reader = DocumentReader(COLUMNS, ["a"])
    reader.read(("1",), b'{\n  "a": 1,\n  "b": 1,\n  "c": 1\n}\n')
    with pytest.raises(UnsupportedValueError):
        reader.read(("1",), text)


def test_a_document_of_another_layout_is_brought_into_form() -> None:
    reader = DocumentReader(COLUMNS, ["a"])
    _, fields = reader.read(("1",), b'{"c":"\\u00e9","b":{"y":1,"x":[1.0]},"a":1}')
    assert fields == [b"1", b'{"x": [1.0],"y": 1}', "é".encode()]


def test_a_value_that_cannot_be_stored_names_its_column() -> None:
    reader = DocumentReader(COLUMNS, ["a"])
    with pytest.raises(UnsupportedValueError, match="null character") as caught:
        reader.read(("1",), b'{\n  "a": 1,\n  "b": 1,\n  "c": "\\u0000"\n}\n')
    assert caught.value.where == "c"


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_a_line_has_the_fields_of_its_document_also_where_the_shape_is_known(
    values: list[tuple[str, str]],
) -> None:
    reader, other = DocumentReader(PLAIN, ["a"]), DocumentReader(PLAIN, ["a"])
    reader.line(("1",), b'{\n  "a": 1,\n  "c": 1\n}\n')
    for a, c in values:
        try:
            document = canonical_json(f'{{"a": {a}, "c": {c}}}'.encode())
            _, fields = other.read(("1",), document)
        except UnsupportedValueError:
            continue
        _, line = reader.line(("1",), document)
        assert line == b"\t".join(fields)


@pytest.mark.parametrize(
    "value",
    [b'"null"', b'"\\n"', b'"\\"\\""', b"null", b'""', b"-0.5e3", b"[]", b'[\n    "x"\n  ]'],
)
def test_a_line_separates_fields_and_nothing_else(value: bytes) -> None:
    reader = DocumentReader(PLAIN, ["a"])
    reader.line(("1",), b'{\n  "a": 1,\n  "c": 1\n}\n')
    _, line = reader.line(("1",), b'{\n  "a": 1,\n  "c": %b\n}\n' % value)
    assert line == b"1\t" + plain_field(value)
    assert b"\n" not in line


@pytest.mark.parametrize("value", [b"2", b'"2"', b"[]"])
def test_a_document_that_names_another_key_is_refused(value: bytes) -> None:
    reader = DocumentReader(PLAIN, ["a"], ["a"])
    reader.line(("1",), b'{\n  "a": 1,\n  "c": 1\n}\n')
    with pytest.raises(UnsupportedValueError, match="names another key in 'a'"):
        reader.line(("1",), b'{\n  "a": %b,\n  "c": 1\n}\n' % value)


@given(
    st.lists(
        st.tuples(st.integers(0, 12), TEXTS, st.sampled_from(["", " ", "\0"])),
        min_size=1,
        max_size=6,
    )
)
def test_documents_that_are_alike_have_the_fields_of_each(
    drawn: list[tuple[int, str, str]],
) -> None:
    keys = [(str(number),) for number, _text, _odd in drawn]
    documents = [
        f'{{\n  "a": {number},\n  "c": {text}\n}}\n{odd}'.encode() for number, text, odd in drawn
    ]
    reader = DocumentReader(PLAIN, ["a"], ["a"])
    reader.line(("7",), b'{\n  "a": 7,\n  "c": "d"\n}\n')
    found = reader.alike(keys, documents)

    each = DocumentReader(PLAIN, ["a"], ["a"])
    if found is not None:
        for key, document, values in zip(keys, documents, found, strict=True):
            _shape, fields = each.line(key, document)
            assert b"\t".join(values).replace(b'"', b"") == fields


ALIKE = [b'{\n  "a": %d,\n  "c": "%d"\n}\n' % (number, number) for number in range(3)]


@pytest.mark.parametrize(
    "odd",
    [
        b'{\n  "a": 1,\n  "c": "null"\n}\n',
        b'{\n  "a": 1,\n  "c": "\\n"\n}\n',
        b'{\n  "a": 1,\n  "b": 1\n}\n',
        b'{\n  "a": 2,\n  "c": "the key is another"\n}\n',
        b'{\n  "a": 1,\n  "c": "1"\n}\n\n',
        b'{"a": 1, "c": "1"}\n',
        ALIKE[1] + b"\0" + ALIKE[1],
        ALIKE[1] + ALIKE[1],
        b"",
    ],
)
def test_documents_among_which_one_is_not_alike_are_read_one_by_one(odd: bytes) -> None:
    reader = DocumentReader(PLAIN, ["a"], ["a"])
    keys = [(str(number),) for number in range(3)]
    assert reader.alike(keys, ALIKE) is None
    reader.line(keys[0], ALIKE[0])

    assert reader.alike(keys, ALIKE) is not None
    assert reader.alike(keys, [ALIKE[0], odd, ALIKE[2]]) is None


@pytest.mark.parametrize(
    "document",
    [
        b'{\n  "a": "\\ud800",\n  "c": 1\n}\n',
        b'{\n  "a": "x \\uDFFF\\ud800",\n  "c": 1\n}\n',
        b'{\n  "a": 1,\n  "\\ud800": 1\n}\n',
    ],
)
def test_half_of_a_surrogate_pair_is_refused(document: bytes) -> None:
    reader = DocumentReader(PLAIN, ["a"])
    # The second time other documents of the shape were read.
    for _ in range(2):
        with pytest.raises(UnsupportedValueError, match="half of a surrogate pair"):
            reader.line(("1",), document)
        reader.line(("1",), b'{\n  "a": 1,\n  "c": 1\n}\n')
