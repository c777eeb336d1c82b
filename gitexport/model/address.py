r"""Addresses: the text by which people name entities, documents and fields.

    users                       an entity
    users:42                    the document of a key
    order_details:10248,11      of a key of two columns
    users:4*                    of all keys that a glob matches
    users:42#/address/city      a field, by its JSON Pointer (RFC 6901)

Key parts are plain text: `*` matches any run of characters, `,` parts, `#` begins the pointer,
and a backslash before `, # * \` takes their meaning away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitexport.errors import UsageError
from gitexport.model.pointer import is_within, parse_pointer
from gitexport.model.ports import Key

_SPECIAL = frozenset(",#*\\")
_FORMS = "as in users, users:42, order_details:10248,11 or users:42#/address/city"


@dataclass(frozen=True, slots=True)
class KeyPart:
    """The text of one key column; the pieces of a glob stand between its wildcards."""

    pieces: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Tells whether the part matches one text only."""
        return len(self.pieces) == 1

    def matches(self, text: str) -> bool:
        """Tells whether a key's text is meant."""
        pattern = ".*".join(map(re.escape, self.pieces))
        return re.fullmatch(pattern, text, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address. `parts` is None for a whole entity, `pointer` for a whole document."""

    entity: str
    parts: tuple[KeyPart, ...] | None = None
    pointer: str | None = None

    @property
    def key(self) -> Key | None:
        """The key, where the address names exactly one document."""
        if self.parts is None or not all(part.is_exact for part in self.parts):
            return None
        return tuple(part.pieces[0] for part in self.parts)

    def matches(self, key: Key) -> bool:
        """Tells whether a document of the entity is meant."""
        if self.parts is None:
            return True
        return len(self.parts) == len(key) and all(
            part.matches(text) for part, text in zip(self.parts, key, strict=True)
        )

    def covers(self, pointer: str) -> bool:
        """Tells whether a field of a document that matches is meant, or holds what is meant."""
        if not self.pointer:
            return True
        return is_within(pointer, self.pointer) or is_within(self.pointer, pointer)

    def __str__(self) -> str:
        text = self.entity
        if self.parts is not None:
            parts = ["*".join(map(_escape, part.pieces)) for part in self.parts]
            text += ":" + ",".join(parts)
        return text if self.pointer is None else f"{text}#{self.pointer}"


def parse_address(text: str) -> Address:
    """Parses an address.

    Raises:
        UsageError: The text is not an address.
    """
    entity, colon, rest = text.partition(":")
    if not colon:
        entity, sharp, rest = text.partition("#")
        return Address(_entity(entity, text), None, _pointer(rest, text) if sharp else None)
    parts, after = _split_key(rest, text)
    pointer = None if after is None else _pointer(after, text)
    return Address(_entity(entity, text), parts, pointer)


def format_address(entity: str, key: Key) -> str:
    """Writes the address of one document."""
    return str(Address(entity, tuple(KeyPart((text,)) for text in key)))


def _split_key(rest: str, text: str) -> tuple[tuple[KeyPart, ...], str | None]:
    """Reads key parts up to the pointer, which comes back unread."""
    parts: list[list[str]] = [[""]]
    at = 0
    while at < len(rest):
        char = rest[at]
        at += 1
        if char == "\\":
            if rest[at : at + 1] not in _SPECIAL or at == len(rest):
                message = f"'{text}' is not an address: a backslash stands before , # * or \\ only"
                raise UsageError(message, where=text, hint="write a backslash as \\\\")
            parts[-1][-1] += rest[at]
            at += 1
        elif char == ",":
            parts.append([""])
        elif char == "*":
            parts[-1].append("")
        elif char == "#":
            return _parts(parts), rest[at:]
        else:
            parts[-1][-1] += char
    return _parts(parts), None


def _parts(parts: list[list[str]]) -> tuple[KeyPart, ...]:
    return tuple(KeyPart(tuple(pieces)) for pieces in parts)


def _entity(name: str, text: str) -> str:
    if not name:
        message = f"'{text}' is not an address: it names no entity"
        raise UsageError(message, where=text, hint=_FORMS)
    return name


def _pointer(pointer: str, text: str) -> str:
    try:
        parse_pointer(pointer)
    except ValueError as error:
        message = f"'{text}' is not an address: {error}"
        hint = "as in #/address/city; ~0 is ~ and ~1 is /"
        raise UsageError(message, where=text, hint=hint) from error
    return pointer


def _escape(piece: str) -> str:
    return "".join("\\" + char if char in _SPECIAL else char for char in piece)
