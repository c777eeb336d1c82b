"""Field changes between two documents, on values read exactly.

The members of a document are columns and are compared one by one, as are those of the objects
inside of them. Where two arrays differ, deepdiff says where; they are compared by position.
Numbers are equal when they are written alike: `1.10` and `1.1`, `1` and `1.0`, `true` and `1`
differ, and integers of any length are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from gitexport.canonical.reading import MAX_DEPTH, depth
from gitexport.canonical.value import ExactNumber, JsonValue, loads
from gitexport.errors import UnsupportedValueError
from gitexport.model.changeset import ABSENT, Absent, FieldChange
from gitexport.model.field_merge import same_value
from gitexport.model.pointer import format_pointer, get

MOST_BYTES = 1_000_000
"""Larger documents are not compared inside."""


def field_changes(old: bytes | None, new: bytes | None) -> list[FieldChange]:
    """Lists the fields that differ, in the order of their pointers; None is no document.

    Raises:
        UnsupportedValueError: One of them is not JSON, or cannot be held exactly.
    """
    before = ABSENT if old is None else loads(old)
    after = ABSENT if new is None else loads(new)
    return value_changes(before, after)


def value_changes(old: JsonValue | Absent, new: JsonValue | Absent) -> list[FieldChange]:
    """Lists the fields that differ between two documents that were exactly read.

    An absent document has no members, so each of the other's is added or deleted. Documents
    that are no objects differ as a whole, with the empty pointer.
    """
    if _is_document(old) and _is_document(new):
        return list(_members((), _as_object(old), _as_object(new)))
    return [] if same_value(old, new) else [FieldChange("", old, new)]


def read_document(data: bytes) -> JsonValue:
    """Reads a document whose values are nested at most 100 levels deep.

    Raises:
        UnsupportedValueError: It is nested deeper, is not JSON, or cannot be held exactly.
    """
    if len(data) > MAX_DEPTH and depth(data) > MAX_DEPTH + 1:
        message = f"is nested deeper than {MAX_DEPTH} levels"
        raise UnsupportedValueError(message)
    return loads(data)


def _members(
    path: tuple[str, ...], old: dict[str, JsonValue], new: dict[str, JsonValue]
) -> Iterator[FieldChange]:
    for name in sorted({*old, *new}):
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if same_value(before, after):
            continue
        inner = (*path, name)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _members(inner, before, after)
        elif isinstance(before, list) and isinstance(after, list):
            yield from _elements(inner, before, after)
        else:
            yield FieldChange(format_pointer(inner), before, after)


def deepdiff_changes(path: tuple[str, ...], old: object, new: object) -> list[FieldChange]:
    """Lists the fields that deepdiff finds inside of two values that stand at a path.

    Gives what `value_changes` gives, and takes its time for whatever is equal as well.
    """
    from deepdiff import DeepDiff

    # Whatever would make it summarise, skip or reorder is off.
    found = DeepDiff(
        _plain(old),
        _plain(new),
        view="tree",
        zip_ordered_iterables=True,
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
    )
    changes = {}
    for levels in found.values():
        for level in levels:
            inner = tuple(level.path(output_format="list"))
            changes[inner] = FieldChange(
                format_pointer((*path, *inner)), get(old, inner), get(new, inner)
            )
    return [changes[inner] for inner in sorted(changes, key=_order)]


def _elements(path: tuple[str, ...], old: list[object], new: list[object]) -> list[FieldChange]:
    """Finds the differences inside of two arrays, element by element."""
    # Elements that are equal are not worth deepdiff's look.
    same = [same_value(first, second) for first, second in zip(old, new, strict=False)]
    return deepdiff_changes(path, *(_without(values, same) for values in (old, new)))


def _without(values: list[object], same: list[bool]) -> list[object]:
    rest = len(values) - len(same)
    kept = zip(values, [*same, *[False] * rest], strict=True)
    return [None if is_same else value for value, is_same in kept]


class _Number(str):
    """An exact number as a leaf that deepdiff compares by its text, and with no other type."""

    __slots__ = ()


def _plain(value: object) -> object:
    if isinstance(value, ExactNumber):
        return _Number(value.text)
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(element) for element in value]
    return value


def _is_document(value: JsonValue | Absent) -> bool:
    return value is ABSENT or isinstance(value, dict)


def _as_object(value: JsonValue | Absent) -> dict[str, JsonValue]:
    return {} if value is ABSENT else cast("dict[str, JsonValue]", value)


def _order(path: tuple[str | int, ...]) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (-1, part) for part in path)
