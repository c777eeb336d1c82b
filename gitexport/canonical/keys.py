"""A key as a file name, and back.

Total: every key has a name. Injective, also where a file system folds case or normalises
Unicode: names hold lower-case ASCII letters, digits and `- _ + = , ~` only. Readable for
what most keys are.

- `a-z 0-9 - _` stand for themselves, `A-Z` are `+` and the lower-case letter, every other
  byte of the UTF-8 text is `=` and two hex digits; an empty part is a single `=`
- the decimal text of integer columns stands as it is, with its minus sign; in parts of other
  types a leading `-` is escaped, so that no name looks like an option
- parts that are device names on Windows, or names of git, get their first letter escaped
- parts are joined with `,`; over 200 characters, the first 120 (cut between units), `~` and
  the SHA-256 of the whole take the place of the rest, and the key is only in the document

Source of the reserved names: "Naming Files, Paths, and Namespaces" of Microsoft's Win32
documentation; `verify_path` in git's read-cache.c.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from gitexport.model.ports import Key

MAX_NAME = 200
_KEPT = 120
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_UNIT = re.compile(r"\+[a-z]|=[0-9a-f]{2}|[a-z0-9_-]")
_ANY_UNIT = re.compile(r"\+[a-z]|=[0-9a-f]{2}|=(?=,|~|\Z)|[a-z0-9_,-]")
_SHORTENED = re.compile(rf"((?:{_ANY_UNIT.pattern})+)~([0-9a-f]{{64}})")
_INTEGER_START = re.compile(r"-?[0-9]*")
_TEXT_START = re.compile(r"(?!-).*")
_NO_NAME = "no key has this name"
_EMPTY = "="
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "git", "head"]
    + [f"{device}{number}" for device in ("com", "lpt") for number in range(10)]
)


def _unit(byte: int) -> str:
    char = chr(byte)
    if "A" <= char <= "Z":
        return "+" + char.lower()
    return char if _UNIT.fullmatch(char) else f"={byte:02x}"


_UNITS = [_unit(byte) for byte in range(256)]


def encode_part(text: str, *, is_integer: bool) -> str:
    """Encodes the text of one key column.

    Raises:
        ValueError: The column is an integer and the text is not the decimal text of one.
    """
    if is_integer:
        if not _INTEGER.fullmatch(text):
            message = "the text of an integer key is not decimal"
            raise ValueError(message)
        return text
    if _PLAIN.fullmatch(text) and text not in _RESERVED:
        return text
    if not text:
        return _EMPTY
    # Text from a database is UTF-8 already; the pass keeps the function total.
    data = text.encode("utf-8", "surrogatepass")
    name = "".join([_UNITS[byte] for byte in data])
    if name in _RESERVED or name[0] == "-":
        return f"={data[0]:02x}{name[1:]}"
    return name


def encode_whole(parts: Sequence[str], integers: Sequence[bool]) -> str:
    """Encodes a key at full length, as it is hashed.

    Raises:
        ValueError: There are not as many parts as key columns, or an integer is not one.
    """
    if len(parts) == len(integers) == 1:
        return encode_part(parts[0], is_integer=integers[0])
    return ",".join(
        [
            encode_part(part, is_integer=is_integer)
            for part, is_integer in zip(parts, integers, strict=True)
        ]
    )


def encode_key(parts: Sequence[str], integers: Sequence[bool]) -> str:
    """Encodes a key as the name of its file, without `.json`.

    Raises:
        ValueError: There are not as many parts as key columns, or an integer is not one.
    """
    return shorten(encode_whole(parts, integers))


def shorten(whole: str) -> str:
    """Cuts an encoded key of over 200 characters and adds the digest of the whole."""
    if len(whole) <= MAX_NAME:
        return whole
    kept = whole[: _cut(whole)]
    return f"{kept}~{hashlib.sha256(whole.encode()).hexdigest()}"


def decode_key(name: str, integers: Sequence[bool]) -> Key | None:
    """Reads the key from a file's name without `.json`; None where the name was shortened.

    Raises:
        ValueError: No key has this name.
    """
    if "~" in name:
        shortened_digest(name, integers)
        return None
    parts = name.split(",")
    if len(parts) != len(integers) or len(name) > MAX_NAME:
        raise ValueError(_NO_NAME)
    return tuple(map(_decode_part, parts, integers))


def shortened_digest(name: str, integers: Sequence[bool]) -> str:
    """Reads the digest from a shortened name, whose form is checked as far as it goes.

    Raises:
        ValueError: No key has this name.
    """
    match = _SHORTENED.fullmatch(name)
    if match is None:
        raise ValueError(_NO_NAME)
    kept, digest = match.groups()
    *complete, rest = kept.split(",")
    if len(complete) >= len(integers) or not _KEPT - 2 <= len(kept) <= _KEPT:
        raise ValueError(_NO_NAME)
    for part, is_integer in zip(complete, integers, strict=False):
        _decode_part(part, is_integer)
    start = _INTEGER_START if integers[len(complete)] else _TEXT_START
    if not start.fullmatch(rest):
        raise ValueError(_NO_NAME)
    return digest


def _cut(whole: str) -> int:
    """Finds the last place up to the length kept that is not inside of a unit."""
    place = 0
    for unit in _ANY_UNIT.finditer(whole):
        if unit.end() > _KEPT:
            break
        place = unit.end()
    return place


def _decode_part(name: str, is_integer: bool) -> str:  # noqa: FBT001 - mapped over two sequences
    if is_integer:
        return _verified(name, name, is_integer)
    if name == _EMPTY:
        return ""
    data = bytearray()
    for unit in _UNIT.findall(name):
        if unit[0] == "=":
            data.append(int(unit[1:], 16))
        else:
            data.append(ord(unit[-1].upper() if unit[0] == "+" else unit))
    try:
        return _verified(data.decode("utf-8", "surrogatepass"), name, is_integer)
    except UnicodeDecodeError as error:
        raise ValueError(_NO_NAME) from error


def _verified(text: str, name: str, is_integer: bool) -> str:  # noqa: FBT001 - as above
    if encode_part(text, is_integer=is_integer) != name:
        raise ValueError(_NO_NAME)
    return text
