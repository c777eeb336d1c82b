"""What differs between two snapshots, as values: documents, and fields inside of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import Enum

from gitexport.model.absent import ABSENT, Absent
from gitexport.model.ports import Key
from gitexport.model.snapshot import ObjectId

__all__ = [
    "ABSENT",
    "DATABASE",
    "Absent",
    "ChangeCounts",
    "ChangeKind",
    "ChangedFile",
    "ComparedSide",
    "DocumentChange",
    "FieldChange",
    "FileRole",
]

DATABASE = "@database"
"""How the live database is named where a snapshot could stand."""


class ChangeKind(str, Enum):
    """How a document differs."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"
    """The same bytes stand at another path, or the same document has another key."""
    REWRITTEN = "rewritten"
    """Other bytes say the same."""

    @property
    def mark(self) -> str:
        """The sign by which lists show the kind."""
        return _MARKS[self]


_ALWAYS_SHOWN = (ChangeKind.ADDED, ChangeKind.MODIFIED, ChangeKind.DELETED)
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
    deleted document its last one; `old_path` is set where it was another, `old_key` where
    the key was. Blobs are 40 hex digits. `reason` says why fields were not compared.
    """

    entity: str
    key: Key | None
    kind: ChangeKind
    path: str
    old_path: str | None = None
    old_blob: str | None = None
    new_blob: str | None = None
    fields: tuple[FieldChange, ...] = ()
    old_key: Key | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """What is compared: a commit, with its tag where it is a snapshot, or the live database."""

    commit: ObjectId | None = None
    snapshot: str | None = None

    @property
    def name(self) -> str:
        """The tag, else the commit's id, else `@database`."""
        return self.snapshot or self.commit or DATABASE


class FileRole(str, Enum):
    """What a file is that is no entity's document."""

    CONFIGURATION = "configuration"
    MANIFEST = "manifest"
    RELATION = "relation"
    DOCUMENT = "document"
    """Made by one query (`[documents]`)."""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One managed file that differs and is no entity's document. Blobs are 40 hex digits."""

    path: str
    role: FileRole
    kind: ChangeKind
    old_blob: str | None = None
    new_blob: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """How many documents differ, by kind; the members are named as the kinds are."""

    added: int = 0
    modified: int = 0
    deleted: int = 0
    renamed: int = 0
    rewritten: int = 0

    @property
    def total(self) -> int:
        """The number of documents that differ."""
        return sum(getattr(self, field.name) for field in fields(self))

    def plus(self, kind: ChangeKind) -> ChangeCounts:
        """Counts one more of a kind."""
        return replace(self, **{kind.value: getattr(self, kind.value) + 1})

    def __add__(self, other: ChangeCounts) -> ChangeCounts:
        names = [field.name for field in fields(self)]
        return ChangeCounts(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def __str__(self) -> str:
        numbers = {kind: getattr(self, kind.value) for kind in ChangeKind}
        return " ".join(
            f"{kind.mark}{number}"
            for kind, number in numbers.items()
            if number or kind in _ALWAYS_SHOWN
        )
