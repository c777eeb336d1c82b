"""The tar format in the one form that archives have: regular files with fixed owners and rights.

Every header follows from a name, a size and a time, so the same members give the same bytes
with every version of Python, and a reader knows in advance what each header has to be.

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format".
"""

from __future__ import annotations

from typing import NamedTuple

BLOCK = 512
RECORD = 20 * BLOCK
_MODE = b"0000644\0"
_ZERO = b"0000000\0"
_MAGIC = b"ustar\x0000"
_NAME = 100
_PREFIX = 155
_EXTENDED_NAME = b"PaxHeaders/path"
_CHECKSUM = slice(148, 156)
KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a directory",
    b"6": "a pipe",
    b"7": "a contiguous file",
    b"g": "a global header",
    b"L": "a GNU long name",
    b"K": "a GNU long link",
    b"S": "a sparse file",
}
"""What members of other types are, by their type flag."""


class Member(NamedTuple):
    """A regular file: its name with `/` between the parts, its size in bytes, its time."""

    name: str
    size: int
    mtime: int


def format_header(member: Member) -> bytes:
    """Writes the blocks that stand before a member's content.

    A name that the classic header does not hold comes in an extended one before it.
    """
    name = member.name.encode()
    places = _split(name)
    if places is not None:
        return _block(*places, member, b"0")
    record = _record(b"path", name)
    extended = Member("", len(record), member.mtime)
    return (
        _block(_EXTENDED_NAME, b"", extended, b"x")
        + record
        + bytes(padding(len(record)))
        + _block(name[:_NAME], b"", member, b"0")
    )


def padding(size: int) -> int:
    """Tells how many zero bytes follow content of a size, up to a whole block."""
    return -size % BLOCK


def trailer_size(position: int) -> int:
    """Tells how many zero bytes end an archive: two blocks, up to a whole record."""
    return 2 * BLOCK + -(position + 2 * BLOCK) % RECORD


def read_plain_header(block: bytes) -> Member:
    """Reads a header whose name needs no extended one.

    Raises:
        ValueError: It is not a header that `format_header` writes.
    """
    name = block[:_NAME].rstrip(b"\0").decode("ascii")
    prefix = block[345 : 345 + _PREFIX].rstrip(b"\0").decode("ascii")
    member = Member(
        f"{prefix}/{name}" if prefix else name, _octal(block[124:136]), _octal(block[136:148])
    )
    if format_header(member) != block:
        message = "the header is not as gitexport writes it"
        raise ValueError(message)
    return member


def kind_of(block: bytes) -> str | None:
    """Names what a header describes where that is no regular file."""
    return KINDS.get(block[156:157])


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Gives name and prefix as the classic header holds them; None where it does not."""
    if not name.isascii():
        return None
    if len(name) <= _NAME:
        return name, b""
    at = name.rfind(b"/", 0, _PREFIX + 1)
    rest = name[at + 1 :]
    return (rest, name[:at]) if at > 0 and 0 < len(rest) <= _NAME else None


def _block(name: bytes, prefix: bytes, member: Member, flag: bytes) -> bytes:
    head = b"".join(
        [
            name.ljust(_NAME, b"\0"),
            _MODE + _ZERO + _ZERO,
            b"%011o\0%011o\0" % (member.size, member.mtime),
            b" " * 8,
            flag,
            bytes(_NAME),
            _MAGIC,
            bytes(64),
            _ZERO + _ZERO,
            prefix.ljust(_PREFIX, b"\0"),
        ]
    )
    block = bytearray(head + bytes(padding(len(head))))
    block[_CHECKSUM] = b"%06o\0 " % sum(block)
    return bytes(block)


def _record(key: bytes, value: bytes) -> bytes:
    """Writes a record of an extended header; its length counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _octal(field: bytes) -> int:
    digits = field.rstrip(b"\0")
    if not digits or digits.strip(b"01234567"):
        message = "a number of the header is not octal"
        raise ValueError(message)
    return int(digits, 8)
