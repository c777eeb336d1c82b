"""Patches, against the documents that they were made from and against RFC 6902 itself."""

from __future__ import annotations

import contextlib
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.canonical.value import ExactNumber, JsonValue, canonical_value, loads
from gitexport.compare.documents import field_changes
from gitexport.compare.patch import apply_patch, patch_operations, reverse_changes
from gitexport.errors import PatchConflictError
from gitexport.model.changeset import ABSENT, FieldChange
from gitexport.model.field_merge import same_value
from gitexport.model.pointer import get, parse_pointer

NUMBERS = st.one_of(
    st.integers(min_value=-(2**80), max_value=2**80),
    st.sampled_from(["1.0", "1.10", "1.1", "1e2", "100.0", "-0", "9" * 400]).map(ExactNumber),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from([0, 1]), NUMBERS, st.text("ab", max_size=2)
)
NAMES = st.sampled_from(["a", "b", "", "a/b", "~", "~1", "0", "1", "10", "-"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)


def rfc_6902(value: object, operations: list[dict[str, JsonValue]]) -> object:
    """Applies operations as the standard has it, in their order; a failing test is an error."""
    root: list[object] = [copy.deepcopy(value)]
    for operation in operations:
        *way, last = ["0", *parse_pointer(str(operation["path"]))]
        holder: object = root
        for name in way:
            holder = holder[int(name)] if isinstance(holder, list) else holder[name]  # type: ignore[index]
        place = int(last) if isinstance(holder, list) else last
        assert isinstance(holder, (list, dict))
        if operation["op"] == "test":
            assert written(holder[place]) == written(operation["value"])  # type: ignore[index]
        elif operation["op"] == "remove":
            del holder[place]  # type: ignore[arg-type]
        elif operation["op"] == "add" and isinstance(holder, list) and holder is not root:
            assert place <= len(holder)  # type: ignore[operator]
            holder.insert(place, operation["value"])  # type: ignore[arg-type]
        else:
            assert operation["op"] in {"add", "replace"}
            holder[place] = operation["value"]  # type: ignore[index]
    return root[0]


def written(value: object) -> bytes:
    """Gives the canonical bytes of a value."""
    return canonical_value(value)  # type: ignore[arg-type]


@given(DOCUMENTS, DOCUMENTS)
def test_patch_gives_the_very_bytes_forwards_and_backwards(
    old: dict[str, JsonValue], new: dict[str, JsonValue]
) -> None:
    before, after = canonical_value(old), canonical_value(new)
    changes = field_changes(before, after)

    assert written(apply_patch(loads(before), changes)) == after
    assert written(apply_patch(loads(after), reverse_changes(changes))) == before


@given(DOCUMENTS, DOCUMENTS)
def test_operations_mean_the_same_to_every_reader_of_the_standard(
    old: dict[str, JsonValue], new: dict[str, JsonValue]
) -> None:
    before, after = canonical_value(old), canonical_value(new)
    changes = field_changes(before, after)

    assert written(rfc_6902(loads(before), patch_operations(changes))) == after
    turned = patch_operations(reverse_changes(changes))
    assert written(rfc_6902(loads(after), turned)) == before


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_patch_of_another_document_changes_the_named_places_or_is_refused(
    old: dict[str, JsonValue], new: dict[str, JsonValue], other: dict[str, JsonValue]
) -> None:
    changes = field_changes(canonical_value(old), canonical_value(new))
    found = loads(canonical_value(other))
    before = copy.deepcopy(found)

    with contextlib.suppress(PatchConflictError):
        made = apply_patch(found, changes)
        assert all(get(made, parse_pointer(change.pointer)) == change.new for change in changes)
        assert written(apply_patch(made, reverse_changes(changes))) == written(found)

    assert found == before


@pytest.mark.parametrize(
    ("old", "found"),
    [
        (ExactNumber("1.10"), ExactNumber("1.1")),
        (1, ExactNumber("1.0")),
        (1, True),
        (0, False),
        (0, ExactNumber("-0")),
        (10**400, 10**400 + 1),
        (None, ABSENT),
        (ABSENT, None),
        ("1", 1),
        ([], {}),
        ([1], [1, 2]),
    ],
)
def test_what_only_looks_alike_is_a_conflict(old: object, found: object) -> None:
    document = {} if found is ABSENT else {"a": found}

    with pytest.raises(PatchConflictError) as caught:
        apply_patch(document, [FieldChange("/a", old, "new")])

    assert (caught.value.pointer, caught.value.expected) == ("/a", old)
    assert same_value(caught.value.found, found)
    assert caught.value.exit_code == 9


def test_message_names_pointer_and_both_values() -> None:
    with pytest.raises(PatchConflictError) as caught:
        apply_patch({"a": {"b": "x" * 100}}, [FieldChange("/a/b", ExactNumber("1.10"), 2)])

    assert caught.value.message == (f"the patch expects 1.10 at '/a/b', and there is \"{'x' * 58}…")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (FieldChange("/a/2", ABSENT, 3), "/a/2"),  # would push the element that is there
        (FieldChange("/a/4", ABSENT, 3), "/a/4"),  # would leave a gap
        (FieldChange("/a/-", ABSENT, 3), "/a/-"),
        (FieldChange("/a/1", 2, ABSENT), "/a/2"),  # would pull the element behind it
        (FieldChange("/a/b", ABSENT, 3), "/a/b"),
        (FieldChange("/b/c", ABSENT, 3), "/b/c"),
        (FieldChange("/none/c", ABSENT, 3), "/none/c"),
        (FieldChange("/none", 1, ABSENT), "/none"),
        (FieldChange("", ABSENT, {}), ""),
        (FieldChange("", {}, ABSENT), ""),
    ],
)
def test_nothing_is_pushed_aside(change: FieldChange, pointer: str) -> None:
    with pytest.raises(PatchConflictError) as caught:
        apply_patch({"a": [1, 2, 9], "b": 1}, [change])

    assert caught.value.pointer == pointer


def test_whole_documents_come_and_go() -> None:
    added = [FieldChange("", ABSENT, {"a": 1})]

    assert apply_patch(ABSENT, added) == {"a": 1}
    assert apply_patch({"a": 1}, reverse_changes(added)) is ABSENT
    assert patch_operations(added) == [
        {"op": "test", "path": "", "value": None},
        {"op": "add", "path": "", "value": {"a": 1}},
    ]
    assert patch_operations(reverse_changes(added)) == [
        {"op": "test", "path": "", "value": {"a": 1}},
        {"op": "remove", "path": ""},
    ]
    with pytest.raises(PatchConflictError, match="expects nothing as the whole document"):
        apply_patch({"a": 1}, added)


def test_array_shrinks_from_its_end_whatever_the_order() -> None:
    changes = [FieldChange(f"/a/{index}", index, ABSENT) for index in range(2, 12)]

    assert apply_patch({"a": list(range(12))}, changes) == {"a": [0, 1]}
    assert apply_patch({"a": [0, 1]}, reverse_changes(changes)) == {"a": list(range(12))}
