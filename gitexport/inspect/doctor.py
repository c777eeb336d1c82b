"""Looks for what would stop or endanger exports here, from the machine to the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gitexport.compare.stored import StoredHistory
from gitexport.errors import GitExportError
from gitexport.export.message import SOURCE
from gitexport.inspect.database import check_database
from gitexport.inspect.documents import check_documents
from gitexport.inspect.finding import Finding, failed, ok
from gitexport.inspect.git_state import check_hooks, check_remote, check_repository, check_state
from gitexport.inspect.machine import check_clock, check_disk
from gitexport.model.entity import Publication
from gitexport.model.ports import Clock, Progress, Source
from gitexport.model.tracking import TrackingAdmin
from gitexport.store import refs
from gitexport.store.journal import read_state
from gitexport.store.repository import DataRepository


@dataclass(frozen=True, slots=True)
class Patient:
    """What doctor looks at. `trust` accepts the configuration's SQL, or raises.

    `open_source` connects, and gives the same database in its two roles.
    """

    repository: DataRepository
    publication: Publication
    trust: Callable[[], None]
    open_source: Callable[[], tuple[Source, TrackingAdmin]]


def examine(patient: Patient, clock: Clock, progress: Progress) -> Iterator[Finding]:
    """Looks at everything and goes on after each failure; changes nothing."""
    repository, publication = patient.repository, patient.publication
    branch = publication.branch
    for stage, check in (
        ("looking at the repository", lambda: check_repository(repository, branch)),
        ("looking at unfinished work", lambda: check_state(repository, branch)),
        ("looking at hooks", lambda: check_hooks(repository)),
        ("looking at documents", lambda: _look_at_snapshots(patient, clock)),
        ("asking the remote", lambda: _look_at_remote(patient)),
        ("asking the database", lambda: _look_at_database(patient)),
    ):
        progress.stage(stage)
        yield from _guarded(stage.rpartition(" ")[2], check)


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Makes a failed check a finding, so that the others still run."""
    try:
        yield from check()
    except GitExportError as failure:
        yield failed(name, failure)


def _look_at_snapshots(patient: Patient, clock: Clock) -> Iterator[Finding]:
    repository = patient.repository
    tip = refs.tip(repository, patient.publication.branch)
    last = None if tip is None else refs.last_snapshot(repository, tip)
    names = [read_state(repository).last_tag, last and last.snapshot]
    yield from check_clock(clock(), max((name for name in names if name), default=None))
    tree = StoredHistory(repository, patient.publication).at(
        None if tip is None else repository.tree_of(tip)
    )
    size = sum(entity.size_bytes for entity in tree.manifest.entities.values())
    yield from check_disk(repository.objects, size)
    for entity in patient.publication.entities:
        yield from check_documents(repository, tree, entity)


def _look_at_remote(patient: Patient) -> Iterator[Finding]:
    tip = refs.tip(patient.repository, patient.publication.branch)
    return check_remote(patient.repository, patient.publication, tip)


def _look_at_database(patient: Patient) -> Iterator[Finding]:
    try:
        patient.trust()
        yield ok("configuration", "gitexport.toml can be read, and its SQL is accepted")
    except GitExportError as failure:
        yield failed("configuration", failure)
        return
    tip = refs.tip(patient.repository, patient.publication.branch)
    last = None if tip is None else refs.last_snapshot(patient.repository, tip)
    source, tracking = patient.open_source()
    last_source = None if last is None else last.trailer(SOURCE)
    yield from check_database(source, tracking, patient.publication, last_source)
