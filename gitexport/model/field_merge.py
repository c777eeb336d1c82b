"""Merges two changes of one JSON value field by field.

Values are as canonical JSON is read exactly: dictionaries, lists, strings, booleans, None,
integers and exact numbers. Leaves are equal if type and value are: `true` is not 1, and 1 is
not 1.0. `ABSENT` stands for a document or a member that is not there.

Objects merge member by member at every depth. Scalars and arrays merge as a whole: two changes
of one array meet in a conflict even if they touch other positions, because after an insertion
a position no longer tells which element was meant. For the same reason a value that became an
object on both sides without having been one is not taken apart. Two sides that both add an
object where nothing was do merge: their common members have to agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gitexport.model.absent import ABSENT
from gitexport.model.pointer import format_pointer


class Side(str, Enum):
    """Which of three values counts where two changes meet."""

    BASE = "base"
    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that both sides changed, to different values; `ABSENT` where a side has none."""

    pointer: str
    base: object
    ours: object
    theirs: object

    def value(self, side: Side) -> object:
        """Gives the value of one side."""
        return {Side.BASE: self.base, Side.OURS: self.ours, Side.THEIRS: self.theirs}[side]


@dataclass(frozen=True, slots=True)
class FieldMerge:
    """The merged value, `ABSENT` where none is left, and the fields that no rule decides.

    Conflicts stand in the order of their members' names, by code point at every depth.
    """

    value: object
    conflicts: tuple[FieldConflict, ...] = ()


def merge_fields(
    base: object, ours: object, theirs: object, *, prefer: Side = Side.OURS
) -> FieldMerge:
    """Merges what two sides made of a value; at conflicts the merged value holds `prefer`'s.

    What only one side changed is taken, what both changed alike is taken once. Each value may
    be `ABSENT`. No input is changed; the result shares parts with them.
    """
    conflicts: list[FieldConflict] = []
    value = _merge((), (base, ours, theirs), prefer, conflicts)
    return FieldMerge(value, tuple(conflicts))


def same_value(one: object, other: object) -> bool:
    """Tells whether two exactly read JSON values are the same, leaves by type and value."""
    # `True == 1` in Python, also deep inside of lists and dictionaries.
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(one[n], other[n]) for n in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    return one == other


def _merge(
    path: tuple[str, ...],
    values: tuple[object, object, object],
    prefer: Side,
    conflicts: list[FieldConflict],
) -> object:
    base, ours, theirs = values
    if same_value(base, theirs) or same_value(ours, theirs):
        return ours
    if same_value(base, ours):
        return theirs
    before = {} if base is ABSENT else base
    if isinstance(before, dict) and isinstance(ours, dict) and isinstance(theirs, dict):
        merged = {}
        for name in sorted({*before, *ours, *theirs}):
            sides = tuple(side.get(name, ABSENT) for side in (before, ours, theirs))
            value = _merge((*path, name), sides, prefer, conflicts)
            if value is not ABSENT:
                merged[name] = value
        return merged
    conflict = FieldConflict(format_pointer(path), base, ours, theirs)
    conflicts.append(conflict)
    return conflict.value(prefer)
