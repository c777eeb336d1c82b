r"""Texts and names as SQL that reads the same everywhere, and in which nothing hides.

Text with control characters or marks that reorder what is seen is written with escapes
(`E'\n'`), so that a statement stays on one line and shows what it does, and nothing is lost
where such characters are kept from a terminal.

Source: PostgreSQL documentation, "Lexical Structure".
"""

from __future__ import annotations

import re

from gitexport.errors import UnsupportedValueError

HIDDEN = (
    "\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
"""Characters that steer terminals, reorder text or are not seen, for a set in a pattern."""

_ESCAPED = re.compile(f"[\x00-\x1f{HIDDEN}]")
_SHORT_ESCAPES = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONGEST_SHORT = 0xFFFF


def quote_text(text: str) -> str:
    """Writes a string literal that reads the same under every setting of the server.

    Raises:
        UnsupportedValueError: The text holds U+0000, which PostgreSQL does not have.
    """
    if "\x00" in text:
        message = "holds U+0000, which PostgreSQL does not have"
        raise UnsupportedValueError(message)
    quoted = text.replace("'", "''")
    if "\\" not in text and not _ESCAPED.search(text):
        return f"'{quoted}'"
    return "E'" + _ESCAPED.sub(_escape, quoted.replace("\\", "\\\\")) + "'"


def quote_name(name: str) -> str:
    """Writes an identifier, always in quotes: new versions reserve new words."""
    quoted = name.replace('"', '""')
    if not _ESCAPED.search(name):
        return f'"{quoted}"'
    plain = quoted.replace("\\", "\\\\")
    return 'U&"' + _ESCAPED.sub(lambda found: f"\\+{ord(found[0]):06x}", plain) + '"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    code = ord(char)
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    return f"\\u{code:04x}" if code <= _LONGEST_SHORT else f"\\U{code:08x}"
