"""Carries a plan out in the repository: one new snapshot, made from no row.

The next export finds a commit on managed paths that was not made from rows, and stops until
a person has said who wins.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gitexport.compare.stored import StoredHistory
from gitexport.errors import DecisionNeededError, GitExportError
from gitexport.export.derived import Derived, next_instant, seal_derived
from gitexport.export.deriving import deriving, view_warnings
from gitexport.export.message import SOURCE, SnapshotMessage
from gitexport.export.options import Override
from gitexport.export.view import View, is_shown, not_shown
from gitexport.model.entity import MANIFEST_PATH, Publication
from gitexport.model.ports import Clock, Progress
from gitexport.model.snapshot import EntityCounts, ObjectId, Origin, format_tag
from gitexport.restore.plan import DocumentConflict, Plan
from gitexport.restore.schemas import refuse_invalid
from gitexport.restore.tip import Tip, blob_of
from gitexport.restore.tree import next_manifest, write_tree
from gitexport.store import refs
from gitexport.store.journal import Journal
from gitexport.store.open_directories import ObstructedError, OpenDirectories
from gitexport.store.pack import FragmentWriter
from gitexport.store.repository import DataRepository
from gitexport.store.working_file import FileKind, file_state

MakePlan = Callable[[Tip], Plan]
"""Says what has to change of a tip; called again where the tip may have moved."""


@dataclass(slots=True)
class SnapshotReport:
    """What was done in the repository, or would be in a dry run.

    `entities` count documents. No commit where nothing had to change, or where there are
    conflicts. `not_shown` is what kept the working tree from being brought to the snapshot.
    """

    origin: Origin
    entities: dict[str, EntityCounts] = field(default_factory=dict)
    documents: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    conflicts: list[DocumentConflict] = field(default_factory=list)
    snapshot: str | None = None
    commit: ObjectId | None = None
    is_dry_run: bool = False
    is_shown: bool = False
    not_shown: GitExportError | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all of them work with.

    `overrides` are the guards that a person overruled. With `rows_win` commits that were not
    made from rows do not stop what ends in rows.
    """

    repository: DataRepository
    publication: Publication
    clock: Clock
    progress: Progress
    overrides: frozenset[Override] = frozenset()
    rows_win: bool = False

    @property
    def view(self) -> View:
        """The working tree, for the configured branch."""
        return View(self.repository, self.publication.branch, self.progress, self.publication)

    def open_tip(self) -> Tip:
        """Opens what the branch holds now."""
        return Tip.open(StoredHistory(self.repository, self.publication))


def preview_snapshot(place: Workplace, make_plan: MakePlan) -> SnapshotReport:
    """Says what `make_snapshot` would do; takes no lock and writes nothing.

    Raises:
        GitExportError: What `make_plan` raises, and `DecisionNeededError` for edited files.
    """
    run = _Run(place, place.open_tip(), make_plan)
    run.refuse_edits()
    report = run.report()
    report.is_dry_run = True
    return report


def make_snapshot(place: Workplace, make_plan: MakePlan) -> SnapshotReport:
    """Carries a plan out as one tagged snapshot on top of the branch.

    Raises:
        LockedError: Another run is busy here.
        DecisionNeededError: A file that has to change was edited, or the clock is behind;
            nothing was changed.
        GitExportError: What `make_plan` raises; nothing was changed.
    """
    with deriving(place.view) as run:
        tip = place.open_tip()
        report = _Run(place, tip, make_plan).commit(run.journal, run.directory)
    report.warnings[:0] = run.repairs
    return report


