"""Field changes between two documents, on values read exactly.

The members of a document are columns and are compared one by one. Only where two nested
values differ does deepdiff say where. Numbers are equal when they are written alike: `1.10`
and `1.1`, `1` and `1.0`, `true` and `1` differ, and integers of any length are exact. Arrays are
compared by position.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from gitexport.canonical.value import ExactNumber, JsonValue, loads
from gitexport.model.changeset import ABSENT, Absent, FieldChange
from gitexport.model.field_merge import same_value
from gitexport.model.pointer import format_pointer, get


def field_changes(old: bytes | None, new: bytes | None) -> list[FieldChange]:
    """Lists the fields that differ, in the order of their pointers; None is no document.

    An absent document has no members, so each of the other's is added or deleted. Documents
    that are no objects differ as a whole, with the empty pointer.

    Raises:
        UnsupportedValueError: One of them is not JSON, or cannot be held exactly.
    """
    before = ABSENT if old is None else loads(old)
    after = ABSENT if new is None else loads(new)
    if _is_document(before) and _is_document(after):
        return list(_members(_as_object(before), _as_object(after)))
    return [] if same_value(before, after) else [FieldChange("", before, after)]


def _members(old: dict[str, JsonValue], new: dict[str, JsonValue]) -> Iterator[FieldChange]:
    for name in sorted({*old, *new}):
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if same_value(before, after):
            continue
        if _is_nested(before) and type(before) is type(after):
            yield from _inside(name, before, after)
        else:
            yield FieldChange(format_pointer((name,)), before, after)


def _inside(name: str, old: object, new: object) -> list[FieldChange]:
    """Finds the differences inside of two arrays or two objects."""
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
                format_pointer((name, *inner)), get(old, inner), get(new, inner)
            )
    return [changes[inner] for inner in sorted(changes, key=_order)]


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


def _is_nested(value: object) -> bool:
    return isinstance(value, (dict, list))


def _as_object(value: JsonValue | Absent) -> dict[str, JsonValue]:
    return {} if value is ABSENT else cast("dict[str, JsonValue]", value)


def _order(path: tuple[str | int, ...]) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (-1, part) for part in path)
