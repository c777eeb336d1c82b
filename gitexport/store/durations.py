"""How long the runs took that made commits here, told by this machine alone.

One line for each commit, its id and milliseconds, beside the run journal. It is a statistic:
nothing depends on it, a clone does not have it, and a line that cannot be written or read is
left out.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from gitexport.model.snapshot import ObjectId
from gitexport.store.git_errors import machine_error
from gitexport.store.repository import STATE_DIRECTORY, DataRepository

_NAME = "durations"
_FIELDS = 2


def remember_duration(directory: Path, commit: ObjectId, milliseconds: int) -> None:
    """Adds a line to the file in the directory of what is never versioned."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    # The commit is made: no run fails for its statistic.
    with suppress(OSError):
        descriptor = os.open(directory / _NAME, flags, 0o600)
        try:
            os.write(descriptor, f"{commit} {milliseconds}\n".encode())
        finally:
            os.close(descriptor)


def read_durations(repository: DataRepository) -> dict[ObjectId, int]:
    """Gives the milliseconds of each commit's run, as far as they are known here.

    Raises:
        MachineError: The file is there and cannot be read.
    """
    path = repository.gitdir / STATE_DIRECTORY / _NAME
    try:
        lines = path.read_text("ascii", "replace").split("\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise machine_error(error, path) from error
    pairs = (line.split(" ") for line in lines)
    return {
        ObjectId(pair[0]): int(pair[1])
        for pair in pairs
        if len(pair) == _FIELDS and pair[1].isascii() and pair[1].isdigit()
    }
