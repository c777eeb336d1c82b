"""How a data repository stands: what is pending, the last snapshot, the remote, repairs.

Works without the database, and says so. Nothing is written, no lock is taken, and the
network is used only where that was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gitexport.compare.stored import StoredHistory, StoredTree
from gitexport.errors import GitExportError
from gitexport.export.lineage import is_managed_path, trace_lineage
from gitexport.inspect.behind import files_differing, is_behind
from gitexport.inspect.pending import EntityStatus, read_pending
from gitexport.model.entity import Publication
from gitexport.model.ports import Clock, Fence, Source
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs
from gitexport.store.in_step import in_step_at
from gitexport.store.journal import read_state
from gitexport.store.lock import lock_holder
from gitexport.store.recovery import repairs_needed
from gitexport.store.repository import DataRepository
from gitexport.store.upstream import Upstream, asked_upstream, known_upstream

_BEHIND = (
    "files are not yet those of the last snapshot: 'gitexport doctor --repair' brings them along;"
    " do not commit them before"
)


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """What to look at. `max_age` asks for a verdict; `asks_remote` allows the network."""

    max_age: timedelta | None = None
    asks_remote: bool = False


@dataclass(slots=True)
class StatusReport:
    """How a data repository stands.

    `in_step_at` is when everything pending was last known to be in the branch: the last
    snapshot, or a later export that found nothing. `pending` and `deleted` are None where
    they cannot be told. `documents_refused` are files whose query failed in the last export,
    which the next one tries again. `reads_all` says why the next export reads every row.
    `foreign` are commits by people that it stops at. `repairs` say what does them. `failures`
    kept parts of this report from being made. `is_stale` is None where no verdict was asked for.
    """

    branch: str
    is_checked_out: bool
    snapshot: str | None = None
    commit: ObjectId | None = None
    exported_at: datetime | None = None
    in_step_at: datetime | None = None
    age_seconds: int | None = None
    database: str | None = None
    entities: list[EntityStatus] = field(default_factory=list)
    pending: int | None = None
    deleted: int | None = None
    documents_refused: list[str] = field(default_factory=list)
    reads_all: str | None = None
    foreign: list[str] = field(default_factory=list)
    remote: Upstream | None = None
    repairs: list[str] = field(default_factory=list)
    edits_left: list[str] = field(default_factory=list)
    locked_by: str | None = None
    is_stale: bool | None = None
    warnings: list[str] = field(default_factory=list)
    failures: list[GitExportError] = field(default_factory=list)

    @property
    def has_work(self) -> bool:
        """Tells whether an export would find something, or cannot be known not to."""
        counts = (self.pending, self.deleted)
        if self.reads_all is not None or self.documents_refused:
            return True
        return any(count is None or count > 0 for count in counts)


def read_status(
    repository: DataRepository,
    publication: Publication,
    source: Source | GitExportError,
    options: StatusOptions,
    clock: Clock,
) -> StatusReport:
    """Looks at repository, database and, if asked, remote.

    `source` is the database, or why it cannot be asked.

    Raises:
        CorruptRepositoryError: The repository is damaged.
        MachineError: The machine refused.
    """
    branch = publication.branch
    report = StatusReport(branch, repository.checked_out_branch() == branch)
    tip = refs.tip(repository, branch)
    root = None if tip is None else repository.tree_of(tip)
    tree = StoredHistory(repository, publication).at(root)
    _read_snapshot(report, repository, tip, clock)
    _read_repository(report, repository, publication, tip)
    report.entities = [
        EntityStatus(entity.name, _count(tree, entity.name)) for entity in publication.entities
    ]
    try:
        if isinstance(source, GitExportError):
            raise source
        report.database = source.identity().database
        fence = source.peek(publication.repository_id, publication.entities)
        report.warnings += fence.warnings
        _read_lineage(report, repository, publication, tree, tip, fence)
        _count_pending(report, source, publication, fence)
    except GitExportError as error:
        report.failures.append(error)
    if tip is not None:
        _read_remote(report, repository, publication, tip, asks=options.asks_remote)
    if options.max_age is not None:
        report.is_stale = _is_stale(report, options.max_age, clock())
    return report


def _count_pending(
    report: StatusReport, source: Source, publication: Publication, fence: Fence
) -> None:
    report.entities = read_pending(source, publication.entities, fence, report.entities)
    report.failures += [entity.failure for entity in report.entities if entity.failure]
    report.pending = _total([entity.pending for entity in report.entities])
    report.deleted = _total([entity.deleted for entity in report.entities])


def _read_snapshot(
    report: StatusReport, repository: DataRepository, tip: ObjectId | None, clock: Clock
) -> None:
    last: Commit | None = None if tip is None else refs.last_snapshot(repository, tip)
    noted = in_step_at(repository)
    if last is None:
        return
    report.snapshot, report.commit = last.snapshot, last.commit_id
    report.exported_at = last.committed_at
    report.age_seconds = int((clock() - last.committed_at).total_seconds())
    report.in_step_at = max(noted or last.committed_at, last.committed_at)


def _read_repository(
    report: StatusReport,
    repository: DataRepository,
    publication: Publication,
    tip: ObjectId | None,
) -> None:
    state = read_state(repository)
    configured = {document.path for document in publication.documents}
    report.documents_refused = [path for path in state.documents_refused if path in configured]
    report.locked_by = lock_holder(repository)
    # A run that is at work did not end either, and needs no repair.
    if report.locked_by is None:
        left = repairs_needed(repository, report.branch)
        report.repairs = [f"{repair}; the next export does it" for repair in left]
        if is_behind(repository, report.branch):
            report.repairs.append(_BEHIND)
    if tip is not None and repository.worktree is not None and report.is_checked_out:
        report.edits_left = list(files_differing(repository, tip, state.edits_left))


def _count(tree: StoredTree, name: str) -> int:
    stored = tree.entity(name)
    return 0 if stored is None else stored.manifest.count


def _read_lineage(  # noqa: PLR0913, PLR0917 - what the flags depend on
    report: StatusReport,
    repository: DataRepository,
    publication: Publication,
    tree: StoredTree,
    tip: ObjectId | None,
    fence: Fence,
) -> None:
    documents = {document.path for document in publication.documents}
    stored = [found for entity in publication.entities if (found := tree.entity(entity.name))]
    tests = [lambda path, paths=found.paths: paths.parse(path) is not None for found in stored]
    lineage = trace_lineage(
        repository,
        tip,
        fence,
        read_state(repository).acknowledged,
        lambda path: is_managed_path(path, documents, tests),
    )
    report.foreign = [
        f"{commit.commit_id[:10]} '{commit.subject[:60]}'" for commit in lineage.foreign
    ]
    if report.snapshot is None:
        report.reads_all = "there is no snapshot yet"
    elif lineage.foreign:
        report.reads_all = "people committed to managed paths"
    elif not lineage.is_trusted and fence.tracked:
        report.reads_all = "the flags do not speak of this branch's tip"


def _total(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _read_remote(
    report: StatusReport,
    repository: DataRepository,
    publication: Publication,
    tip: ObjectId,
    *,
    asks: bool,
) -> None:
    name = publication.remote
    report.remote = known_upstream(repository, name, publication.branch, tip)
    if not asks:
        return
    try:
        report.remote = asked_upstream(repository, name, publication.branch, tip)
    except GitExportError as error:
        report.warnings.append(error.message)


def _is_stale(report: StatusReport, max_age: timedelta, now: datetime) -> bool:
    if report.in_step_at is None:
        return True
    return report.has_work and now - report.in_step_at > max_age
