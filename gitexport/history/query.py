"""Which snapshots of a branch are meant: by time, by who, and how many are passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gitexport.model.snapshot import Commit, ObjectId, format_tag
from gitexport.store import refs
from gitexport.store.repository import DataRepository

_ALMOST_A_SECOND = timedelta(microseconds=999_999)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """By default every snapshot.

    `since` and `until` belong to the period. `author` is a part of the author's name and
    address, small and capital letters alike. `skip` leaves out the newest of what is left.
    """

    since: datetime | None = None
    until: datetime | None = None
    author: str | None = None
    skip: int = 0

    def is_by_author(self, commit: Commit) -> bool:
        """Tells whether a commit is by who is meant."""
        return self.author is None or self.author.casefold() in commit.author.casefold()

    def is_too_old(self, name: str) -> bool:
        """Tells whether the period begins after a snapshot, and after all that are older."""
        return self.since is not None and name < format_tag(self.since + _ALMOST_A_SECOND)

    def is_too_new(self, name: str) -> bool:
        """Tells whether the period ends before a snapshot."""
        return self.until is not None and name > format_tag(self.until)


def snapshots_in_period(
    repository: DataRepository, tip: ObjectId, query: LogQuery
) -> Iterator[ObjectId]:
    """Walks the snapshots of the period, newest first, and gives their commits.

    Raises:
        CorruptRepositoryError: A commit on the way is missing or damaged.
    """
    for commit_id, name in refs.snapshot_names(repository, tip):
        if query.is_too_old(name):
            return
        if not query.is_too_new(name):
            yield commit_id
