"""Whether the files of a data repository and its database are at the same snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from gitexport.model.entity import Publication
from gitexport.model.ports import Source
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.incoming import is_here
from gitexport.store.repository import DataRepository


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The snapshots that the files show and the database was acknowledged at.

    They differ only where both are known. `is_ahead` tells that the files show snapshots which
    build upon the database's; `is_on_branch` that the configured branch is checked out.
    """

    shown: str | None
    acknowledged: str | None
    is_ahead: bool = False
    is_on_branch: bool = False

    @property
    def differ(self) -> bool:
        """Tells whether both are known, and are not the same."""
        return None not in {self.shown, self.acknowledged} and self.shown != self.acknowledged


def find_whereabouts(
    repository: DataRepository, publication: Publication, source: Source
) -> Whereabouts:
    """Compares the checked-out commit with the one that the database was acknowledged at.

    Raises:
        SourceError: The database cannot be reached.
    """
    head = refs.head(repository)
    shown = None if head is None else refs.last_snapshot(repository, head)
    if head is None or shown is None:
        return Whereabouts(None, None)
    tip = source.peek(publication.repository_id, publication.entities).tip
    known = None if tip is None else _snapshot_of(repository, tip)
    return Whereabouts(
        shown.snapshot,
        known,
        is_ahead=tip is not None and refs.is_ancestor(repository, tip, head),
        is_on_branch=repository.checked_out_branch() == publication.branch,
    )


def _snapshot_of(repository: DataRepository, commit: ObjectId) -> str | None:
    # Another clone may have acknowledged what was never fetched here.
    if not is_here(repository, commit):
        return None
    last = refs.last_snapshot(repository, commit)
    return None if last is None else last.snapshot
