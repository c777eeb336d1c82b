"""Opens the snapshot that a text names: in a data repository, behind a URL, in an archive."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitexport.api.archive import open_archive, open_commit
from gitexport.api.session import read_publication
from gitexport.compare.stored import StoredHistory
from gitexport.errors import UsageError
from gitexport.export.message import SOURCE
from gitexport.model.ports import Progress
from gitexport.store.clone import clone_bare, is_url
from gitexport.store.repository import DataRepository
from gitexport.store.revisions import is_rev, resolve
from gitexport.transfer.snapshot_changes import SnapshotChanges
from gitexport.transfer.snapshot_source import SnapshotSource


@dataclass(frozen=True, slots=True)
class OpenedSnapshot:
    """A snapshot that is open for reading, and what it changed since a base, if there is one.

    `origin` names the database that it was made from, None where that is not known.
    """

    source: SnapshotSource
    origin: str | None = None
    changes: SnapshotChanges | None = None


def split_source(text: str, here: Path) -> tuple[str, str | None]:
    """Splits SOURCE[@REV]. What follows the last `@` counts only if it has the form of a REV.

    A path that exists as it is written is the whole of a source.
    """
    place, at, rev = text.rpartition("@")
    if not at or not place or not is_rev(rev) or (here / text).exists():
        return text, None
    return place, rev


@contextmanager
def open_snapshot(
    text: str, here: Path, *, base: str | None, progress: Progress
) -> Iterator[OpenedSnapshot]:
    """Opens the snapshot that SOURCE[@REV] names; without a REV, the latest.

    Raises:
        UsageError: There is no such source or snapshot, or a base is asked of an archive.
        PublishError: A URL could not be cloned.
        CorruptRepositoryError: What is there is damaged.
    """
    place, rev = split_source(text, here)
    path = here / place
    if path.is_file():
        yield from _archived(path, rev, base)
    elif path.is_dir():
        yield _stored(DataRepository.discover(path), place, rev, base)
    elif is_url(place):
        progress.stage("cloning")
        with tempfile.TemporaryDirectory(prefix="gitexport-import-") as directory:
            yield _stored(clone_bare(place, Path(directory)), place, rev, base)
    else:
        message = f"'{place}' is neither a data repository nor an archive nor a URL"
        hint = "name a directory, a file made by 'gitexport archive', or a URL to clone"
        raise UsageError(message, where="SOURCE", hint=hint)


def _archived(path: Path, rev: str | None, base: str | None) -> Iterator[OpenedSnapshot]:
    if rev is not None or base is not None:
        message = "an archive holds one snapshot: it has neither a REV nor a base"
        raise UsageError(message, where=str(path), hint="name the data repository instead")
    source = open_archive(path)
    try:
        yield OpenedSnapshot(source, source.origin)
    finally:
        source.close()


def _stored(
    repository: DataRepository, place: str, rev: str | None, base: str | None
) -> OpenedSnapshot:
    publication = read_publication(repository)
    commit = resolve(repository, publication.branch, rev or "latest")
    source = open_commit(repository, commit, place)
    origin = commit.trailer(SOURCE)
    if base is None:
        return OpenedSnapshot(source, origin)
    history = StoredHistory(repository, source.publication)
    found = resolve(repository, publication.branch, base)
    return OpenedSnapshot(source, origin, SnapshotChanges(history, found, commit))
