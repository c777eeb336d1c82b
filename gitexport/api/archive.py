"""Snapshots as archives: writes one, and opens one for an import."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitexport.api.session import Session, Settings
from gitexport.api.snapshot_place import open_commit
from gitexport.errors import UsageError
from gitexport.store.durable import sync_directory
from gitexport.store.git_errors import machine_error
from gitexport.store.revisions import resolve
from gitexport.transfer.archive import ArchiveReport, write_archive
from gitexport.transfer.archive_writer import Output


def archive_to_file(settings: Settings, rev: str, path: Path) -> ArchiveReport:
    """Writes a snapshot to a file, which replaces the old one once it is complete.

    Raises:
        SnapshotNotFoundError: Nothing answers to the REV.
        UsageError: The path is that of something else than a file, or its directory does not
            exist.
        MachineError: The machine refused; an old file is still there.
    """
    target = (settings.here / path).resolve()
    reason = _why_not(target)
    if reason is not None:
        message = f"'{path}' {reason}"
        hint = "name a file, as in -f snapshot.tar.gz, or standard output: -f -"
        raise UsageError(message, where=str(path), hint=hint)
    with Session.open(settings) as session, _replacing(target) as output:
        return _archive(session, rev, output)


def archive_to_stream(settings: Settings, rev: str, output: Output) -> ArchiveReport:
    """Writes a snapshot to a stream.

    Raises:
        SnapshotNotFoundError: Nothing answers to the REV.
        BrokenPipeError: The reader went away.
    """
    with Session.open(settings) as session:
        return _archive(session, rev, output)


def _archive(session: Session, rev: str, output: Output) -> ArchiveReport:
    repository = session.repository
    commit = resolve(repository, session.publication.branch, rev)
    source = open_commit(repository, commit, str(repository.path))
    return write_archive(source, commit, output, session.settings.progress)


def _why_not(target: Path) -> str | None:
    """Says why a path cannot become an archive; a file is replaced, and nothing else is."""
    if target.is_dir():
        return "is a directory"
    if not target.parent.is_dir():
        return "is in a directory that does not exist"
    return "is not a regular file" if target.exists() and not target.is_file() else None


@contextmanager
def _replacing(target: Path) -> Iterator[Output]:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with temporary.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(target.parent)
    except OSError as error:
        raise machine_error(error, target) from error
