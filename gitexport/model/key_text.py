"""Keys whose bytes are no text: how they are carried, and how they are shown.

A database that checks no encoding may hold any bytes in a key. Each byte that is no UTF-8
is carried as a lone surrogate, which the key of no document can hold.
"""

from __future__ import annotations

from gitexport.model.ports import Key


def key_part(data: bytes) -> str:
    """Gives the text of a part of a key, whatever its bytes."""
    return data.decode(errors="surrogateescape")


def is_text(part: str) -> bool:
    """Tells whether a part of a key is text, so that a document can have it."""
    return part.isascii() or not any("\ud800" <= char <= "\udfff" for char in part)


def shown_key(key: Key) -> Key:
    r"""Gives a key as it is told to people: bytes that are no text as `\xe4`."""
    return tuple(
        part.encode(errors="surrogateescape").decode(errors="backslashreplace") for part in key
    )
