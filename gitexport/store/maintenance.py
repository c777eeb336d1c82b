"""Keeps a data repository fast over years: few packs, packed refs.

git's own automatic collection stays off (`gc.auto` is 0), since it may remove what a run has
written and no ref reaches yet. Called by who holds the lock, after the acknowledgement.

Source: Documentation/git-repack.txt of git on `--geometric`.
"""

from __future__ import annotations

from gitexport.store.git_errors import machine_error
from gitexport.store.git_program import GitCall, check_git
from gitexport.store.repository import DataRepository

MAXIMUM_PACKS = 50


def pack_count(repository: DataRepository) -> int:
    """Counts the packs that a repack may join: those without a keep file.

    Raises:
        MachineError: The object database cannot be read.
    """
    directory = repository.objects / "pack"
    try:
        names = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    except OSError as error:
        raise machine_error(error, directory) from error
    return sum(
        name.endswith(".pack") and f"{name.removesuffix('.pack')}.keep" not in names
        for name in names
    )


def maintain(repository: DataRepository, *, maximum_packs: int = MAXIMUM_PACKS) -> bool:
    """Joins packs and packs refs where there are more than `maximum_packs`; tells whether.

    Small packs are joined so that each is at least twice as big as the next one: the cost
    follows what came since, not the size of the repository.

    Raises:
        MachineError: git failed or the machine refused; nothing is lost.
    """
    if pack_count(repository) <= maximum_packs:
        return False
    call = GitCall(gitdir=repository.gitdir, settings=("repack.writeBitmaps=false",))
    check_git(repository.path, ["repack", "-d", "--geometric=2", "-q"], call)
    check_git(repository.path, ["pack-refs", "--all"], call)
    # Open handles still hold the packs that are gone.
    repository.forget()
    return True
