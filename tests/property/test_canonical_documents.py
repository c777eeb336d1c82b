"""Canonical JSON against an oracle written apart from it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitexport.canonical.check import canonical_json, check, is_canonical
from gitexport.canonical.encode import CLOSING, EMPTY_DOCUMENT, MARK, assemble, opening
from gitexport.canonical.nested import canonical_nested
from gitexport.canonical.reading import depth
from gitexport.canonical.value import canonical_value, dumps_line, loads
from gitexport.errors import NotCanonicalError, UnsupportedValueError
from gitexport.model.ports import NestedKind
from tests.property import oracle
from tests.property.strategies import STRINGS, json_texts

ANY = json_texts(strings=st.one_of(STRINGS, st.text(max_size=3), st.just("\ud800")))
STORABLE = json_texts(strings=STRINGS)
ROWS = st.dictionaries(STRINGS, st.tuples(st.booleans(), STORABLE), max_size=6)


def _expected(text: str) -> bytes | None:
    try:
        return oracle.canonical(text)
    except oracle.RefusedError:
        return None


@given(ANY)
def test_any_text_becomes_what_the_oracle_writes_or_both_refuse(text: str) -> None:
    try:
        written = canonical_json(text.encode("utf-8", "surrogatepass"))
    except UnsupportedValueError:
        written = None

    assert written == _expected(text)


@given(ANY)
def test_canonical_text_stays_as_it_is_and_passes_the_check(text: str) -> None:
    written = _expected(text)
    if written is None:
        return

    check(written)
    assert canonical_json(written) == written


@given(STORABLE)
def test_other_spellings_fail_the_check_and_name_a_line(text: str) -> None:
    data = text.encode()
    if _expected(text) == data:
        return

    assert not is_canonical(data)
    with pytest.raises(NotCanonicalError, match=r"^line [1-9][0-9]*: \S"):
        check(data)


@given(ROWS)
def test_a_row_becomes_what_the_oracle_writes_of_its_members(
    row: dict[str, tuple[bool, str]],
) -> None:
    """Scalars come as the server prints them; nested values in any spelling, of both kinds."""
    held = {name: text for name, (_, text) in row.items() if _expected(text) is not None}
    names = sorted(held)
    kinds = [_kind(held[name], is_exact=row[name][0]) for name in names]
    text = b"".join(
        before + MARK + held[name].encode() + MARK
        for before, name in zip(opening(names), names, strict=True)
    )
    document = assemble(text + CLOSING, kinds) if names else EMPTY_DOCUMENT

    plain = ",".join(f"{json.dumps(name)}:{held[name]}" for name in names)
    assert document == oracle.canonical("{" + plain + "}")


def _kind(text: str, *, is_exact: bool) -> NestedKind:
    """Keeps the promise of kind CLEAN, under which no minus zero is an integer."""
    return NestedKind.EXACT if is_exact or "-0" in text else NestedKind.CLEAN


@given(STORABLE, st.sampled_from(list(NestedKind)), st.integers(0, 3))
def test_a_nested_value_is_indented_for_its_level(text: str, kind: NestedKind, level: int) -> None:
    if _expected(text) is None:
        return
    fitting = _kind(text, is_exact=kind is NestedKind.EXACT)

    written = canonical_nested(text.encode(), fitting, level=level)

    assert written.decode() == oracle.dump(oracle.read(text), level)


@given(STORABLE)
def test_what_is_read_exactly_writes_the_same_file(text: str) -> None:
    written = _expected(text)
    if written is None:
        return
    value = loads(text.encode())

    assert canonical_value(value) == written
    assert loads(dumps_line(value)) == value
    assert dumps_line(value).count(b"\n") == 1


@example('{"a":[[[]]],"a":1}')
@given(STORABLE)
def test_depth_is_counted_outside_of_strings_only(text: str) -> None:
    # All members are kept, also repeated ones: the deepest may be one that readers drop.
    value = json.loads(text, parse_int=str, object_pairs_hook=_members)

    assert depth(text.encode()) == _depth(value)


def _members(pairs: list[tuple[str, object]]) -> list[object]:
    return [member for _, member in pairs]


def _depth(value: object) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


@given(st.binary(max_size=40))
def test_any_bytes_are_written_or_refused(data: bytes) -> None:
    try:
        written = canonical_json(data)
    except UnsupportedValueError:
        assert not is_canonical(data)
    else:
        assert is_canonical(written)
