"""One JSON value as PostgreSQL prints it, brought into canonical form.

Values of kind CLEAN cannot hold what a native reader would lose, except integers beyond 64
bits, which the writer refuses: those take the exact way. Values of kind EXACT keep the text of
every number, and are refused where readers of JSON would disagree about them.

orjson sorts members by code point and escapes exactly what canonical form escapes; a
`Fragment` goes into its output unread, so it holds only text that the parser found to be a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain
from typing import cast

import orjson

from gitexport.canonical.reading import (
    MAX_DEPTH,
    decode_text,
    refuse_constant,
    refuse_depth,
    refuse_duplicates,
)
from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import NestedKind

_LAYOUT = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2
_CLEAN, _EXACT = NestedKind.CLEAN, NestedKind.EXACT
_SHAPE = bytearray(b" " * 256)
_SHAPE[ord("0") : ord("9") + 1] = b"0" * 10
for _letter in b".eE":
    _SHAPE[_letter] = ord("e")
_FRACTION = b"0e"
_LONG_INTEGER = b"0" * 19
_DEEP = b"\n" + b"  " * (MAX_DEPTH + 1)
"""Stands in a written list whose values may be too deep: with empty innermost ones they are."""


def canonical_nested(raw: bytes, kind: NestedKind, *, level: int = 1) -> bytes:
    """Writes one JSON value in canonical form, for a place `level` levels deep.

    Lines after the first begin with the spaces of that level; there is no final newline.

    Raises:
        UnsupportedValueError: The text is not JSON, is nested too deeply, or holds a member
            twice or half of a surrogate pair. The message never shows a value.
    """
    refuse_depth(raw, MAX_DEPTH)
    written = _write_clean(raw) if kind is _CLEAN else None
    if written is None:
        written = write_exact(raw)
    # A raw line feed never stands inside a JSON string, so every one is layout.
    return written.replace(b"\n", b"\n" + b"  " * level)


def canonical_batch(
    columns: Sequence[Sequence[bytes]], kinds: Sequence[NestedKind]
) -> list[list[bytes]] | None:
    """Writes all nested values of some rows at once, for places one level deep.

    Each column holds one value of each row; `kinds` are those of the columns. Gives the same
    as `canonical_nested` for each value, several times faster, or None where at least one of
    them has to be looked at alone.
    """
    native: list[int] = []
    slow: list[int] = []
    exact: list[int] = []
    for place, (column, kind) in enumerate(zip(columns, kinds, strict=True)):
        places = exact if kind is _EXACT else slow if _is_lossy(column) else native
        places.append(place)
    pieces: list[list[bytes]] = [[]] * len(columns)
    for places, read in ((native, _read_native), (slow, _read_clean), (exact, _read_exact)):
        if not places:
            continue
        written = _write_list(list(chain.from_iterable(columns[p] for p in places)), read)
        if written is None:
            return None
        rows = len(columns[0])
        for start, place in enumerate(places):
            pieces[place] = written[start * rows : (start + 1) * rows]
    return pieces


def _write_list(raws: Sequence[bytes], read: Callable[[bytes], list[object]]) -> list[bytes] | None:
    """Reads values as one list with a 0 between any two, writes it, and cuts it at the zeros.

    Only elements of the outermost list stand after exactly two spaces, so what looks like a
    zero between two of them is one. PostgreSQL hands in one JSON value in each text; the count
    only tells a text apart that is none.
    """
    try:
        values = read(b"[" + b",0,".join(raws) + b"]")
        if len(values) != 2 * len(raws) - 1:
            return None
        written = orjson.dumps(values, option=_LAYOUT)
    except (TypeError, ValueError, RecursionError, UnsupportedValueError):
        return None
    if _DEEP in written:
        return None
    # From the right, the rarest character of the separator is looked for, not a space.
    return written[len(b"[\n  ") : -len(b"\n]")].rsplit(b",\n  0,\n  ")


def _is_lossy(raws: Sequence[bytes]) -> bool:
    """Tells whether a native reader could lose something of a number in values of kind CLEAN.

    orjson reads integers of up to 18 digits exactly. Longer ones, and numbers with a fraction
    or an exponent, show in a copy of the text that has only one digit and one letter.
    """
    shape = b",".join(raws).translate(_SHAPE)
    return shape.rfind(_FRACTION) >= 0 or _LONG_INTEGER in shape


def _read_native(data: bytes) -> list[object]:
    return cast("list[object]", orjson.loads(data))


def _read_clean(data: bytes) -> list[object]:
    return cast("list[object]", _CLEAN_READER.decode(str(data, "utf-8")))


def _read_exact(data: bytes) -> list[object]:
    return cast("list[object]", _EXACT_READER.decode(str(data, "utf-8")))


def write_exact(data: bytes) -> bytes:
    """Writes JSON text in canonical form without a final newline, numbers digit for digit.

    The caller has checked the depth.

    Raises:
        UnsupportedValueError: The text cannot be held exactly.
    """
    value = decode_text(data, _EXACT_READER)
    try:
        return orjson.dumps(value, option=_LAYOUT)
    except TypeError as error:
        message = "holds half of a surrogate pair, which is no character"
        raise UnsupportedValueError(message) from error


def _write_clean(raw: bytes) -> bytes | None:
    """Writes a value of kind CLEAN; None where only the exact way can, or can tell why not."""
    try:
        read = _read_clean if _is_lossy([raw]) else _read_native
        return orjson.dumps(read(raw), option=_LAYOUT)
    except (TypeError, ValueError):
        # TypeError: an integer beyond 64 bits; ValueError: one beyond 4,300 digits, or no JSON.
        return None


_CLEAN_READER = json.JSONDecoder(parse_float=orjson.Fragment, parse_constant=refuse_constant)
_EXACT_READER = json.JSONDecoder(
    parse_float=orjson.Fragment,
    parse_int=orjson.Fragment,
    parse_constant=refuse_constant,
    object_pairs_hook=refuse_duplicates,
)
