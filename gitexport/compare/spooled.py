"""Changes and documents that are in no repository, kept in a temporary file.

The file has no name, and goes with the process that made it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from gitexport.errors import CorruptRepositoryError, MachineError
from gitexport.model.changeset import ChangeKind, DocumentChange

_SCHEMA = """
CREATE TABLE changes (
    entity TEXT, path TEXT, key TEXT, kind TEXT, old_path TEXT, old_blob BLOB, new_blob BLOB,
    reason TEXT, content BLOB, PRIMARY KEY (entity, path)
);
CREATE INDEX contents ON changes (new_blob);
"""


class Spool:
    """Changes by entity, and the documents of the side that is in no repository."""

    def __init__(self) -> None:
        # An empty name is a file of its own, which only the cache keeps in memory.
        self._database = sqlite3.connect("", isolation_level=None)
        with _translated():
            self._database.executescript(_SCHEMA)
            self._database.execute("BEGIN")

    def add(self, change: DocumentChange, content: bytes | None) -> bool:
        """Keeps a change and the new document; False if its path has one already."""
        row = (
            change.entity,
            change.path,
            None if change.key is None else json.dumps(change.key),
            change.kind.value,
            change.old_path,
            _binary(change.old_blob),
            _binary(change.new_blob),
            change.reason,
            content,
        )
        with _translated():
            statement = f"INSERT OR IGNORE INTO changes VALUES ({','.join('?' * len(row))})"  # noqa: S608 - marks only
            return self._database.execute(statement, row).rowcount == 1

    def changes(self, entity: str) -> Iterator[DocumentChange]:
        """Yields the changes of an entity, sorted by path."""
        with _translated():
            found = self._database.execute(
                "SELECT path, key, kind, old_path, old_blob, new_blob, reason FROM changes"
                " WHERE entity = ? ORDER BY path",
                (entity,),
            )
            for path, key, kind, old_path, old_blob, new_blob, reason in found:
                yield DocumentChange(
                    entity,
                    None if key is None else tuple(json.loads(key)),
                    ChangeKind(kind),
                    path,
                    old_path,
                    _hex(old_blob),
                    _hex(new_blob),
                    reason=reason,
                )

    def read_blob(self, blob_id: bytes) -> bytes:
        """Gives the bytes of a document.

        Raises:
            CorruptRepositoryError: There is none of this id.
        """
        return bytes(self._of(blob_id, "content"))

    def blob_size(self, blob_id: bytes) -> int:
        """Gives the number of a document's bytes.

        Raises:
            CorruptRepositoryError: There is none of this id.
        """
        return int(self._of(blob_id, "length(content)"))

    def close(self) -> None:
        """Drops everything; safe to call twice."""
        self._database.close()

    def _of(self, blob_id: bytes, what: str) -> bytes:
        with _translated():
            statement = f"SELECT {what} FROM changes WHERE new_blob = ? LIMIT 1"  # noqa: S608 - ours
            found: tuple[bytes] | None = self._database.execute(statement, (blob_id,)).fetchone()
        if found is None:
            message = f"the document '{blob_id.hex()}' is missing"
            raise CorruptRepositoryError(message, where=blob_id.hex())
        return found[0]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        message = f"the differing documents cannot be kept in a temporary file: {error}"
        raise MachineError(message, hint="make room, or set TMPDIR") from error


def _binary(blob: str | None) -> bytes | None:
    return None if blob is None else bytes.fromhex(blob)


def _hex(blob: bytes | None) -> str | None:
    return None if blob is None else blob.hex()
