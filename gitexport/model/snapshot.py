"""Snapshots, their tags, and the trailers of their commits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple, NewType

ObjectId = NewType("ObjectId", str)
"""An object's 40 hex digits."""

TAG_PATTERN = re.compile(r"[0-9]{8}-[0-9]{6}")
_TAG_FORMAT = "%Y%m%d-%H%M%S"
INIT_SUBJECT = "gitexport init: "
"""How the subjects of the commits of `gitexport init` begin."""


def format_tag(at: datetime) -> str:
    """Names the tag of an instant, `YYYYMMDD-HHMMSS` in UTC.

    Raises:
        ValueError: The time has no time zone.
    """
    if at.tzinfo is None:
        message = "a snapshot's time needs a time zone"
        raise ValueError(message)
    return at.astimezone(UTC).strftime(_TAG_FORMAT)


def parse_tag(name: str) -> datetime:
    """Reads the instant of a tag's name.

    Raises:
        ValueError: The name is not a snapshot's tag.
    """
    if not TAG_PATTERN.fullmatch(name):
        message = f"'{name}' is not a snapshot's tag"
        raise ValueError(message)
    return datetime.strptime(name, _TAG_FORMAT).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EntityCounts:
    """How many documents of one entity a snapshot added, modified and deleted."""

    added: int = 0
    modified: int = 0
    deleted: int = 0

    def __str__(self) -> str:
        return f"+{self.added} ~{self.modified} -{self.deleted}"

    @property
    def total(self) -> int:
        """The number of documents that differ."""
        return self.added + self.modified + self.deleted


class OriginKind(str, Enum):
    """What makes snapshots besides exports."""

    RESTORE = "restore"
    REVERT = "revert"
    APPLY = "apply"


class Origin(NamedTuple):
    """Where the content of a snapshot comes from that says more than what rows hold.

    `revision` is the snapshot that was restored or reverted (a commit's id where it has no
    tag), or what was applied.
    """

    kind: OriginKind
    revision: str


class Commit(NamedTuple):
    """A commit as the store reads it; `trailers` keep their order and may repeat."""

    commit_id: ObjectId
    tree_id: ObjectId
    parents: tuple[ObjectId, ...]
    author: str
    committed_at: datetime
    message: str
    trailers: tuple[tuple[str, str], ...] = ()

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    def trailer(self, name: str) -> str | None:
        """Finds the first trailer of a name."""
        return next((value for key, value in self.trailers if key == name), None)

    @property
    def snapshot(self) -> str | None:
        """The tag's name, where this commit is a snapshot."""
        return self.trailer("Gitexport-Snapshot")
