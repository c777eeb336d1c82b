"""The SQLite file of a history: opening it, and knowing whether it may be added to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitexport.errors import LockedError, MachineError, UsageError
from gitexport.history.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION
from gitexport.model.snapshot import ObjectId

_BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of which history a file holds; a file keeps it for ever.

    `since` and `until` are instants as text, None where the part is open there.
    """

    repository_id: str
    branch: str
    addresses: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None

    def members(self) -> dict[str, str | None]:
        """Gives the part as rows of the metadata."""
        return {
            "repository": self.repository_id,
            "branch": self.branch,
            "addresses": json.dumps(self.addresses),
            "since": self.since,
            "until": self.until,
        }


@dataclass(frozen=True, slots=True)
class Loaded:
    """Up to where a file has the history; `notes` is the commit of the notes it has."""

    snapshot: str | None = None
    commit: ObjectId | None = None
    notes: str | None = None


@contextmanager
def open_file(path: Path, *, is_read_only: bool) -> Iterator[sqlite3.Connection | None]:
    """Opens a file, which is made where it is missing; None for a missing one only to read.

    What SQLite raises inside is translated. A file that was made and is still empty at the
    end is removed.

    Raises:
        MachineError: The machine refused.
        LockedError: Another program is writing the file.
        UsageError: It is no SQLite database, or the path is none of a file.
    """
    is_there = path.exists()
    if not path.absolute().parent.is_dir() or path.is_dir():
        what = "is a directory" if path.is_dir() else "is in a directory that is not there"
        message = f"'{path}' {what}"
        raise UsageError(message, where=str(path), hint="name a file to make")
    if is_read_only and not is_there:
        yield None
        return
    connection = None
    try:
        mode = "ro" if is_read_only else "rwc"
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    finally:
        if connection is not None:
            connection.close()
        if not is_there and path.exists() and path.stat().st_size == 0:
            path.unlink()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Keeps everything of a block, or nothing where it fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def is_new(connection: sqlite3.Connection) -> bool:
    """Tells whether a file holds nothing yet."""
    (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(count == 0)


def read_loaded(connection: sqlite3.Connection, path: Path, part: Part) -> Loaded:
    """Tells up to where a file has a history.

    Raises:
        UsageError: The file is no history, is of another repository, or holds another part.
    """
    _refuse_foreign(connection, path)
    found: dict[str, str | None] = dict(
        connection.execute("SELECT name, value FROM metadata").fetchall()
    )
    _refuse_other_part(found, path, part)
    commit = found.get("last_commit")
    return Loaded(
        found.get("last_snapshot"),
        None if commit is None else ObjectId(commit),
        found.get("notes_commit"),
    )


def write_metadata(connection: sqlite3.Connection, members: Mapping[str, str | None]) -> None:
    """Sets rows of the metadata."""
    connection.executemany(
        "INSERT INTO metadata VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        members.items(),
    )


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        message = f"'{path}' is a database, and not one of gitexport history"
        raise UsageError(message, where=str(path), hint="name a file that does not exist yet")
    if version != SCHEMA_VERSION:
        message = f"'{path}' was made by another version of gitexport (its tables have {version})"
        raise UsageError(message, where=str(path), hint=_ANEW)


def _refuse_other_part(found: Mapping[str, str | None], path: Path, part: Part) -> None:
    for name, wanted in part.members().items():
        has = found.get(name)
        if has == wanted:
            continue
        if name == "repository":
            message = f"'{path}' is the history of another data repository"
        else:
            message = f"'{path}' holds another part of the history: {name} {has or 'not given'}"
        raise UsageError(message, where=str(path), hint=_ANEW)


def _translated(error: sqlite3.Error, path: Path) -> Exception:
    text = str(error)
    if "is not a database" in text or "malformed" in text:
        message = f"'{path}' is not a SQLite database, or a damaged one"
        return UsageError(message, where=str(path), hint="name a file that does not exist yet")
    if "locked" in text:
        message = f"another program holds '{path}'"
        return LockedError(message, where=str(path), hint="close it there; nothing was changed")
    if "readonly" in text and path.with_name(f"{path.name}-journal").exists():
        message = f"a run that filled '{path}' was killed, and only looking does not undo its half"
        return MachineError(message, where=str(path), hint="run without --dry-run")
    message = f"cannot write '{path}': {text}"
    return MachineError(message, where=str(path), hint="nothing was changed")


_ANEW = "name another file, or remove this one"
