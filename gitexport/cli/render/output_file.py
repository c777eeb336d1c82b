"""A file that is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gitexport.errors import UsageError


@contextmanager
def open_output(path: Path) -> Iterator[Callable[[str], object]]:
    """Opens a file for writing; it takes its name when everything was written.

    What had the name keeps its content until then, also when the writing fails. Devices and
    pipes are written to directly.

    Raises:
        UsageError: There is no such directory.
    """
    target = path.resolve()
    if not target.parent.is_dir():
        message = f"'{path.parent}' is not a directory"
        raise UsageError(message, where=str(path), hint="make it, or name another file")
    if target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8") as stream:
            yield stream.write
        return
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123
            if target.exists():
                os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode))
            yield stream.write
            stream.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
