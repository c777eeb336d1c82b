"""Brings the files of a data repository to the configured layout: one commit of pure renames.

No row is read and no document's bytes change, so the source's flags stay what they are: the
commit says that it is setup, which never counts as an edit of people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gitexport.compare.stored import StoredHistory
from gitexport.errors import DecisionNeededError, GitExportError
from gitexport.export.derived import Derived, next_instant, seal_derived
from gitexport.export.deriving import deriving, view_warnings
from gitexport.export.message import SETUP, SNAPSHOT, SOURCE, VERSION
from gitexport.export.view import View, is_shown, not_shown
from gitexport.model.entity import Publication
from gitexport.model.ports import Clock, Progress
from gitexport.model.snapshot import ObjectId, format_tag
from gitexport.setup.layout_plan import LayoutPlan, MovedEntity, plan_layout
from gitexport.store import refs
from gitexport.store.journal import Journal
from gitexport.store.pack import FragmentWriter, ObjectKind
from gitexport.store.repository import DataRepository
from gitexport.store.status_check import edited_files
from gitexport.store.trees import rewrite_directories

_MANY = 1_000_000_000


@dataclass(slots=True)
class RelayoutReport:
    """What a relayout did, or would do in a dry run; no commit where nothing has to move.

    `not_shown` is what kept the working tree from being brought to the snapshot.
    """

    entities: list[MovedEntity] = field(default_factory=list)
    files: int = 0
    snapshot: str | None = None
    commit: ObjectId | None = None
    is_dry_run: bool = False
    is_shown: bool = False
    not_shown: GitExportError | None = None
    warnings: list[str] = field(default_factory=list)


def relayout(
    repository: DataRepository,
    publication: Publication,
    *,
    clock: Clock,
    progress: Progress,
    dry_run: bool = False,
) -> RelayoutReport:
    """Moves documents to where the configuration wants them, as one tagged snapshot.

    A dry run takes no lock and writes nothing.

    Raises:
        LockedError: Another run is busy here.
        DecisionNeededError: A document that has to move was edited, another file is in its
            way, or the clock is behind; nothing was changed.
        ConfigError: The configured key or shard does not fit the documents.
    """
    if dry_run:
        return _Relayout(repository, publication, clock, progress).preview()
    view = View(repository, publication.branch, progress, publication)
    with deriving(view) as run:
        moving = _Relayout(repository, publication, clock, progress)
        report = moving.commit(run.journal, run.directory, view)
    report.warnings[:0] = run.repairs
    return report


class _Relayout:
    """One relayout, from the look at the tip to the refreshed working tree."""

    def __init__(
        self, repository: DataRepository, publication: Publication, clock: Clock, progress: Progress
    ) -> None:
        self._repository = repository
        self._publication = publication
        self._clock = clock
        self._progress = progress
        self._branch = publication.branch
        self._tip = refs.tip(repository, self._branch)
        history = StoredHistory(repository, publication)
        self._tree = history.at(None if self._tip is None else repository.tree_of(self._tip))
        progress.stage("planning the layout")
        self._plan: LayoutPlan = plan_layout(history, self._tree)

    def preview(self) -> RelayoutReport:
        """Reports what would move."""
        if self._plan.moves:
            self._refuse_edits()
        return RelayoutReport(self._plan.moves, self._plan.files, is_dry_run=True)

    def commit(self, journal: Journal, directory: Path, view: View) -> RelayoutReport:
        """Moves the documents in one commit, and shows it where the branch is checked out."""
        report = RelayoutReport(self._plan.moves, self._plan.files)
        if not self._plan.moves or self._tip is None:
            return report
        self._refuse_edits()
        instant = next_instant(self._repository, self._branch, self._clock)
        report.snapshot = format_tag(instant)
        derived = self._build(self._tip, instant, directory)
        self._progress.stage("committing")
        report.commit = seal_derived(self._repository, derived, journal, directory)
        if is_shown(self._repository, self._branch):
            report.is_shown = True
            self._progress.stage("moving files", self._plan.files)
            journal.touch()
            shown = view.show_next(self._tip, report.commit)
            report.warnings += view_warnings(shown, "move")
            if shown.failure is not None:
                report.not_shown = not_shown(shown.failure, report.snapshot)
        return report

    def _refuse_edits(self) -> None:
        repository = self._repository
        if not is_shown(repository, self._branch) or repository.worktree is None:
            return
        edited = edited_files(repository.gitdir, repository.worktree, limit=_MANY) or []
        moving = [path for path in edited if self._plan.is_source(path.encode())]
        if moving:
            more = f" and {len(moving) - 1} more" if len(moving) > 1 else ""
            message = f"'{moving[0]}'{more} was edited and would have to move"
            hint = f"commit the edit, or discard it: git checkout -- {moving[0]}"
            raise DecisionNeededError(message, where=moving[0], hint=hint)

    def _build(self, tip: ObjectId, instant: datetime, directory: Path) -> Derived:
        writer = FragmentWriter(directory / "objects", 0)
        for content in self._plan.contents.values():
            if content is not None:
                writer.add(ObjectKind.BLOB, content)
        self._progress.stage("writing directories")
        tree = rewrite_directories(
            self._tree.reader, self._plan.edits(), {}, lambda raw: writer.add(ObjectKind.TREE, raw)
        )
        message = self._message(format_tag(instant))
        return Derived(self._branch, tip, tree, writer, instant, message)

    def _message(self, tag: str) -> str:
        moves = self._plan.moves
        noun = "file" if self._plan.files == 1 else "files"
        entities = "entity" if len(moves) == 1 else "entities"
        subject = f"relayout {tag}: {self._plan.files} {noun} in {len(moves)} {entities}"
        body = [
            f"{move.name}: {move.files} from {move.from_directory} ({move.from_shard})"
            f" to {move.to_directory} ({move.to_shard})"
            + (f", before named {move.former_name}" if move.former_name else "")
            + (f", before by {', '.join(move.former_key)}" if move.former_key else "")
            for move in moves
        ]
        trailers = [f"{SNAPSHOT}: {tag}", f"{SETUP}: relayout"]
        last = None if self._tip is None else refs.last_snapshot(self._repository, self._tip)
        source = None if last is None else last.trailer(SOURCE)
        if source:
            trailers.append(f"{SOURCE}: {source}")
        trailers.append(f"{VERSION}: {self._publication.version}")
        return "\n\n".join([subject, "\n".join(body), "\n".join(trailers)]) + "\n"
