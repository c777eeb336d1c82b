"""Brings the index in step with files that were just written.

The index is git's list of the files of the working tree: what they held when they were last
looked at, and what the next commit will hold. A plain index is patched in place of git; every
other one, and every unusual state of the repository, is left to the git program.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gitexport.errors import CorruptRepositoryError
from gitexport.store.git_errors import machine_error
from gitexport.store.index_edit import (
    LOCKED,
    MEND_INDEX,
    DamagedIndexError,
    IndexEdit,
    IndexLockedError,
    IndexResult,
    KeptPaths,
)
from gitexport.store.index_file import patch_index
from gitexport.store.index_format import NotPlainIndexError
from gitexport.store.index_git import update_with_git


def update_index(
    gitdir: Path, worktree: Path, edits: Iterable[IndexEdit], kept: KeptPaths | None = None
) -> IndexResult:
    """Updates the index while holding `index.lock`; streams, so memory stays flat.

    Edits come sorted by path and are taken one by one once the lock is held. A lock that
    another process holds is no error: nothing is taken, and the result says that the index
    is stale. `kept` goes on counting in what the caller hands in.

    Raises:
        CorruptRepositoryError: The index is damaged.
        MachineError: The index cannot be written, or the git program not started.
    """
    result = IndexResult(kept or KeptPaths())
    try:
        try:
            patch_index(gitdir, edits, result.kept)
        except NotPlainIndexError:
            update_with_git(gitdir, worktree, edits, result.kept)
    except IndexLockedError:
        result.stale = LOCKED
    except DamagedIndexError as error:
        message = f"the index '{gitdir / 'index'}' is damaged"
        hint = MEND_INDEX
        raise CorruptRepositoryError(message, where=str(gitdir / "index"), hint=hint) from error
    except OSError as error:
        raise machine_error(error) from error
    return result
