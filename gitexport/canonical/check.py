"""Whether bytes are in canonical form, and any JSON text brought into it."""

from __future__ import annotations

from gitexport.canonical.locate import line_of_fault
from gitexport.canonical.nested import write_exact
from gitexport.canonical.reading import MAX_FILE_DEPTH, refuse_depth
from gitexport.errors import NotCanonicalError, UnsupportedValueError


def canonical_json(data: bytes) -> bytes:
    """Writes any JSON text as a canonical file, every number digit for digit.

    Raises:
        UnsupportedValueError: The bytes are not JSON in UTF-8, or cannot be held exactly.
    """
    refuse_depth(data, MAX_FILE_DEPTH)
    return write_exact(data) + b"\n"


def is_canonical(data: bytes) -> bool:
    """Tells whether a file is in canonical form."""
    try:
        return canonical_json(data) == data
    except UnsupportedValueError:
        return False


def check(data: bytes) -> None:
    """Checks that a file is in canonical form.

    Raises:
        NotCanonicalError: It is not; the message names the first line at fault and the reason.
    """
    try:
        expected = canonical_json(data)
    except UnsupportedValueError as error:
        line = line_of_fault(data, MAX_FILE_DEPTH)
        message = f"line {line}: {error.message}"
        raise NotCanonicalError(message) from error
    if expected != data:
        raise NotCanonicalError(_first_difference(data, expected))


def _first_difference(data: bytes, expected: bytes) -> str:
    lines, wanted = data.split(b"\n"), expected.split(b"\n")
    pairs = zip(lines, wanted, strict=False)
    at = next((place for place, (is_, be) in enumerate(pairs) if is_ != be), None)
    if at is None:
        at = min(len(lines), len(wanted)) - 1
        return f"line {at + 1}: {_END_MISSING if len(lines) < len(wanted) else _END_EXTRA}"
    return f"line {at + 1}: {_reason(lines[at], wanted[at])}"


def _reason(line: bytes, wanted: bytes) -> str:
    """Says what kind of difference two unequal lines show."""
    if line.rstrip(b"\r") == wanted:
        return "it ends with CR LF instead of LF"
    if line.strip() == wanted.strip():
        return "the spaces are not those of canonical form"
    if _same_json(line, wanted):
        return "spaces or escapes are not those of canonical form"
    if line.startswith(b" ") and _name(line) != _name(wanted):
        return "members are not sorted by code point, or are not one on a line"
    return "it is not laid out in canonical form"


def _same_json(line: bytes, wanted: bytes) -> bool:
    """Tells whether two lines hold the same members or elements, written differently."""
    for before, after in ((b"{", b"}"), (b"[", b"]")):
        try:
            return write_exact(before + line.rstrip(b", \r") + after) == write_exact(
                before + wanted.rstrip(b", ") + after
            )
        except UnsupportedValueError:
            continue
    return False


def _name(line: bytes) -> bytes:
    return line.strip().partition(b'":')[0]


_END_MISSING = "the final newline is missing"
_END_EXTRA = "something stands after the final newline"
