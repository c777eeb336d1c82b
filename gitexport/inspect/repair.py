"""Repairs what can be derived again: locks and leftovers, settings, tags, index, files."""

from __future__ import annotations

from gitexport.errors import CorruptRepositoryError
from gitexport.export.view import View, is_shown
from gitexport.model.counted import counted
from gitexport.model.ports import Progress
from gitexport.store import refs
from gitexport.store.commits import remake_tag
from gitexport.store.health import mend_index, unwanted_settings
from gitexport.store.journal import Journal
from gitexport.store.lock import RepositoryLock
from gitexport.store.recovery import recover
from gitexport.store.repository import DataRepository
from gitexport.store.status_check import edited_files

_ALL = 2**32


def repair(repository: DataRepository, branch: str, progress: Progress) -> list[str]:
    """Repairs what needs no decision; gives a sentence for each repair.

    No commit is made, no file of people is touched, and the database is not asked.

    Raises:
        LockedError: Another run is busy here.
        DecisionNeededError: A lock file may be somebody else's.
        CorruptRepositoryError: Objects are damaged; nothing here can bring them back.
    """
    progress.stage("repairing")
    with RepositoryLock(repository):
        done = recover(repository, branch, lambda commit: remake_tag(repository, commit))
        journal = Journal(repository)
        journal.begin()
        try:
            done += _mend_settings(repository)
            done += _mend_tags(repository, branch)
            done += _mend_files(repository, branch, progress)
        finally:
            journal.finish()
    return done


def _mend_settings(repository: DataRepository) -> list[str]:
    found = unwanted_settings(repository)
    if found:
        # Opening an existing repository this way writes the settings that it needs.
        DataRepository.create(repository.path)
    return [f"set '{name}' to '{wanted}'" for name, _value, wanted in found]


def _mend_tags(repository: DataRepository, branch: str) -> list[str]:
    tip = refs.tip(repository, branch)
    present = set(refs.snapshot_tags(repository))
    made = []
    for commit in () if tip is None else refs.snapshots(repository, tip):
        name = commit.snapshot
        if name is not None and name not in present:
            refs.create_tag_ref(repository, name, remake_tag(repository, commit))
            made.append(f"made the tag '{name}' again")
    return made


def _mend_files(repository: DataRepository, branch: str, progress: Progress) -> list[str]:
    tip = refs.tip(repository, branch)
    if tip is None or repository.worktree is None or not is_shown(repository, branch):
        return []
    done = []
    try:
        edited_files(repository.gitdir, repository.worktree, limit=1, most=_ALL)
    except CorruptRepositoryError:
        mend_index(repository, tip)
        done.append("made the index anew; the old one is 'index.damaged' beside it")
    view = View(repository, branch, progress).catch_up(tip)
    if view is not None and (view.written or view.removed):
        done.append(f"brought {counted(view.written + view.removed, 'file')} to the last commit")
    return done
