"""Field changes as operations of JSON Patch (RFC 6902), and field changes applied to a value.

What is written here is a strict and reversible part of RFC 6902: every `replace` and `remove`
stands right behind a `test` of what was there before, so a patch can be turned round without
the documents, and finds what has changed meanwhile. Arrays grow and shrink at their end only;
an element in between is replaced at its place.

A whole document has the empty pointer. One that is not there counts as null, as no document is
null: it is added by `test` of null and `add`, and removed by `test` of all of it and `remove`.

Values are exactly read JSON. A `test` succeeds if both are written alike: 1.10 is not 1.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from gitexport.canonical.value import JsonValue, dumps_line
from gitexport.errors import PatchConflictError
from gitexport.model.changeset import ABSENT, FieldChange
from gitexport.model.field_merge import same_value
from gitexport.model.pointer import array_index, format_pointer, get, parse_pointer

_LONGEST_SHOWN = 60


def patch_operations(changes: Iterable[FieldChange]) -> list[dict[str, JsonValue]]:
    """Writes changes as operations, in an order in which they can be applied.

    The changes are those of one document in the order of their pointers, as `field_changes`
    lists them; a change whose sides are the same becomes a `test` alone.
    """
    operations: list[dict[str, JsonValue]] = []
    for change in _applicable(changes):
        operations += _operations(change)
    return operations


def apply_patch(value: object, changes: Iterable[FieldChange]) -> object:
    """Gives a copy of a document's value with the changes made; `ABSENT` is no document.

    Raises:
        PatchConflictError: Something is not as a change says that it was before.
    """
    made = _copy(value)
    for change in _applicable(changes):
        made = _apply(made, change)
    return made


def reverse_changes(changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """Turns changes round: applied after them, these give back what was there before."""
    return tuple(FieldChange(change.pointer, change.new, change.old) for change in changes)


def _applicable(changes: Iterable[FieldChange]) -> list[FieldChange]:
    """Sorts changes: arrays grow upwards, and shrink from their end after everything else."""
    listed = sorted(changes, key=lambda change: _place(change.pointer))
    kept = [change for change in listed if change.new is not ABSENT]
    return [*kept, *(change for change in reversed(listed) if change.new is ABSENT)]


def _place(pointer: str) -> tuple[tuple[int, str], ...]:
    """Orders pointers; what looks like an index by its size."""
    parts = parse_pointer(pointer)
    return tuple((-1 if (at := array_index(part)) is None else at, part) for part in parts)


def _operations(change: FieldChange) -> list[dict[str, JsonValue]]:
    old = cast("JsonValue", None if change.old is ABSENT else change.old)
    new = cast("JsonValue", change.new)
    test: dict[str, JsonValue] = {"op": "test", "path": change.pointer, "value": old}
    if change.old is ABSENT:
        add: dict[str, JsonValue] = {"op": "add", "path": change.pointer, "value": new}
        return [add] if change.pointer else [test, add]
    if change.new is ABSENT:
        return [test, {"op": "remove", "path": change.pointer}]
    if same_value(old, new):
        return [test]
    return [test, {"op": "replace", "path": change.pointer, "value": new}]


def _apply(value: object, change: FieldChange) -> object:
    path = parse_pointer(change.pointer)
    found = get(value, path)
    if not same_value(found, change.old):
        raise _conflict(change.pointer, change.old, found)
    if not path:
        return _copy(change.new)
    holder = get(value, path[:-1])
    if isinstance(holder, dict):
        if change.new is ABSENT:
            del holder[path[-1]]
        else:
            holder[path[-1]] = _copy(change.new)
    elif isinstance(holder, list):
        _set_element(holder, path, change)
    else:
        raise _nothing_holds(change, holder)
    return value


def _set_element(elements: list[object], path: Sequence[str], change: FieldChange) -> None:
    index = array_index(path[-1])
    if index is None or index > len(elements):
        raise _nothing_holds(change, elements)
    if change.new is not ABSENT:
        elements[index : index + 1] = [_copy(change.new)]
        return
    if index < len(elements) - 1:
        after = format_pointer((*path[:-1], index + 1))
        raise _conflict(after, ABSENT, elements[index + 1])
    elements.pop()


def _copy(value: object) -> object:
    if isinstance(value, dict):
        return {name: _copy(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_copy(element) for element in value]
    return value


def _conflict(pointer: str, expected: object, found: object) -> PatchConflictError:
    place = f"at '{pointer}'" if pointer else "as the whole document"
    message = f"the patch expects {_shown(expected)} {place}, and there is {_shown(found)}"
    return PatchConflictError(message, pointer=pointer, expected=expected, found=found)


def _nothing_holds(change: FieldChange, holder: object) -> PatchConflictError:
    message = f"the patch adds '{change.pointer}', which {_shown(holder)} cannot hold"
    return PatchConflictError(message, pointer=change.pointer, expected=ABSENT, found=holder)


def _shown(value: object) -> str:
    if value is ABSENT:
        return "nothing"
    text = dumps_line(cast("JsonValue", value)).decode().rstrip("\n")
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
