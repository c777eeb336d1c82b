"""What is known of a snapshot: its commit's words, its manifest, its note, how long it took."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gitexport.canonical.manifest import EntityManifest
from gitexport.compare.stored import StoredHistory
from gitexport.errors import CorruptRepositoryError
from gitexport.history.summary import SnapshotSummary, summarise
from gitexport.model.entity import MANIFEST_PATH
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store.durations import read_durations
from gitexport.store.notes import Notes


@dataclass(frozen=True, slots=True)
class SnapshotDetails:
    """A snapshot with what it holds in all.

    `entities` are as its manifest has them, None where a person made that unreadable.
    `duration_ms` is None where the snapshot was made on another machine or in another clone,
    `note` where nobody wrote one.
    """

    summary: SnapshotSummary
    entities: dict[str, EntityManifest] | None
    duration_ms: int | None
    note: str | None

    @property
    def documents(self) -> int | None:
        """The number of documents."""
        if self.entities is None:
            return None
        return sum(entity.count for entity in self.entities.values())

    @property
    def size_bytes(self) -> int | None:
        """The bytes of all documents."""
        if self.entities is None:
            return None
        return sum(entity.size_bytes for entity in self.entities.values())


class DetailsReader:
    """Reads the details of snapshots; what all of them share is read once."""

    def __init__(self, history: StoredHistory) -> None:
        self._history = history
        self._notes = Notes(history.repository)

    def of(self, commit: Commit, summary: SnapshotSummary | None = None) -> SnapshotDetails:
        """Gives the details of a commit, whose summary may be known already.

        Raises:
            CorruptRepositoryError: An object is missing or damaged.
        """
        return SnapshotDetails(
            summary or summarise(commit),
            self._entities(commit),
            self._durations.get(commit.commit_id),
            self._notes.of(commit.commit_id),
        )

    @cached_property
    def _durations(self) -> dict[ObjectId, int]:
        return read_durations(self._history.repository)

    def _entities(self, commit: Commit) -> dict[str, EntityManifest] | None:
        tree = self._history.at(bytes.fromhex(commit.tree_id))
        try:
            return dict(tree.manifest.entities)
        except CorruptRepositoryError as error:
            if error.where != MANIFEST_PATH:
                raise
            return None
