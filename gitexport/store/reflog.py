"""Which commits a person made in this clone, as the logs of its refs tell.

A log is written by git on this machine only; nothing that is fetched reaches it.
Source: git-reflog(1); the messages are those of builtin/commit.c.
"""

from __future__ import annotations

from gitexport.model.snapshot import ObjectId
from gitexport.store.git_errors import translated
from gitexport.store.refs import BRANCH_PREFIX
from gitexport.store.repository import DataRepository

_MADE_HERE = ("commit: ", "commit (initial): ", "commit (amend): ")


def commits_made_here(
    repository: DataRepository, branch: str, messages: tuple[str, ...] = ()
) -> frozenset[ObjectId]:
    """Lists the commits that `git commit` made here, and those logged with other messages.

    Merges, pulls, fetches, rebases and resets do not count: their commits may be others'.

    Raises:
        CorruptRepositoryError: A log cannot be read.
    """
    handle = repository.pygit()
    made = set()
    with translated("the log of the branch cannot be read"):
        for name in ("HEAD", BRANCH_PREFIX + branch):
            reference = handle.references.get(name)
            if reference is None:
                continue
            made |= {
                ObjectId(str(entry.oid_new))
                for entry in reference.log()
                if entry.message.startswith((*_MADE_HERE, *messages))
            }
    return frozenset(made)
