"""A document from a row's text.

The source compiles one SELECT for a relation. It writes the top level of the document in
canonical form, `opening` before each value and `CLOSING` after the last; values that may
hold JSON of any shape stand between two marks and are canonicalised here. A raw U+0001 never
occurs in JSON text, so it marks them safely.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain, pairwise

import orjson

from gitexport.canonical.nested import canonical_batch, canonical_nested
from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import NestedKind

MARK = b"\x01"
CLOSING = b"\n}\n"
EMPTY_DOCUMENT = b"{}\n"
_BATCH_BYTES = 1 << 20
"""Above this size a copy of everything costs more than it saves."""


def assemble(text: bytes, nested: Sequence[NestedKind]) -> bytes:
    """Makes the canonical document of a row from its text and the kinds of its nested values.

    Raises:
        UnsupportedValueError: A nested value cannot be held; `where` is its column's name.
        ValueError: The text does not hold as many nested values as there are kinds.
    """
    parts = text.split(MARK)
    if len(parts) != 2 * len(nested) + 1:
        message = f"a row's text holds {len(parts) - 1} marks for {len(nested)} nested values"
        raise ValueError(message)
    if not nested:
        return text
    columns = [[raw] for raw in parts[1::2]]
    written = canonical_batch(columns, nested) if len(text) <= _BATCH_BYTES else None
    parts[1::2] = _one_by_one(parts, nested) if written is None else chain.from_iterable(written)
    return b"".join(parts)


def assemble_all(texts: Sequence[bytes], nested: Sequence[NestedKind]) -> list[bytes] | None:
    """Makes the documents of several rows of one relation, as `assemble` does, faster.

    Gives None where one of them has to be looked at alone.
    """
    if not nested:
        return None if any(MARK in text for text in texts) else list(texts)
    if sum(map(len, texts)) > _BATCH_BYTES:
        return None
    # Between two rows stands one part more, an empty one.
    parts = (MARK + MARK).join(texts).split(MARK)
    size = 2 * len(nested) + 2
    if len(parts) != size * len(texts) - 1:
        return None
    places = range(1, size - 1, 2)
    written = canonical_batch([parts[place::size] for place in places], nested)
    if written is None:
        return None
    for place, column in zip(places, written, strict=True):
        parts[place::size] = column
    return [b"".join(parts[start : start + size]) for start in range(0, len(parts), size)]


def _one_by_one(parts: Sequence[bytes], nested: Sequence[NestedKind]) -> list[bytes]:
    """Canonicalises each nested value alone, and names the column of one that is refused."""
    written: list[bytes] = []
    try:
        for raw, kind in zip(parts[1::2], nested, strict=True):
            written.append(canonical_nested(raw, kind))
    except UnsupportedValueError as error:
        error.where = _column(parts[2 * len(written)])
        raise
    return written


def member_prefix(name: str) -> str:
    """Writes a member's name as it stands before its value, `"name": `."""
    return str(orjson.dumps(name), "utf-8") + ": "


def opening(names: Sequence[str]) -> list[bytes]:
    """Gives the bytes that stand before the value of each member, `CLOSING` comes last.

    Without names there is nothing to open: the document is `EMPTY_DOCUMENT`.

    Raises:
        ValueError: The names are not sorted by code point, or one occurs twice.
    """
    if any(first >= second for first, second in pairwise(names)):
        message = "the members of a document have to be sorted by code point, each once"
        raise ValueError(message)
    return [
        ((",\n  " if place else "{\n  ") + member_prefix(name)).encode()
        for place, name in enumerate(names)
    ]


def _column(before: bytes) -> str:
    """Reads the name of the member whose value follows some text of a document."""
    prefix = before.rpartition(b"\n  ")[2]
    return str(json.loads(prefix[: prefix.rindex(b":")]))
