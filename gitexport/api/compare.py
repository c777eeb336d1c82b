"""Compares snapshots with each other, and with the live database."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from types import TracebackType

from gitexport.api.session import Session, Settings
from gitexport.compare.commits import compare_commits
from gitexport.compare.comparison import Comparison
from gitexport.compare.live import LiveSide, compare_database
from gitexport.compare.selection import Selection
from gitexport.compare.spooled import Spool
from gitexport.compare.stored import StoredHistory
from gitexport.config.parse import parse_config
from gitexport.errors import ConfigError, UsageError
from gitexport.model.changeset import DATABASE
from gitexport.model.entity import CONFIG_PATH
from gitexport.model.snapshot import Commit
from gitexport.store.revisions import resolve

EVERYTHING = Selection()


class Comparer(AbstractContextManager["Comparer"]):
    """Compares what one data repository holds; comparisons last until it is closed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._repository = session.repository
        self._history = StoredHistory(session.repository, session.publication)
        self._spool: Spool | None = None

    @classmethod
    def open(cls, settings: Settings) -> Comparer:
        """Finds the data repository and parses its configuration.

        Raises:
            UsageError: There is no data repository.
            ConfigError: The configuration says something that cannot be.
        """
        return cls(Session.open(settings))

    def compare(self, base: str, target: str, selection: Selection = EVERYTHING) -> Comparison:
        """Compares two REVs, of which one may be `@database`.

        Raises:
            SnapshotNotFoundError: Nothing answers to one of them.
            UsageError: Both are the database, or the selection names what neither side has.
            DecisionNeededError: The configuration's SQL was not accepted here.
            SourceError: The database cannot be read.
            CorruptRepositoryError: An object is missing or damaged.
        """
        if base == target == DATABASE:
            message = "the database is compared with a snapshot, not with itself"
            raise UsageError(message, where=DATABASE, hint=f"gitexport compare latest {DATABASE}")
        if target == DATABASE:
            return self._with_database(base, selection)
        if base == DATABASE:
            return self._with_database(target, selection, is_base=True)
        commits = self._resolve(base), self._resolve(target)
        documents = {path for commit in commits for path in self._documents(commit)}
        return compare_commits(self._history, *commits, selection, documents)

    def close(self) -> None:
        """Ends the connection and drops what was kept; safe to call twice."""
        if self._spool is not None:
            self._spool.close()
        self._session.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _with_database(
        self, rev: str, selection: Selection, *, is_base: bool = False
    ) -> Comparison:
        commit = self._resolve(rev)
        self._session.accept(remember=False)
        self._spool = Spool()
        with self._session.source.view() as view:
            live = LiveSide(view, self._spool, self._session.settings.progress, is_base)
            return compare_database(self._history, commit, live, selection)

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
