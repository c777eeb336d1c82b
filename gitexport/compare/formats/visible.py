"""Values as JSON text in which nothing hides: what pages show of the data of strangers.

Characters that steer terminals or reorder what is seen are written as the escapes of JSON,
which only ever stand inside of strings, so the text stays exact. Strings keep their quotes: no
value begins with a character that a spreadsheet takes for a formula, and 1 is not "1".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from gitexport.canonical.value import JsonValue, canonical_value, dumps_line
from gitexport.compare.changed_document import ChangedDocument
from gitexport.model.changeset import ABSENT
from gitexport.model.sql_text import HIDDEN

_HIDDEN = re.compile(f"[{HIDDEN}]")
_PLAIN = re.compile(r"[\w./:+~-]+", re.ASCII)
_BASIC_PLANE = 0xFFFF


def json_text(value: object, *, is_pretty: bool = False) -> str:
    """Writes a value as JSON; nothing for an absent one. Pretty ones have a line for each part."""
    if value is ABSENT:
        return ""
    write = canonical_value if is_pretty else dumps_line
    return visible(write(cast("JsonValue", value)).decode().rstrip("\n"))


def visible(text: str) -> str:
    r"""Writes hidden characters of JSON text as `\u` and four hex digits."""
    return _HIDDEN.sub(_escaped, text)


def name_text(name: str) -> str:
    """Writes a name as it is where it is plain, otherwise as a JSON string."""
    return name if _PLAIN.fullmatch(name) else json_text(name)


def document_name(document: ChangedDocument) -> str:
    """Gives the key, after the old one where it changed, or the path where it is not known."""
    change = document.change
    if change.key is None:
        return name_text(change.path)
    new = _key_text(change.key)
    return new if change.old_key is None else f"{_key_text(change.old_key)} → {new}"


def shortened(text: str, most: int) -> str:
    """Cuts a text and says how long it was."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


@dataclass(frozen=True, slots=True)
class Parts:
    """A text that differs from another in its middle alone."""

    before: str
    middle: str
    after: str


def differing_parts(old: str, new: str) -> tuple[Parts, Parts]:
    """Parts two texts into what both begin with, what differs, and what both end with."""
    shortest = min(len(old), len(new))
    start = 0
    while start < shortest and old[start] == new[start]:
        start += 1
    end = 0
    while end < shortest - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return _parts(old, start, end), _parts(new, start, end)


def _parts(text: str, start: int, end: int) -> Parts:
    return Parts(text[:start], text[start : len(text) - end], text[len(text) - end :])


def _key_text(key: tuple[str, ...]) -> str:
    return ",".join(map(name_text, key))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= _BASIC_PLANE:
        return f"\\u{code:04x}"
    offset = code - 0x10000
    return f"\\u{0xD800 + (offset >> 10):04x}\\u{0xDC00 + (offset & 0x3FF):04x}"
