"""Snapshots from the newest to the oldest, and the life of one document through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from gitexport.compare.changes import document_changes, with_fields
from gitexport.compare.nearest import no_entity
from gitexport.compare.stored import StoredHistory
from gitexport.history.life import life_steps
from gitexport.history.query import LogQuery, snapshots_in_period
from gitexport.history.summary import SnapshotSummary, summarise
from gitexport.model.address import Address
from gitexport.model.changeset import ChangeKind, DocumentChange
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs


@dataclass(frozen=True, slots=True)
class DocumentEvent:
    """What one snapshot did to one document, against the snapshot before it."""

    snapshot: SnapshotSummary
    change: DocumentChange


def log_snapshots(
    history: StoredHistory, tip: ObjectId, query: LogQuery, address: Address | None = None
) -> Iterator[tuple[Commit, SnapshotSummary]]:
    """Walks the snapshots, newest first.

    With an address, those that changed documents of it; with a pointer in it, such fields.

    Raises:
        UsageError: There is no such entity, in the configuration or in any snapshot.
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    meant = snapshots_in_period(history.repository, tip, query)
    if query.author is None and address is None:
        # Commits that are only passed over need not be read.
        for commit_id in islice(meant, query.skip, None):
            commit = refs.read_commit(history.repository, commit_id)
            yield commit, summarise(commit)
        return
    if address is not None:
        require_known(history, tip, address.entity)
    commits = (refs.read_commit(history.repository, commit_id) for commit_id in meant)
    found = (
        (commit, summary)
        for commit, summary in ((commit, summarise(commit)) for commit in commits)
        if query.is_by_author(commit)
        and (address is None or _touches(history, commit, summary, address))
    )
    yield from islice(found, query.skip, None)


def log_document(
    history: StoredHistory, tip: ObjectId, query: LogQuery, address: Address
) -> Iterator[DocumentEvent]:
    """Walks the snapshots that changed one document, newest first, with the changed fields.

    With a pointer in the address, modifications of other fields are left out.

    Raises:
        UsageError: The address does not name one document, or no snapshot ever held it.
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    return islice(_events(history, tip, query, address), query.skip, None)


def _events(
    history: StoredHistory, tip: ObjectId, query: LogQuery, address: Address
) -> Iterator[DocumentEvent]:
    for step in life_steps(history, tip, address):
        name = step.snapshot.snapshot or ""
        if query.is_too_old(name):
            return
        if query.is_too_new(name) or not query.is_by_author(step.snapshot):
            continue
        change = _settle(history, step.change, address)
        if change is not None:
            yield DocumentEvent(summarise(step.snapshot), change)


def _touches(
    history: StoredHistory, commit: Commit, summary: SnapshotSummary, address: Address
) -> bool:
    names = history.names_of(address.entity)
    if not summary.counts.keys() & set(names):
        return False
    if address.parts is None and not address.pointer:
        return True
    return any(changes_of(history, commit, address))


def changes_of(
    history: StoredHistory, commit: Commit, address: Address | None
) -> Iterator[DocumentChange]:
    """Yields the documents of an address that a commit changed, with the fields it means.

    Raises:
        CorruptRepositoryError: An object on the way is missing or damaged.
    """
    for change in document_changes(history, commit, address):
        settled = _settle(history, change, address)
        if settled is not None:
            yield settled


def _settle(
    history: StoredHistory, change: DocumentChange, address: Address | None
) -> DocumentChange | None:
    """Compares the fields; None where only others changed than those that are meant."""
    settled = with_fields(history, change, address)
    if address is None or not address.pointer or settled.fields or settled.reason is not None:
        return settled
    is_elsewhere = settled.kind in {ChangeKind.MODIFIED, ChangeKind.REWRITTEN}
    return None if is_elsewhere else settled


def require_known(history: StoredHistory, tip: ObjectId, name: str) -> None:
    """Makes sure that some snapshot holds, or held, an entity.

    Raises:
        UsageError: None does; the hint names the nearest.
    """
    newest = refs.last_snapshot(history.repository, tip)
    tree = history.at(bytes.fromhex(newest.tree_id) if newest else None)
    if tree.entity(name) is not None:
        return
    names = set(history.names_of(name))
    for commit in refs.snapshots(history.repository, tip):
        if names & summarise(commit).counts.keys():
            return
    raise no_entity(history, tree, name)
