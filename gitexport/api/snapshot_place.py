"""Opens the snapshot that a text names: in a data repository, behind a URL, in an archive."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitexport.api.session import read_publication
from gitexport.compare.stored import StoredHistory
from gitexport.config.parse import parse_config
from gitexport.errors import CorruptRepositoryError, UsageError
from gitexport.export.message import SOURCE
from gitexport.model.entity import CONFIG_PATH, Publication
from gitexport.model.ports import Progress
from gitexport.model.snapshot import Commit
from gitexport.store.clone import clone_bare, is_url
from gitexport.store.repository import DataRepository
from gitexport.store.revisions import is_rev, resolve
from gitexport.store.trees import TreeReader
from gitexport.transfer.commit_source import CommitSource
from gitexport.transfer.snapshot_source import SnapshotSource

if TYPE_CHECKING:
    # Most imports read a data repository, and have no base.
    from gitexport.transfer.archive_source import ArchiveSource
    from gitexport.transfer.snapshot_changes import SnapshotChanges


class OpenedSnapshot(NamedTuple):
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


def open_archive(path: Path) -> ArchiveSource:
    """Verifies an archive and opens it for an import; `close` ends it.

    Raises:
        UsageError: There is no such file.
        CorruptRepositoryError: It is damaged, hostile, or no archive of gitexport.
        ConfigError: Its configuration says something that cannot be.
    """
    from gitexport.transfer.archive_reader import ArchiveReader
    from gitexport.transfer.archive_source import ArchiveSource

    reader = ArchiveReader(path)
    try:
        configuration = reader.read(CONFIG_PATH) or b""
        return ArchiveSource(reader, parse_config(configuration, file=f"{path}:{CONFIG_PATH}"))
    except BaseException:
        reader.close()
        raise


def open_commit(repository: DataRepository, commit: Commit, place: str) -> CommitSource:
    """Opens a commit of a data repository for an import, with the configuration it holds.

    Raises:
        CorruptRepositoryError: The commit holds no configuration.
        ConfigError: Its configuration says something that cannot be.
    """
    publication = _configuration_of(repository, commit)
    return CommitSource(repository, publication, commit, place)


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
    from gitexport.transfer.snapshot_changes import SnapshotChanges

    history = StoredHistory(repository, source.publication)
    found = resolve(repository, publication.branch, base)
    return OpenedSnapshot(source, origin, SnapshotChanges(history, found, commit))


def _configuration_of(repository: DataRepository, commit: Commit) -> Publication:
    name = commit.snapshot or commit.commit_id
    entry = TreeReader(repository.read_tree, bytes.fromhex(commit.tree_id)).entry(
        CONFIG_PATH.encode()
    )
    if entry is None or entry.is_tree:
        message = f"'{name}' holds no {CONFIG_PATH}"
        raise CorruptRepositoryError(message, where=name)
    return parse_config(repository.read_blob(entry.object_id), file=f"{name}:{CONFIG_PATH}")
