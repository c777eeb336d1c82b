"""One JSON value as PostgreSQL prints it, brought into canonical form.

Values of kind CLEAN cannot hold what a native reader would lose, except integers beyond 64
bits, which the writer refuses: those take the exact way. Values of kind EXACT keep the text of
every number, and are refused where readers of JSON would disagree about them.

orjson sorts members by code point and escapes exactly what canonical form escapes; a
`Fragment` goes into its output unread, so it holds only text that the parser found to be a number.
"""

from __future__ import annotations

import codecs
import json
from itertools import accumulate
from typing import NoReturn, TypeVar

import orjson

from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import NestedKind

MAX_DEPTH = 100
"""How deep arrays and objects may be nested in one column's value."""

_LAYOUT = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2
_BREAKS = tuple(b"\n" + b"  " * level for level in range(4))
_TRIVIAL = {text: text for text in (b"null", b"true", b"false", b"[]", b"{}")}
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)
_NAME_SHOWN = 60
T = TypeVar("T")


def canonical_nested(raw: bytes, kind: NestedKind, *, level: int = 1) -> bytes:
    """Writes one JSON value in canonical form, for a place `level` levels deep.

    Lines after the first begin with the spaces of that level; there is no final newline.

    Raises:
        UnsupportedValueError: The text is not JSON, is nested too deeply, or holds a member
            twice or half of a surrogate pair. The message never shows a value.
    """
    trivial = _TRIVIAL.get(raw)
    if trivial is not None:
        return trivial
    if kind is NestedKind.CLEAN and len(raw) <= MAX_DEPTH:
        written = _write_clean(raw)
    else:
        refuse_depth(raw, MAX_DEPTH)
        written = _write_clean(raw) if kind is NestedKind.CLEAN else None
    if written is None:
        written = write_exact(raw)
    # A raw line feed never stands inside a JSON string, so every one is layout.
    return written.replace(b"\n", _BREAKS[level]) if level else written


def write_exact(data: bytes) -> bytes:
    """Writes JSON text in canonical form without a final newline, numbers digit for digit.

    The caller has checked the depth.

    Raises:
        UnsupportedValueError: The text cannot be held exactly.
    """
    value = decode_text(data, _EXACT)
    try:
        return orjson.dumps(value, option=_LAYOUT)
    except TypeError as error:
        message = "holds half of a surrogate pair, which is no character"
        raise UnsupportedValueError(message) from error


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
    if data.count(b"[") + data.count(b"{") > limit and depth(data) > limit:
        message = f"is nested deeper than {limit} levels"
        raise UnsupportedValueError(message)


def depth(data: bytes) -> int:
    """Counts how deep brackets are nested, those inside of strings left out."""
    # Without escaped backslashes and then escaped quotes, every second piece between
    # quotes is a string.
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(plain.split(b'"')[::2]).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _write_clean(raw: bytes) -> bytes | None:
    """Writes a value of kind CLEAN; None where only the exact way can, or can tell why not."""
    try:
        text = str(raw, "utf-8")
        value, end = _CLEAN.raw_decode(text)
        # TypeError: an integer beyond 64 bits; ValueError: one beyond 4,300 digits, or no JSON.
        return orjson.dumps(value, option=_LAYOUT) if end == len(text) else None
    except (TypeError, ValueError):
        return None


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


_CLEAN = json.JSONDecoder(parse_float=orjson.Fragment, parse_constant=refuse_constant)
_EXACT = json.JSONDecoder(
    parse_float=orjson.Fragment,
    parse_int=orjson.Fragment,
    parse_constant=refuse_constant,
    object_pairs_hook=refuse_duplicates,
)
