"""Compares snapshots."""

from __future__ import annotations

from contextlib import suppress

from gitexport.api.session import Session, Settings
from gitexport.compare.commits import compare_commits
from gitexport.compare.comparison import Comparison
from gitexport.compare.selection import Selection
from gitexport.compare.stored import StoredHistory
from gitexport.config.parse import parse_config
from gitexport.errors import ConfigError
from gitexport.model.entity import CONFIG_PATH
from gitexport.model.snapshot import Commit
from gitexport.store.revisions import resolve

EVERYTHING = Selection()


class Comparer:
    """Compares what one data repository holds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._repository = session.repository
        self._history = StoredHistory(session.repository, session.publication)

    @classmethod
    def open(cls, settings: Settings) -> Comparer:
        """Finds the data repository and parses its configuration.

        Raises:
            UsageError: There is no data repository.
            ConfigError: The configuration says something that cannot be.
        """
        return cls(Session.open(settings))

    def compare(self, base: str, target: str, selection: Selection = EVERYTHING) -> Comparison:
        """Compares two REVs.

        Raises:
            SnapshotNotFoundError: Nothing answers to one of them.
            CorruptRepositoryError: An object is missing or damaged.
        """
        commits = self._resolve(base), self._resolve(target)
        documents = {path for commit in commits for path in self._documents(commit)}
        return compare_commits(self._history, *commits, selection, documents)

    def _resolve(self, rev: str) -> Commit:
        return resolve(self._repository, self._session.publication.branch, rev)

    def _documents(self, commit: Commit) -> list[str]:
        """Names the files that were made by queries then."""
        blob = self._history.at(bytes.fromhex(commit.tree_id)).blob(CONFIG_PATH.encode())
        publication = self._session.publication
        if blob is not None:
            # An old commit's that cannot be read is nobody's to mend; today's names do then.
            with suppress(ConfigError):
                publication = parse_config(self._repository.read_blob(blob))
        return [document.path for document in publication.documents]
