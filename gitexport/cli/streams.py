"""Streams that nobody can read any more."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TextIO


def discard(stream: TextIO) -> None:
    """Sends what a stream still holds, and whatever comes, to nowhere.

    The interpreter flushes standard streams once more at its end, and would make an exit code of
    its own of what cannot be written.
    """
    with suppress(OSError, ValueError, AttributeError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)
