"""Text from databases and repositories, made harmless for terminals."""

from __future__ import annotations

import re

# C0 and C1 control characters steer terminals; the bidirectional marks reorder what is seen.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BREAKS = re.compile(r"[\s\x85\u2028\u2029]+")


def clean(text: str) -> str:
    """Drops control characters other than line ends and tabs."""
    return _CONTROL.sub("", whole(text))


def escaped(json_text: str) -> str:
    """Escapes control characters in JSON text, where they can only stand inside of strings."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", json_text)


def whole(text: str) -> str:
    """Gives text that is UTF-8: file names as their bytes say, other half pairs as `?`."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()


def one_line(text: str) -> str:
    """Drops control characters and joins lines with a space."""
    return clean(_BREAKS.sub(" ", text)).strip()
