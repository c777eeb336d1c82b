"""`index.json` of an archive, written and read a member at a time.

It is one canonical JSON object, yet neither side ever holds it as a whole: an archive of a
million documents has an index of hundreds of megabytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gitexport.canonical.value import canonical_value, dumps_line, loads
from gitexport.errors import UnsupportedValueError

FORMAT = "gitexport.archive/v1"
INDEX_PATH = "index.json"
SUMMARY_PATH = "export-summary.json"
_BEFORE = b'  "members": [\n'
_AFTER = b"  ]"
_ENTRY_LINES = 5
_HEAD_LINES = 8
_WRITTEN = b',\n    {\n      "path": %s,\n      "sha256": "%s",\n      "size": %d\n    }'
_ENTRY = re.compile(
    rb'    \{\n      "path": ("(?:[^"\\\x00-\x1f]|\\.)*"),\n      "sha256": "([0-9a-f]{64})",\n'
    rb'      "size": (0|[1-9][0-9]{0,11})\n    \}(,?)\n'
)

ReadLine = Callable[[], bytes]
"""Gives the next line of the index with its end."""


class IndexEntry(NamedTuple):
    """What the index says of a member: path, SHA-256 as hex digits, size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class IndexHead:
    """What the index says besides: the commit's id, and the snapshot's tag if it is one."""

    commit: str
    snapshot: str | None

    @property
    def directory(self) -> str:
        """The directory at the top of the archive."""
        return self.snapshot or self.commit


def format_entry(entry: IndexEntry) -> bytes:
    """Writes one member as it stands in the index behind another; see `format_ends`."""
    path = dumps_line(entry.path).rstrip(b"\n")
    return _WRITTEN % (path, entry.sha256.encode(), entry.size)


def format_ends(head: IndexHead) -> tuple[bytes, bytes]:
    """Writes what stands before and behind the members."""
    whole = canonical_value(
        {"commit": head.commit, "format": FORMAT, "members": [], "snapshot": head.snapshot}
    )
    before, after = whole.split(b'  "members": []')
    return before + _BEFORE, b"\n" + _AFTER + after


def read_head(read_line: ReadLine) -> bytes:
    """Reads the lines before the members, and gives them.

    Raises:
        ValueError: This is no index.
    """
    lines: list[bytes] = []
    while len(lines) < _HEAD_LINES:
        lines.append(read_line())
        if lines[-1] == _BEFORE:
            return b"".join(lines)
    message = f"'{INDEX_PATH}' is not an index of members"
    raise ValueError(message)


def read_entries(read_line: ReadLine) -> Iterator[IndexEntry]:
    """Yields the members, and leaves what stands behind them to be read.

    Raises:
        ValueError: A member is not described as `format_entry` does it.
    """
    is_last = False
    while not is_last:
        text = b"".join(read_line() for _ in range(_ENTRY_LINES))
        found = _ENTRY.fullmatch(text)
        if found is None:
            message = f"'{INDEX_PATH}' does not describe its members as it should"
            raise ValueError(message)
        name = found[1]
        # Most names are written as they are.
        path = json.loads(name) if b"\\" in name else name[1:-1].decode()
        yield IndexEntry(path, found[2].decode(), int(found[3]))
        is_last = not found[4]


def read_tail(before: bytes, read_line: ReadLine) -> IndexHead:
    """Reads the lines behind the members, and tells what the index says besides them.

    `before` are the lines that `read_head` gave.

    Raises:
        ValueError: The index is damaged, or of another format.
    """
    lines: list[bytes] = []
    while len(lines) < _HEAD_LINES and (line := read_line()):
        lines.append(line)
    try:
        value = loads(before + b"".join(lines))
    except UnsupportedValueError as error:
        message = f"'{INDEX_PATH}' is not JSON: {error.message}"
        raise ValueError(message) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        message = f"'{INDEX_PATH}' is not of the format '{FORMAT}'"
        raise ValueError(message)
    commit, snapshot = value.get("commit"), value.get("snapshot")
    head = IndexHead(str(commit), None if snapshot is None else str(snapshot))
    if b"".join(format_ends(head)) != before + b"\n" + b"".join(lines):
        message = f"'{INDEX_PATH}' is not in canonical form"
        raise ValueError(message)
    return head
