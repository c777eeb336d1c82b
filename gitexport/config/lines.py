"""Where each key of a TOML text stands, so that an error can name its line.

Only for texts that a TOML parser has accepted: the scanner trusts the syntax and keeps
track of headers, strings and brackets. Source: TOML 1.0.0, https://toml.io/en/v1.0.0.
"""

from __future__ import annotations

import re
import tomllib

_LITERAL = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")'
    r"|'''.*?'''(?!')"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*",
    re.DOTALL,
)
_STOP = re.compile(r"[\"'#\[\]{}\n]")

KeyPath = tuple[str, ...]


def key_lines(text: str) -> dict[KeyPath, int]:
    """Maps the path of every table and of every key outside inline tables to its line.

    Lines count from 1. A table that is only implied by its children gets the line of its
    first child.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    position = 0
    while position < len(text):
        start = _skip_blank(text, position)
        if start >= len(text):
            break
        line = text.count("\n", 0, start) + 1
        if text[start] == "[":
            position = _end_of_value(text, start)
            header = _without_comment(text[start:position]).strip().strip("[]")
            table = _decode_path(header)
            _note(lines, table, line)
        else:
            equals = _find_equals(text, start)
            _note(lines, table + _decode_path(text[start:equals]), line)
            position = _end_of_value(text, equals + 1)
    return lines


def nearest_line(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """Finds the line of a key, or of the nearest table around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _note(lines: dict[KeyPath, int], path: KeyPath, line: int) -> None:
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], line)


def _skip_blank(text: str, position: int) -> int:
    while position < len(text):
        if text[position] in " \t\r\n":
            position += 1
        elif text[position] == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        else:
            break
    return position


def _find_equals(text: str, position: int) -> int:
    while text[position] != "=":
        literal = _LITERAL.match(text, position)
        position = literal.end() if literal else position + 1
    return position


def _end_of_value(text: str, position: int) -> int:
    """Finds the line end that closes the value or header which begins at `position`."""
    depth = 0
    while True:
        stop = _STOP.search(text, position)
        if stop is None:
            return len(text)
        char = stop.group()
        position = stop.end()
        if char == "\n" and depth == 0:
            return position
        if char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char != "\n":
            literal = _LITERAL.match(text, stop.start())
            position = literal.end() if literal else position


def _without_comment(header: str) -> str:
    kept, position = [], 0
    for literal in _LITERAL.finditer(header):
        kept.append(header[position : literal.start()])
        if not literal.group().startswith("#"):
            kept.append(literal.group())
        position = literal.end()
    return "".join(kept) + header[position:]


def _decode_path(text: str) -> KeyPath:
    value: object = tomllib.loads(f"{text.strip()} = 0")
    path = []
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        path.append(name)
    return tuple(path)
