"""Remembers when a repository was last found, or brought, in step with its database.

Exports that find nothing make no commit, so the age of the last snapshot does not tell whether
they still run. The time is that of an empty file: to write it costs next to nothing, and
to lose it in a crash does no harm.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from gitexport.store.git_errors import machine_error
from gitexport.store.repository import DataRepository

_NAME = "in-step"


def note_in_step(repository: DataRepository, at: datetime) -> None:
    """Notes that everything that was pending at an instant is in the branch.

    Raises:
        MachineError: The machine refused.
    """
    path = repository.state_dir / _NAME
    try:
        path.touch(mode=0o600)
        os.utime(path, (at.timestamp(), at.timestamp()))
    except OSError as error:
        raise machine_error(error, path) from error


def in_step_at(repository: DataRepository) -> datetime | None:
    """Gives the last such instant on this machine; None where none is known.

    Raises:
        MachineError: The machine refused.
    """
    path = repository.state_dir / _NAME
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise machine_error(error, path) from error
