"""Reads the parts of a JSON value as what they have to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

_Value = TypeVar("_Value")


def without_empty(members: dict[str, object]) -> dict[str, object]:
    """Leaves out members that say nothing: null, false, and what is empty."""
    return {
        name: member
        for name, member in members.items()
        if member is not None and member is not False and member not in ([], {})
    }


def as_mapping(value: object) -> Mapping[str, object]:
    """Gives an object back.

    Raises:
        TypeError: It is none.
    """
    return _checked(value, dict)


def as_sequence(value: object) -> Sequence[object]:
    """Gives an array back.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, (list, tuple)):
        return value
    message = f"{type(value).__name__} is not a list"
    raise TypeError(message)


def as_text(value: object) -> str:
    """Gives a string back.

    Raises:
        TypeError: It is none.
    """
    return _checked(value, str)


def as_optional(value: object) -> str | None:
    """Gives a string or null back.

    Raises:
        TypeError: It is neither.
    """
    return None if value is None else as_text(value)


def as_texts(value: object) -> tuple[str, ...]:
    """Gives an array of strings as a tuple.

    Raises:
        TypeError: It is none.
    """
    return tuple(map(as_text, as_sequence(value)))


def as_number(value: object) -> int:
    """Gives an integer back.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, bool):
        message = "a truth value is not a number"
        raise TypeError(message)
    return _checked(value, int)


def _checked(value: object, kind: type[_Value]) -> _Value:
    if not isinstance(value, kind):
        message = f"{type(value).__name__} is not {kind.__name__}"
        raise TypeError(message)
    return value
