"""JSON Pointers (RFC 6901): `/address/city`, `/tags/0`; the empty one names the whole value.

Paths are tuples of member names and indexes. A parsed pointer holds texts only: whether
`0` is a name or an index depends on the value that it is followed into.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gitexport.model.absent import ABSENT

Path = tuple[str | int, ...]
"""The way from a value to one inside of it."""

_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


def format_pointer(path: Sequence[str | int]) -> str:
    """Writes the pointer of member names and indexes."""
    return "".join("/" + str(name).replace("~", "~0").replace("/", "~1") for name in path)


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Reads a pointer into its unescaped parts.

    Raises:
        ValueError: The text is not a JSON Pointer.
    """
    if not _POINTER.fullmatch(pointer):
        message = f"'{pointer}' is not a JSON Pointer"
        raise ValueError(message)
    parts = pointer.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def is_within(pointer: str, other: str) -> bool:
    """Tells whether a pointer names what another one names, or something inside of that."""
    return pointer == other or pointer.startswith(other + "/")


def get(value: object, path: Sequence[str | int]) -> object:
    """Gives what stands at a path, `ABSENT` where nothing does."""
    for name in path:
        if isinstance(value, dict):
            value = value.get(str(name), ABSENT)
        elif isinstance(value, list):
            index = array_index(name)
            value = ABSENT if index is None or index >= len(value) else value[index]
        else:
            return ABSENT
    return value


def put(value: object, path: Sequence[str | int], new: object) -> object:
    """Gives a copy with another value at a path; `ABSENT` takes the member or element away.

    Members are added where they are missing, an element only right after the last one. What
    is not on the path is shared with the original, which stays as it is.

    Raises:
        LookupError: Nothing can stand at the path, because what should hold it is missing or
            is neither object nor array, or because the element to take away is not there.
    """
    if not path:
        return new
    name, rest = path[0], path[1:]
    if isinstance(value, dict):
        return _put_member(value, str(name), rest, new)
    if isinstance(value, list):
        return _put_element(value, array_index(name), rest, new)
    message = f"nothing can stand at '{format_pointer(path)}'"
    raise LookupError(message)


def array_index(name: str | int) -> int | None:
    """Reads a part of a pointer as an index: digits without leading zeros. None if it is none."""
    if isinstance(name, int):
        return name if name >= 0 else None
    return int(name) if _INDEX.fullmatch(name) else None


def _put_member(
    value: dict[str, object], name: str, rest: Sequence[str | int], new: object
) -> dict[str, object]:
    member = put(value.get(name, ABSENT), rest, new)
    if member is ABSENT:
        return {other: inner for other, inner in value.items() if other != name}
    return {**value, name: member}


def _put_element(
    value: list[object], index: int | None, rest: Sequence[str | int], new: object
) -> list[object]:
    end = len(value)
    if index is None or index > end or (index == end and new is ABSENT):
        message = f"an array of {end} elements has none at '{index}'"
        raise LookupError(message)
    element = put(value[index] if index < end else ABSENT, rest, new)
    return [*value[:index], *([] if element is ABSENT else [element]), *value[index + 1 :]]
