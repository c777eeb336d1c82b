"""Deflates objects for packs, and inflates them: with ISA-L where its wheel exists, else zlib.

Both write streams that every reader of zlib reads; object ids do not depend on them. ISA-L
takes a quarter of the time for documents of some kilobytes, at the same size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import cast

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


def inflate_with_zlib(data: memoryview, size: int) -> bytes | None:
    """Inflates with the interpreter's own zlib; see `inflate`."""
    try:
        content = zlib.decompress(data, bufsize=size + 1)
    except zlib.error:
        return None
    return content if len(content) == size else None


def _choose() -> tuple[Callable[[bytes], bytes], Callable[[memoryview, int], bytes | None]]:
    try:
        from isal import igzip_lib, isal_zlib
    except ImportError:
        return deflate_with_zlib, inflate_with_zlib
    decompress, stream, window = igzip_lib.decompress, igzip_lib.DECOMP_ZLIB, zlib.MAX_WBITS
    # Its stubs take the class for an instance.
    damaged = cast("type[Exception]", igzip_lib.IsalError)

    def deflate_with_isal(data: bytes) -> bytes:
        return isal_zlib.compress(data, _LEVEL)

    def inflate_with_isal(data: memoryview, size: int) -> bytes | None:
        try:
            # This takes a tenth less time than the function named after that of zlib.
            content = decompress(data, stream, window, size + 1)
        except damaged:
            return None
        return content if len(content) == size else None

    return deflate_with_isal, inflate_with_isal


deflate: Callable[[bytes], bytes]
"""Deflates an object's content."""
inflate: Callable[[memoryview, int], bytes | None]
"""Gives the content of a stream at the beginning of some bytes; None where it is none.

The number is the length of the content in bytes. The stream's own checksum is checked.
"""
deflate, inflate = _choose()
