r"""A document as lines, one for each field, as `git diff` shows them.

    /address/city: "Rome"
    /tags/0: "new"
    /about: "first line\n
        second line"

Each line names its field by the JSON Pointer, so that a change says by itself what changed. Two
documents with different values never give the same lines. Strings keep JSON's escapes, and
characters that steer a terminal are escaped, too; after a line break a string goes on indented.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gitexport.canonical.reading import (
    MAX_FILE_DEPTH,
    decode_text,
    refuse_constant,
    refuse_depth,
    refuse_duplicates,
)
from gitexport.errors import UnsupportedValueError
from gitexport.model.pointer import format_pointer

LARGEST_BYTES = 1_000_000
"""Larger files are shown as they are."""

# C1 control characters and DEL steer terminals; the bidirectional marks reorder what is seen.
_STEERING = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_GOES_ON = "\\n\n    "


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


# git starts a program for each file, so that this module loads as little as it can.
_READER = json.JSONDecoder(
    parse_float=_Number,
    parse_int=_Number,
    parse_constant=refuse_constant,
    object_pairs_hook=refuse_duplicates,
)


def field_lines(data: bytes) -> bytes:
    """Writes JSON as lines of fields; what is no JSON, or too large, comes back as it is."""
    if len(data) > LARGEST_BYTES:
        return data
    try:
        refuse_depth(data, MAX_FILE_DEPTH)
        value = decode_text(data, _READER)
    except UnsupportedValueError:
        return data
    return "".join(_lines((), value)).encode("utf-8", "backslashreplace")


def _lines(path: tuple[str | int, ...], value: object) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name in sorted(value):
            yield from _lines((*path, name), value[name])
    elif isinstance(value, list) and value:
        for index, element in enumerate(value):
            yield from _lines((*path, index), element)
    else:
        pointer = json.dumps(format_pointer(path), ensure_ascii=False)[1:-1]
        yield f"{_harmless(pointer)}: {_leaf(value)}\n"


def _leaf(value: object) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, str):
        parts = [json.dumps(part, ensure_ascii=False)[1:-1] for part in value.split("\n")]
        return f'"{_harmless(_GOES_ON.join(parts))}"'
    return json.dumps(value)


def _harmless(text: str) -> str:
    return _STEERING.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
