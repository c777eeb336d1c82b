"""The index of a pack: which object lies where, in the order of ids.

Kept in arrays, because a first export may have millions of objects and a Python object for
each would be several hundred megabytes.

Source: Documentation/gitformat-pack.txt of git (index version 2).
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import sha1
from pathlib import Path

PACK_HEADER = struct.Struct(">4sII")
ENTRY = struct.Struct(">20sIQB")
"""An object in a fragment: its id, the CRC of its packed bytes, offset, fragment's number."""

_LARGE_OFFSET = 1 << 31


class PackedObjects:
    """The objects of a pack in the order of their ids, about 32 bytes for each.

    `fragments` are the entries of each fragment, sorted; `bases` tells by its number what the
    offsets of a fragment are raised by. `duplicates` are the offsets of second and later
    copies, which are not among `offsets`.
    """

    def __init__(self, fragments: Sequence[bytes], bases: dict[int, int]) -> None:
        self.names = bytearray()
        self.crcs = array("I")
        self.offsets = array("Q")
        self.duplicates: list[int] = []
        self.fanout: list[int] = []
        last = b""
        for records in _by_first_byte(fragments):
            for name, crc, offset, number in ENTRY.iter_unpack(b"".join(records)):
                if name == last:
                    self.duplicates.append(offset + bases[number])
                    continue
                last = name
                self.names += name
                self.crcs.append(crc)
                self.offsets.append(offset + bases[number])
            self.fanout.append(len(self.offsets))


def _by_first_byte(fragments: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yields the sorted entries of all fragments in 256 parts, by the first byte of their ids."""
    size = ENTRY.size
    starts = [0] * len(fragments)
    for first in range(256):
        found: list[bytes] = []
        for place, entries in enumerate(fragments):
            start = starts[place]
            stop = starts[place] = _after(entries, start, first)
            found += [entries[at : at + size] for at in range(start, stop, size)]
        found.sort()
        yield found


def _after(entries: bytes, start: int, first: int) -> int:
    """Gives the offset behind the entries whose ids begin with a byte."""
    low, high = start // ENTRY.size, len(entries) // ENTRY.size
    while low < high:
        middle = (low + high) // 2
        if entries[middle * ENTRY.size] <= first:
            low = middle + 1
        else:
            high = middle
    return low * ENTRY.size


def without_duplicates(target: Path, objects: PackedObjects) -> Path:
    """Copies a pack without the second and later copies of objects, and corrects the offsets."""
    offsets, dropped = objects.offsets, sorted(objects.duplicates)
    end = target.stat().st_size
    places = sorted(range(len(offsets)), key=offsets.__getitem__)
    copy = target.with_suffix(".once")
    with target.open("rb") as source, copy.open("wb") as out:
        position = out.write(bytes(PACK_HEADER.size))
        for number, place in enumerate(places):
            start = offsets[place]
            stop = offsets[places[number + 1]] if number + 1 < len(places) else end
            after = bisect_left(dropped, start)
            stop = min(stop, dropped[after]) if after < len(dropped) else stop
            source.seek(start)
            offsets[place] = position
            position += out.write(source.read(stop - start))
    target.unlink()
    return copy


def write_index(path: Path, objects: PackedObjects, trailer: bytes) -> None:
    """Writes and syncs the index of the pack with this trailer; uses `objects` up."""
    large = array("Q")
    short = array("I", bytes(4 * len(objects.offsets)))
    for place, offset in enumerate(objects.offsets):
        if offset < _LARGE_OFFSET:
            short[place] = offset
        else:
            short[place] = _LARGE_OFFSET | len(large)
            large.append(offset)
    parts = [
        b"\377tOc" + struct.pack(">I", 2),
        struct.pack(">256I", *objects.fanout),
        bytes(objects.names),
        _big_endian(objects.crcs),
        _big_endian(short),
        _big_endian(large),
        trailer,
    ]
    digest = sha1(usedforsecurity=False)
    with path.open("wb") as file:
        for part in parts:
            digest.update(part)
            file.write(part)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())


def _big_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()
