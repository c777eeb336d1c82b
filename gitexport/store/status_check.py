"""Looks for uncommitted edits of tracked files, where looking is cheap.

The git program compares stat data and reads only files that look different, for every kind of
index, so nothing is gained by doing it here.
"""

from __future__ import annotations

import os
from pathlib import Path

from gitexport.errors import CorruptRepositoryError
from gitexport.store.git_program import GitCall, run_git

CHEAP_ENTRIES = 200_000
"""Above this number of files, looking at each takes too long for every run."""

_COUNT = slice(8, 12)
_HEADER_SIZE = 12
_STATUS = (
    "status",
    "--porcelain=v1",
    "-z",
    "--no-renames",
    "--untracked-files=no",
    "--ignore-submodules=all",
)


def edited_files(
    gitdir: Path, worktree: Path, *, limit: int = 20, most: int = CHEAP_ENTRIES
) -> list[str] | None:
    """Names tracked files that are edited, deleted or staged, at most `limit`, in path order.

    Compares with HEAD and the index, so it is asked before the branch moves or after the
    working tree followed it. Gives None, without looking, where the index has more than
    `most` entries. Takes no lock and changes nothing.

    Raises:
        CorruptRepositoryError: The git program cannot read the repository.
        MachineError: The git program cannot be started.
    """
    if _entry_count(gitdir / "index") > most:
        return None
    call = GitCall(gitdir=gitdir, environment=(("GIT_OPTIONAL_LOCKS", "0"),))
    output = run_git(worktree, [f"--work-tree={worktree}", *_STATUS], call)
    if output.returncode:
        message = f"'git status' failed: {output.reason}"
        raise CorruptRepositoryError(message, where=str(worktree), hint="gitexport doctor")
    lines = output.stdout.split(b"\0")[:-1]
    return [os.fsdecode(line[3:]) for line in lines[:limit]]


def _entry_count(index: Path) -> int:
    try:
        with index.open("rb") as file:
            return int.from_bytes(file.read(_HEADER_SIZE)[_COUNT], "big")
    except FileNotFoundError:
        return 0