class _Run:
    """One run, from the plan to the refreshed working tree."""

    def __init__(self, place: Workplace, tip: Tip, make_plan: MakePlan) -> None:
        self._place = place
        self._tip = tip
        place.progress.stage("planning")
        self._plan = make_plan(tip)
        refuse_invalid(tip, self._plan)

    def report(self) -> SnapshotReport:
        """Says what the plan changes."""
        plan = self._plan
        return SnapshotReport(
            plan.origin,
            plan.counts(),
            [file.path for file in plan.files],
            plan.left_alone,
            plan.conflicts,
        )

    def commit(self, journal: Journal, directory: Path) -> SnapshotReport:
        """Makes the snapshot, and shows it where the branch is checked out."""
        place, tip = self._place, self._tip
        report = self.report()
        if self._plan.is_empty or self._plan.conflicts or tip.commit_id is None:
            return report
        self.refuse_edits()
        repository, branch = place.repository, place.publication.branch
        instant = next_instant(repository, branch, place.clock, place.overrides)
        report.snapshot = format_tag(instant)
        place.progress.stage("committing")
        derived = self._build(tip.commit_id, instant, directory)
        report.commit = seal_derived(repository, derived, journal, directory)
        if is_shown(repository, branch):
            report.is_shown = True
            files = len(self._plan.targets) + len(self._plan.files) + 1
            place.progress.stage("refreshing files", files)
            journal.touch()
            view = place.view.show_next(tip.commit_id, report.commit)
            report.warnings += view_warnings(view, "replace")
            if view.failure is not None:
                report.not_shown = not_shown(view.failure, report.snapshot)
        return report

    def refuse_edits(self) -> None:
        """Stops where a file that has to change holds a person's edit.

        Raises:
            DecisionNeededError: The files are named.
        """
        repository = self._place.repository
        if not is_shown(repository, self._place.publication.branch):
            return
        assert repository.worktree is not None  # noqa: S101 - it is shown
        edited = list(_edited(repository.worktree, self._changes()))
        if not edited:
            return
        more = f" and {len(edited) - 1} more" if len(edited) > 1 else ""
        message = f"'{edited[0]}'{more} was edited and would have to change"
        hint = f"commit the edit, or discard it: git checkout -- {edited[0]}"
        raise DecisionNeededError(message, where=edited[0], hint=hint)

    def _changes(self) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
        """Yields path, blob now and blob then of all files that change."""
        for target in self._plan.targets:
            yield target.path, target.current, target.wanted
        for file in self._plan.files:
            yield file.path.encode(), file.current, file.wanted
        if not self._plan.is_empty:
            path = MANIFEST_PATH.encode()
            manifest = next_manifest(self._tip, self._plan).to_bytes()
            yield path, self._tip.tree.blob(path), blob_of(manifest)

    def _build(self, tip: ObjectId, instant: datetime, directory: Path) -> Derived:
        writer = FragmentWriter(directory / "objects", 0)
        tree = write_tree(self._tip, self._plan, writer)
        message = self._message(format_tag(instant)).commit_text()
        branch = self._place.publication.branch
        return Derived(branch, tip, tree, writer, instant, message)

    def _message(self, tag: str) -> SnapshotMessage:
        place, tip = self._place, self._tip.commit_id
        last = None if tip is None else refs.last_snapshot(place.repository, tip)
        return SnapshotMessage(
            tag=tag,
            mode=None,
            source=None if last is None else last.trailer(SOURCE),
            version=place.publication.version,
            counts=self._plan.counts(),
            documents=[file.path for file in self._plan.files],
            overrides=[Override.CLOCK.value] if Override.CLOCK in place.overrides else [],
            origin=self._plan.origin,
        )


def _edited(
    worktree: Path, changes: Iterator[tuple[bytes, bytes | None, bytes | None]]
) -> Iterator[str]:
    directories = OpenDirectories(worktree)
    try:
        for path, current, wanted in sorted(changes, key=lambda change: change[0]):
            if _is_edited(directories, path, current, wanted):
                yield os.fsdecode(path)
    finally:
        directories.close()


def _is_edited(
    directories: OpenDirectories, path: bytes, current: bytes | None, wanted: bytes | None
) -> bool:
    directory, _, name = path.rpartition(b"/")
    try:
        found = directories.enter(directory)
    except ObstructedError:
        return True
    if not isinstance(found, int):
        return current is not None
    state = file_state(found, name)
    if state.kind is FileKind.ABSENT:
        return current is not None
    return state.blob is None or state.blob not in {current, wanted}
