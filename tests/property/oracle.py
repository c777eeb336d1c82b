"""Canonical form written a second time, slowly and plainly, to hold the product against."""

from __future__ import annotations

import json
from dataclasses import dataclass

SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Number:
    """The text of a number."""

    text: str


class RefusedError(Exception):
    """The text cannot be held."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise RefusedError
    return dict(pairs)


def _constant(name: str) -> object:
    raise RefusedError(name)


def read(text: str) -> object:
    """Reads JSON, keeping the text of every number."""
    return json.loads(
        text,
        parse_int=Number,
        parse_float=Number,
        parse_constant=_constant,
        object_pairs_hook=_once,
    )


def string(text: str) -> str:
    """Writes a string."""
    out = []
    for char in text:
        if "\ud800" <= char <= "\udfff":
            raise RefusedError
        if char in SHORT:
            out.append(SHORT[char])
        elif char < " ":
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def dump(value: object, level: int = 0) -> str:
    """Writes what `read` gave, a value at a depth."""
    inner, outer = "\n" + "  " * (level + 1), "\n" + "  " * level
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value.text
    if isinstance(value, str):
        return string(value)
    if isinstance(value, list):
        elements = [dump(element, level + 1) for element in value]
        return "[" + inner + ("," + inner).join(elements) + outer + "]" if elements else "[]"
    if isinstance(value, dict):
        members = [
            f"{string(name)}: {dump(value[name], level + 1)}"
            for name in sorted(value, key=lambda name: [ord(char) for char in name])
        ]
        return "{" + inner + ("," + inner).join(members) + outer + "}" if members else "{}"
    raise AssertionError(value)


def canonical(text: str) -> bytes:
    """Writes JSON text as a canonical file."""
    return (dump(read(text)) + "\n").encode()
