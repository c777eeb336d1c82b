"""What differs between two snapshots, as values: documents, and fields inside of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from gitexport.model.ports import Key


class Absent(Enum):
    """The value of a field that is not there; null is a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class ChangeKind(str, Enum):
    """How a document differs."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"
    """The same bytes stand at another path."""
    REWRITTEN = "rewritten"
    """Other bytes say the same."""

    @property
    def mark(self) -> str:
        """The sign by which lists show the kind."""
        return _MARKS[self]


_MARKS = {
    ChangeKind.ADDED: "+",
    ChangeKind.MODIFIED: "~",
    ChangeKind.DELETED: "-",
    ChangeKind.RENAMED: ">",
    ChangeKind.REWRITTEN: "=",
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: its JSON Pointer and its JSON values as exactly read."""

    pointer: str
    old: object
    new: object


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One document that differs.

    `key` is None where the file's name holds only a part of it. `path` is the new path, of a
    deleted document its last one; `old_path` is set where it was another. Blobs are 40 hex
    digits.
    """

    entity: str
    key: Key | None
    kind: ChangeKind
    path: str
    old_path: str | None = None
    old_blob: str | None = None
    new_blob: str | None = None
    fields: tuple[FieldChange, ...] = ()
