"""Deflates objects for packs, and inflates them: with ISA-L where its wheel exists, else zlib.

Both write streams that every reader of zlib reads; object ids do not depend on them. ISA-L
takes a quarter of the time for documents of some kilobytes, at the same size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol, cast

# Setting up deflate for its largest window costs several times what a small object does.
# Within these sizes the result is as small.
_SMALL_BYTES = 12_000
_SMALL_WINDOW_BITS = 12
_SMALL_MEMORY_LEVEL = 5
_LEVEL = 1


def deflate_with_zlib(data: bytes) -> bytes:
    """Deflates with the interpreter's own zlib, at its fastest level."""
    if len(data) > _SMALL_BYTES:
        return zlib.compress(data, _LEVEL)
    small = zlib.compressobj(_LEVEL, zlib.DEFLATED, _SMALL_WINDOW_BITS, _SMALL_MEMORY_LEVEL)
    return small.compress(data) + small.flush()


def _choose() -> tuple[Callable[[bytes], bytes], _Inflate, type[Exception]]:
    try:
        from isal import isal_zlib
    except ImportError:
        return deflate_with_zlib, zlib.decompress, zlib.error

    def deflate_with_isal(data: bytes) -> bytes:
        return isal_zlib.compress(data, _LEVEL)

    # Its stubs take the class for an instance.
    return deflate_with_isal, isal_zlib.decompress, cast("type[Exception]", isal_zlib.error)


class _Inflate(Protocol):
    def __call__(self, data: memoryview, /, *, bufsize: int) -> bytes: ...


deflate: Callable[[bytes], bytes]
"""Deflates an object's content."""
_inflate: _Inflate
deflate, _inflate, _Damaged = _choose()


def inflate(data: memoryview, size: int) -> bytes | None:
    """Gives the content of a stream at the beginning of some bytes; None where it is none.

    `size` is the length of the content in bytes. The stream's own checksum is checked.
    """
    try:
        content = _inflate(data, bufsize=size + 1)
    except _Damaged:
        return None
    return content if len(content) == size else None
