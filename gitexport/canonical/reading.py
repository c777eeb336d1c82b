"""Reading JSON text strictly: what readers disagree about is refused, with a reason.

The standard decoder does the reading, as it hands out the text of numbers; everything it
accepts beyond RFC 8259 is refused here.
"""

from __future__ import annotations

import codecs
import json
from itertools import accumulate
from typing import NoReturn, TypeVar

from gitexport.errors import UnsupportedValueError

MAX_DEPTH = 100
"""How deep arrays and objects may be nested in one column's value."""
MAX_FILE_DEPTH = MAX_DEPTH + 2
"""A file holds rows, or one list of rows, whose values may be as deep as `MAX_DEPTH`."""

T = TypeVar("T")
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)
_NAME_SHOWN = 60


def decode_text(data: bytes, decoder: json.JSONDecoder) -> object:
    """Reads JSON text with a decoder of the caller's.

    Raises:
        UnsupportedValueError: The text is not JSON in UTF-8, or the decoder refused it.
    """
    if data.startswith(codecs.BOM_UTF8):
        message = "begins with a byte order mark"
        raise UnsupportedValueError(message)
    try:
        return decoder.decode(str(data, "utf-8"))
    except UnicodeDecodeError as error:
        message = "is not UTF-8"
        raise UnsupportedValueError(message) from error
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:].rstrip(": ")
        message = f"is not JSON: {reason} at line {error.lineno} column {error.colno}"
        raise UnsupportedValueError(message) from error


def refuse_depth(data: bytes, limit: int) -> None:
    """Checks that brackets outside of strings are nested at most `limit` deep.

    Needs no parser, so that no input exhausts the stack of one.

    Raises:
        UnsupportedValueError: They are nested deeper.
    """
    if len(data) > limit and data.count(b"[") + data.count(b"{") > limit and depth(data) > limit:
        message = f"is nested deeper than {limit} levels"
        raise UnsupportedValueError(message)


def depth(data: bytes) -> int:
    """Counts how deep brackets are nested, those inside of strings left out."""
    # Without escaped backslashes and then escaped quotes, every second piece between
    # quotes is a string.
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(plain.split(b'"')[::2]).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def refuse_constant(name: str) -> NoReturn:
    """Refuses `NaN` and the infinities, which Python would read and JSON does not have.

    Raises:
        UnsupportedValueError: Always.
    """
    message = f"is not JSON: {name} is not a number"
    raise UnsupportedValueError(message)


def refuse_duplicates(pairs: list[tuple[str, T]]) -> dict[str, T]:
    """Makes a dictionary of an object's members.

    Raises:
        UnsupportedValueError: Two have the same name.
    """
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    shown = ascii(name[:_NAME_SHOWN])
    message = f"holds the member {shown} twice, of which readers keep only one"
    raise UnsupportedValueError(message)
