"""Where snapshots that are made from other commits come into being: locked, repaired, tidied up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitexport.export.view import View
from gitexport.store import refs
from gitexport.store.commits import remake_tag
from gitexport.store.journal import Journal
from gitexport.store.lock import RepositoryLock
from gitexport.store.recovery import recover
from gitexport.store.worktree import ViewReport


@dataclass(frozen=True, slots=True)
class Deriving:
    """A run that may make a snapshot.

    `directory` is its own and empty; `repairs` say what was put right of an earlier run.
    """

    journal: Journal
    directory: Path
    repairs: list[str]


@contextmanager
def deriving(view: View) -> Iterator[Deriving]:
    """Holds the repository's lock and a journal for the block, and leaves nothing behind.

    The working tree shows the tip of its branch then, where that is checked out.

    Raises:
        DecisionNeededError: Another working tree has the branch checked out, or a merge or the
            like is unfinished in this one.
        LockedError: Another run, or a git process in the working tree, is busy here.
        GitExportError: What `recover` raises.
    """
    view.refuse_shown_elsewhere()
    repository = view.repository
    with RepositoryLock(repository):
        view.refuse_unfinished()
        repairs = recover(repository, view.branch, lambda commit: remake_tag(repository, commit))
        journal = Journal(repository)
        directory = repository.state_dir / "stage" / journal.begin().run_id
        directory.mkdir(parents=True)
        try:
            tip = refs.tip(repository, view.branch)
            view.catch_up(tip, is_needed=True)
            view.remember_shown(tip)
            yield Deriving(journal, directory, repairs)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            journal.finish()


def view_warnings(view: ViewReport, verb: str) -> list[str]:
    """Says what of the working tree stayed behind; `verb` is what was to be done with files."""
    warnings = [f"'{path}' was edited and is left as it is" for path in view.kept]
    warnings += [f"cannot {verb} {reason}" for reason in view.refused]
    if view.stale is not None:
        warnings.append(
            f"the working tree was not refreshed: {view.stale}; the next export does it"
        )
    return warnings
