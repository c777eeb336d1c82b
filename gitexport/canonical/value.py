"""JSON values of gitexport's own making (manifest, relations, command output), and exact reading.

Numbers that Python's integers do not hold exactly as written stay text, as `ExactNumber`.
Floating point numbers are no values here: their value does not settle their text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union, cast

import orjson

from gitexport.canonical.reading import (
    MAX_FILE_DEPTH,
    decode_text,
    refuse_constant,
    refuse_depth,
    refuse_duplicates,
)

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_INTEGER_DIGITS = 4300
_NATIVE = range(-(2**63), 2**64)
_LAYOUT = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2
_LINE = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
_UNSORTED_LINE = orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True)
class ExactNumber:
    """A JSON number as it is written: `1.10`, `1e400` and `-0` stay what they are.

    Two are equal when their texts are.

    Raises:
        ValueError: The text is not a JSON number.
    """

    text: str

    def __post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.text):
            message = "the text is not a JSON number"
            raise ValueError(message)

    def __str__(self) -> str:
        return self.text


JsonValue: TypeAlias = Union[  # noqa: UP007 - a recursive alias needs the quoted form
    bool, int, str, ExactNumber, Sequence["JsonValue"], Mapping[str, "JsonValue"], None
]
"""What canonical JSON holds. Reading gives lists and dictionaries."""


def canonical_value(value: JsonValue) -> bytes:
    """Writes a value as a canonical file, with its final newline.

    Raises:
        TypeError: The value is, or holds, something that is not a JSON value.
        ValueError: A string holds half of a surrogate pair.
    """
    return orjson.dumps(_writable(value), option=_LAYOUT) + b"\n"


def dumps_line(value: JsonValue, *, is_sorted: bool = True) -> bytes:
    """Writes a value on one line with its final newline, without spaces.

    Members are sorted, or stay in the order in which they are.

    Raises:
        TypeError: The value is, or holds, something that is not a JSON value.
        ValueError: A string holds half of a surrogate pair.
    """
    return orjson.dumps(_writable(value), option=_LINE if is_sorted else _UNSORTED_LINE)


def loads(data: bytes, *, max_depth: int = MAX_FILE_DEPTH) -> JsonValue:
    """Reads JSON text exactly: integers as `int`, every other number as `ExactNumber`.

    `-0` and integers of more than 4,300 digits are `ExactNumber`, too, so that writing what
    was read gives the same numbers.

    Raises:
        UnsupportedValueError: The text is not JSON or cannot be held exactly.
    """
    refuse_depth(data, max_depth)
    return cast("JsonValue", decode_text(data, _READER))


def _read_integer(text: str) -> int | ExactNumber:
    if len(text) > _INTEGER_DIGITS or text == "-0":
        return ExactNumber(text)
    return int(text)


def _writable(value: object) -> object:
    """Copies a value into what orjson writes exactly."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
        return value
    if isinstance(value, int):
        return value if value in _NATIVE else orjson.Fragment(str(value))
    if isinstance(value, ExactNumber):
        return orjson.Fragment(value.text)
    if isinstance(value, Mapping):
        return {_name(name): _writable(member) for name, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [_writable(element) for element in value]
    message = f"{type(value).__name__} is not a JSON value"
    raise TypeError(message)


def _name(name: object) -> str:
    if not isinstance(name, str):
        message = f"{type(name).__name__} is not the name of a member"
        raise TypeError(message)
    name.encode()
    return name


_READER = json.JSONDecoder(
    parse_float=ExactNumber,
    parse_int=_read_integer,
    parse_constant=refuse_constant,
    object_pairs_hook=refuse_duplicates,
)
