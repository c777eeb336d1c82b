"""Which files of a working tree are not as a commit has them, and which are behind the tip."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice

from gitexport.export.view import EMPTY, differs, is_shown
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.journal import read_state
from gitexport.store.repository import DataRepository
from gitexport.store.tree_diff import changed_files
from gitexport.store.trees import TreeReader

_LOOKED_AT = 1000


def files_behind(repository: DataRepository, branch: str, paths: Iterable[str]) -> set[str]:
    """Tells which of some files are as the snapshot has them that was shown last.

    None of them is, where the working tree was brought to the last snapshot, or shows another
    branch.
    """
    shown = _shown_before(repository, branch)
    if shown is None:
        return set()
    some = list(paths)
    return set(some).difference(files_differing(repository, shown, some))


def is_behind(repository: DataRepository, branch: str) -> bool:
    """Tells whether files wait to be brought to the last snapshot.

    Costs what that snapshot changed, and no more than a look at a thousand files: a refresh
    that was kept from its work has brought none of them along.
    """
    shown, tip = _shown_before(repository, branch), refs.tip(repository, branch)
    if shown is None or tip is None:
        return False
    if read_state(repository).is_torn:
        return True
    changes = changed_files(repository.read_tree, _tree(repository, shown), repository.tree_of(tip))
    paths = [os.fsdecode(change.path) for change in islice(changes, _LOOKED_AT)]
    return bool(files_behind(repository, branch, paths))


def files_differing(
    repository: DataRepository, commit: ObjectId, paths: Iterable[str]
) -> Iterator[str]:
    """Yields the files that are not as a commit has them."""
    reader = TreeReader(repository.read_tree, _tree(repository, commit))
    assert repository.worktree is not None  # noqa: S101 - asked only where there is one
    for path in paths:
        if differs(repository.worktree / path, reader, path):
            yield path


def _shown_before(repository: DataRepository, branch: str) -> ObjectId | None:
    """Gives the commit whose files the working tree shows; None where that is the tip."""
    shown = read_state(repository).shown
    if shown is None or shown == refs.tip(repository, branch) or not is_shown(repository, branch):
        return None
    return shown if shown == EMPTY or shown in repository.pygit() else None


def _tree(repository: DataRepository, commit: ObjectId) -> bytes | None:
    return None if commit == EMPTY else repository.tree_of(commit)
