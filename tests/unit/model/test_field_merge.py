"""Merging two changes of a document: laws for any values, and what people would expect."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.canonical.value import ExactNumber
from gitexport.model.changeset import ABSENT
from gitexport.model.field_merge import FieldConflict, Side, merge_fields, same_value
from gitexport.model.pointer import get, parse_pointer

SCALARS = st.sampled_from(
    [None, True, False, 0, 1, "", "1", ExactNumber("1.0"), ExactNumber("1.10"), 2**70]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab/"), inner, max_size=3)
    ),
    max_leaves=6,
)
SIDES = VALUES | st.just(ABSENT)


@given(SIDES, SIDES)
def test_what_one_side_changed_is_taken(base: object, changed: object) -> None:
    for merged in (merge_fields(base, changed, base), merge_fields(base, base, changed)):
        assert same_value(merged.value, changed)
        assert merged.conflicts == ()


@given(SIDES, SIDES)
def test_what_both_changed_alike_is_no_conflict(base: object, changed: object) -> None:
    merged = merge_fields(base, changed, copy.deepcopy(changed))

    assert same_value(merged.value, changed)
    assert merged.conflicts == ()


@given(SIDES, SIDES, SIDES)
def test_sides_may_be_exchanged(base: object, ours: object, theirs: object) -> None:
    merged = merge_fields(base, ours, theirs, prefer=Side.OURS)
    exchanged = merge_fields(base, theirs, ours, prefer=Side.THEIRS)

    assert same_value(merged.value, exchanged.value)
    assert [(c.pointer, repr(c.base), repr(c.ours), repr(c.theirs)) for c in merged.conflicts] == [
        (c.pointer, repr(c.base), repr(c.theirs), repr(c.ours)) for c in exchanged.conflicts
    ]


@given(SIDES, SIDES, SIDES, st.sampled_from(Side))
def test_conflict_holds_three_different_values_and_the_result_the_preferred_one(
    base: object, ours: object, theirs: object, prefer: Side
) -> None:
    merged = merge_fields(base, ours, theirs, prefer=prefer)

    for conflict in merged.conflicts:
        path = parse_pointer(conflict.pointer)
        assert same_value(conflict.ours, get(ours, path))
        assert same_value(conflict.theirs, get(theirs, path))
        assert same_value(conflict.base, get(base, path))
        assert not same_value(conflict.ours, conflict.theirs)
        assert not same_value(conflict.base, conflict.ours)
        assert not same_value(conflict.base, conflict.theirs)
        assert same_value(get(merged.value, path), conflict.value(prefer))


@given(SIDES, SIDES, SIDES)
def test_conflicts_do_not_depend_on_the_preference(
    base: object, ours: object, theirs: object
) -> None:
    merges = [merge_fields(base, ours, theirs, prefer=side) for side in Side]

    assert len({repr(merged.conflicts) for merged in merges}) == 1


@given(SIDES, SIDES, SIDES)
def test_inputs_stay_as_they_are(base: object, ours: object, theirs: object) -> None:
    before = repr((base, ours, theirs))

    merge_fields(base, ours, theirs)

    assert repr((base, ours, theirs)) == before


def test_different_fields_merge_at_every_depth() -> None:
    base = {"a": 1, "b": {"x": 1, "y": [1]}, "gone": 1}
    ours = {"a": 2, "b": {"x": 1, "y": [1, 2]}, "gone": 1}
    theirs = {"a": 1, "b": {"x": 5, "y": [1]}, "new": None}

    merged = merge_fields(base, ours, theirs)

    assert merged.value == {"a": 2, "b": {"x": 5, "y": [1, 2]}, "new": None}
    assert merged.conflicts == ()


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "pointer"),
    [
        ({"a/b": 0}, {"a/b": 1}, {"a/b": True}, "/a~1b"),
        ({"a": 0}, {"a": 1}, {"a": ExactNumber("1.0")}, "/a"),
        ({"a": 0}, {"a": None}, {}, "/a"),
        ({"a": {"b": 1}}, {}, {"a": {"b": 2}}, "/a"),
        ({"a": [1, 2]}, {"a": [0, 2]}, {"a": [1, 3]}, "/a"),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"c": 1}}, "/a"),
        ({}, {"a": {"b": 1}}, {"a": {"b": 2}}, "/a/b"),
        ({"a": 1}, ABSENT, {"a": 2}, ""),
    ],
)
def test_same_field_changed_differently_is_a_conflict(
    base: object, ours: object, theirs: object, pointer: str
) -> None:
    merged = merge_fields(base, ours, theirs)
    path = parse_pointer(pointer)

    assert merged.conflicts == (
        FieldConflict(pointer, get(base, path), get(ours, path), get(theirs, path)),
    )
    assert merged.value == ours


def test_two_sides_that_add_a_document_agree_field_by_field() -> None:
    merged = merge_fields(ABSENT, {"id": 1, "a": 1}, {"id": 1, "b": 2})

    assert merged.value == {"id": 1, "a": 1, "b": 2}
    assert merged.conflicts == ()
