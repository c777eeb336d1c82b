"""Other values for members of a document, without reading the rest of it."""

from __future__ import annotations

from collections.abc import Mapping

from gitexport.canonical.encode import member_prefix
from gitexport.canonical.value import canonical_value, loads
from gitexport.errors import UnsupportedValueError


def member_prefixes(names: tuple[str, ...]) -> dict[str, bytes]:
    """Gives what stands before each member's value in a canonical document."""
    return {name: b"\n  " + member_prefix(name).encode() for name in names}


def with_members(
    document: bytes, values: Mapping[str, bytes], prefixes: Mapping[str, bytes]
) -> bytes:
    """Gives a canonical document with other values for some of its members.

    `values` are JSON texts of plain values, `prefixes` those of `member_prefixes`. Members
    that the document lacks stay away.

    Raises:
        UnsupportedValueError: The document is no object.
    """
    for name, value in values.items():
        # Only members of the top level follow a line end and two spaces.
        prefix = prefixes[name]
        start = document.find(prefix)
        if start < 0:
            continue
        start += len(prefix)
        end = document.index(b"\n", start)
        if document[start : start + 1] in {b"[", b"{"} or value[:1] in {b"[", b"{"}:
            document = _rewritten(document, name, value)
            continue
        end -= document[end - 1 : end] == b","
        document = document[:start] + value + document[end:]
    return document


def _rewritten(document: bytes, name: str, value: bytes) -> bytes:
    members = loads(document)
    if not isinstance(members, dict):
        message = "is no object"
        raise UnsupportedValueError(message)
    return canonical_value({**members, name: loads(value)})
