"""The working tree shows the branch: brought along after each move, and what it shows remembered.

A refresh tells a person's edit from our own file by the commit that was shown before it. One
that does not end leaves some files at the commit that it led to, so the next one has to lead
there as well before it leads on: until then the state says `is_torn`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gitexport.canonical.blob_id import blob_id
from gitexport.errors import (
    CorruptRepositoryError,
    DecisionNeededError,
    GitExportError,
    LockedError,
    MachineError,
)
from gitexport.model import faults
from gitexport.model.entity import (
    CONFIG_PATH,
    MANIFEST_PATH,
    RELATIONS_DIRECTORY,
    Publication,
)
from gitexport.model.ports import Progress
from gitexport.model.snapshot import ObjectId
from gitexport.store.changes import FileChange
from gitexport.store.journal import read_state, remember_torn, write_state
from gitexport.store.other_worktrees import is_rebased, shown_elsewhere
from gitexport.store.repository import DataRepository
from gitexport.store.tree_diff import changed_files
from gitexport.store.trees import TreeReader
from gitexport.store.worktree import ViewReport, refresh

EMPTY = ObjectId("")
"""Stands for the commit before the first one, with no files."""


def why_hidden(repository: DataRepository, branch: str) -> str | None:
    """Says why the working tree does not show a branch; None where it does."""
    if repository.worktree is None:
        return "the repository is bare"
    if repository.checked_out_branch() != branch:
        return f"'{branch}' is not checked out"
    operation = repository.operation_in_progress()
    # A bisection that does not know both ends yet commits nothing, and HEAD is on the branch.
    return None if operation in {None, "bisect"} else f"'git {operation}' is unfinished"


def is_shown(repository: DataRepository, branch: str) -> bool:
    """Tells whether the working tree shows a branch, and no operation of git is unfinished."""
    return why_hidden(repository, branch) is None


def unfinished_commit(repository: DataRepository, branch: str) -> str | None:
    """Names what a person has begun with git and what will end in a commit on a branch."""
    if repository.worktree is None:
        return None
    if repository.checked_out_branch() != branch:
        return "rebase" if is_rebased(repository.gitdir, branch) else None
    operation = repository.operation_in_progress()
    return None if operation == "bisect" else operation


@dataclass(frozen=True, slots=True)
class View:
    """The working tree of a data repository, for the branch that snapshots go to.

    Used by who holds the lock. `show` and `show_next` want a branch that `is_shown`; the others
    see for themselves. Without a publication, every file counts as one of a snapshot.
    """

    repository: DataRepository
    branch: str
    progress: Progress
    publication: Publication | None = None

    def refuse_shown_elsewhere(self) -> None:
        """Refuses to move a branch under another working tree of the repository, as git does.

        Its files would look like a person's wish to take the snapshot back.

        Raises:
            DecisionNeededError: Another working tree has the branch checked out.
        """
        place = shown_elsewhere(self.repository, self.branch)
        if place is not None:
            message = f"'{self.branch}' is checked out in another working tree, '{place}'"
            hint = f"run gitexport there (-C '{place}'), or check out another branch there"
            raise DecisionNeededError(message, where=str(place), hint=hint)

    def remember_shown(self, tip: ObjectId | None) -> None:
        """Writes down what the working tree shows, where that is not known yet.

        To be called before the branch moves for the first time on this machine: a run that
        dies behind the move would otherwise leave files of which nobody knows that they are
        behind.
        """
        state = read_state(self.repository)
        if state.shown is None and is_shown(self.repository, self.branch):
            write_state(self.repository, replace(state, shown=tip or EMPTY))

    def catch_up(self, tip: ObjectId | None, *, is_needed: bool = False) -> ViewReport | None:
        """Finishes the refresh that an earlier run could not finish; None where all is well.

        Where the report is stale, this run is not to touch the files.

        Raises:
            LockedError: Another git process keeps it from being finished, and it `is_needed`,
                or it was interrupted: its files would pass for a person's edits after another
                snapshot.
            CorruptRepositoryError: The index is damaged.
            MachineError: The machine refuses.
        """
        repository = self.repository
        state = read_state(repository)
        if state.shown is None or tip is None or not is_shown(repository, self.branch):
            return None
        if state.shown == tip:
            if state.is_torn:
                write_state(repository, replace(state, is_torn=False))
            return None
        if state.shown != EMPTY and state.shown not in repository.pygit():
            return None
        view = self.show(self._between(state.shown, tip), tip)
        behind = "the working tree cannot be brought to the last snapshot"
        if view.failure is not None:
            view.failure.message = f"{behind}: {view.failure.message}"
            raise view.failure
        if view.stale is not None and (is_needed or state.is_torn):
            message = f"{behind}: {view.stale}"
            raise LockedError(message, where="index.lock", hint="let the other git process end")
        return view

    def show_next(self, parent: ObjectId, commit: ObjectId) -> ViewReport:
        """Brings the working tree from a commit that it shows to the next one."""
        return self.show(self._between(parent, commit), commit)

    def show(
        self,
        changes: Iterable[FileChange],
        tip: ObjectId,
        stage: Path | None = None,
        *,
        discard_edits: bool = False,
    ) -> ViewReport:
        """Brings the working tree and the index to the tip, and remembers that it is there.

        What the machine or a damaged index refuses is a part of the report: the snapshot is made
        by then, and whoever made it has more to tell.
        """
        repository = self.repository
        assert repository.worktree is not None  # noqa: S101 - `is_shown` was asked
        try:
            report = refresh(
                repository.worktree,
                repository.gitdir,
                _passed(changes),
                read_blob=repository.read_blob,
                stage=stage,
                on_progress=self.progress.advance,
                discard_edits=discard_edits,
            )
            faults.point("S10.index")
            if report.stale is None:
                self._remember(report, tip)
        except BaseException as error:
            # Where the disk is full, the journal cannot be closed either, and tells the same.
            with suppress(GitExportError):
                remember_torn(repository)
            if not isinstance(error, CorruptRepositoryError | MachineError):
                raise
            return ViewReport(failure=error)
        return report

    def _remember(self, report: ViewReport, tip: ObjectId) -> None:
        state = read_state(self.repository)
        left = {*state.edits_left, *filter(self._is_ours, report.kept)}
        # What the machine refused is tried again: the next run catches up from there.
        is_whole = not report.refused_count
        shown = tip if is_whole else state.shown
        now = replace(state, shown=shown, is_torn=not is_whole, edits_left=tuple(sorted(left)))
        write_state(self.repository, now)

    def _is_ours(self, path: str) -> bool:
        # A file of people's that they commit and go on editing is no affair of a snapshot.
        publication = self.publication
        if publication is None:
            return True
        places = [RELATIONS_DIRECTORY, *(entity.directory for entity in publication.entities)]
        single = {MANIFEST_PATH, CONFIG_PATH, *(one.path for one in publication.documents)}
        return path in single or any(path.startswith(f"{place}/") for place in places)

    def refuse_unfinished(self) -> None:
        """Refuses to move a branch on which a person's merge, revert or the like is unfinished.

        Its commit would have the index for its tree, in which files are as they were before
        the snapshot, and so would take the snapshot back. A rebase could not end.

        Raises:
            DecisionNeededError: There is one.
        """
        begun = unfinished_commit(self.repository, self.branch)
        if begun is not None:
            message = f"'git {begun}' is unfinished on '{self.branch}'"
            hint = f"conclude it: git {begun} --continue; or give it up: git {begun} --abort"
            where = str(self.repository.worktree)
            raise DecisionNeededError(message, where=where, hint=hint)

    def edits_still_left(self, tip: ObjectId) -> list[str]:
        """Looks which of the edits that were left alone are still there; forgets the others."""
        repository = self.repository
        state = read_state(repository)
        if not state.edits_left or not is_shown(repository, self.branch):
            return []
        assert repository.worktree is not None  # noqa: S101 - it is shown
        reader = TreeReader(repository.read_tree, repository.tree_of(tip))
        still = [
            path for path in state.edits_left if differs(repository.worktree / path, reader, path)
        ]
        if len(still) != len(state.edits_left):
            write_state(repository, replace(state, edits_left=tuple(still)))
        return still

    def overwrite_edits(self, tip: ObjectId, paths: Sequence[str]) -> ViewReport:
        """Brings files with a person's edit to the tip."""
        reader = TreeReader(self.repository.read_tree, self.repository.tree_of(tip))
        changes = []
        for path in sorted(os.fsencode(path) for path in paths):
            entry = reader.entry(path)
            changes.append(FileChange(path, None, entry.object_id if entry else None))
        return self.show(changes, tip, discard_edits=True)

    def _between(self, old: ObjectId, new: ObjectId) -> Iterator[FileChange]:
        repository = self.repository
        base = None if old == EMPTY else repository.tree_of(old)
        return changed_files(repository.read_tree, base, repository.tree_of(new))


def not_shown(failure: GitExportError, tag: str | None) -> GitExportError:
    """Has a failed refresh say that its snapshot is made, and what brings the files there."""
    failure.message = f"the working tree was not refreshed: {failure.message}"
    made = f"snapshot '{tag}' is made"
    failure.where = made if failure.where is None else f"{failure.where}; {made}"
    again = "the next export brings the files along"
    failure.hint = again if failure.hint is None else f"{failure.hint}; {again}"
    return failure


def _passed(changes: Iterable[FileChange]) -> Iterator[FileChange]:
    for change in changes:
        yield change
        faults.point("S10.files")


def differs(file: Path, reader: TreeReader, path: str) -> bool:
    """Tells whether a file is not as a tree has it at a path, or is only on one side."""
    entry = reader.entry(os.fsencode(path))
    try:
        content = file.read_bytes()
    except OSError:
        return entry is not None
    return entry is None or blob_id(content) != entry.object_id
