"""Field changes between documents, against a plain recursion as the oracle."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.canonical.value import ExactNumber, JsonValue, canonical_value, loads
from gitexport.compare.documents import field_changes
from gitexport.model.changeset import ABSENT
from gitexport.model.pointer import format_pointer

NUMBERS = st.one_of(
    st.integers(min_value=-(2**80), max_value=2**80),
    st.sampled_from(["1.0", "1.10", "1.1", "1e2", "100.0", "-0"]).map(ExactNumber),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from([0, 1]), NUMBERS, st.text("ab", max_size=2)
)
NAMES = st.sampled_from(["a", "b", "__a", "", "a/b", "~", "0"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)


def changed(old: bytes | None, new: bytes | None) -> list[tuple[str, object, object]]:
    """Gives field changes as tuples."""
    return [(change.pointer, change.old, change.new) for change in field_changes(old, new)]


def expected(path: tuple[str | int, ...], old: object, new: object) -> dict[str, list[str]]:
    """Compares by plain recursion; values as their exact text."""
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(n, old.get(n, ABSENT), new.get(n, ABSENT)) for n in {*old, *new}]
        return {k: v for n, a, b in pairs for k, v in expected((*path, n), a, b).items()}
    if isinstance(old, list) and isinstance(new, list):
        found: dict[str, list[str]] = {}
        for place in range(max(len(old), len(new))):
            before = old[place] if place < len(old) else ABSENT
            after = new[place] if place < len(new) else ABSENT
            found |= expected((*path, place), before, after)
        return found
    texts = [text(old), text(new)]
    return {} if texts[0] == texts[1] else {format_pointer(path): texts}


def text(value: object) -> str:
    """Writes a value so that unequal values have unequal texts."""
    if value is ABSENT:
        return "absent"
    return canonical_value(value).decode()  # type: ignore[arg-type]


@given(DOCUMENTS, DOCUMENTS)
def test_every_difference_is_found_once(
    old: dict[str, JsonValue], new: dict[str, JsonValue]
) -> None:
    changes = field_changes(canonical_value(old), canonical_value(new))

    assert len({change.pointer for change in changes}) == len(changes)
    got = {change.pointer: [text(change.old), text(change.new)] for change in changes}
    assert got == expected((), loads(canonical_value(old)), loads(canonical_value(new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1.10", "1.1"),
        ("1", "1.0"),
        ("true", "1"),
        ("false", "0"),
        ("18446744073709551616", "18446744073709551617"),
        ("1e2", "100"),
        ("null", '"null"'),
        ("[]", "{}"),
    ],
)
@pytest.mark.parametrize("place", ['{"a": %s}', '{"a": {"b": [%s]}}'])
def test_values_that_only_look_alike_differ(old: str, new: str, place: str) -> None:
    changes = field_changes((place % old).encode(), (place % new).encode())

    assert len(changes) == 1


def test_nested_difference_has_its_pointer() -> None:
    old = b'{"id": 1, "place": {"city": "Rome", "tags": ["a", "b"]}}'
    new = b'{"id": 1, "place": {"city": "Bern", "tags": ["b"]}}'

    assert changed(old, new) == [
        ("/place/city", "Rome", "Bern"),
        ("/place/tags/0", "a", "b"),
        ("/place/tags/1", "b", ABSENT),
    ]


def test_null_is_a_value_and_absence_is_none() -> None:
    assert changed(b'{"a": null}', b"{}") == [("/a", None, ABSENT)]
    assert changed(b"{}", b'{"a": null}') == [("/a", ABSENT, None)]


def test_missing_document_has_no_members() -> None:
    assert changed(None, b'{"a": 1, "b": [2]}') == [("/a", ABSENT, 1), ("/b", ABSENT, [2])]
    assert changed(b'{"a": 1}', None) == [("/a", 1, ABSENT)]
    assert changed(None, None) == []


def test_spaces_and_order_do_not_differ() -> None:
    assert changed(b'{"a":1,"b":2}', b'{"b": 2, "a": 1}') == []


def test_arrays_at_the_top_differ_as_a_whole() -> None:
    assert changed(b"[1]", b"[2]") == [("", [1], [2])]
    assert changed(b"[1]", b"[1]") == []


def test_many_elements_keep_their_order() -> None:
    old = json.dumps({"a": list(range(12))}).encode()
    new = json.dumps({"a": list(range(1, 13))}).encode()

    pointers = [change.pointer for change in field_changes(old, new)]
    assert pointers == [f"/a/{place}" for place in range(12)]


def test_exact_numbers_stay_exact() -> None:
    (change,) = field_changes(b'{"a": 1.10}', b'{"a": 1.1}')

    assert Decimal(str(change.old)) == Decimal(str(change.new))
    assert (str(change.old), str(change.new)) == ("1.10", "1.1")


def test_deepdiff_is_loaded_only_for_nested_differences() -> None:
    code = (
        "import sys\n"
        "from gitexport.compare.documents import field_changes\n"
        'field_changes(b\'{"a": 1, "b": [1]}\', b\'{"a": 2, "b": [1]}\')\n'
        "assert 'deepdiff' not in sys.modules\n"
        "field_changes(b'{\"b\": [1]}', b'{\"b\": [2]}')\n"
        "assert 'deepdiff' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
