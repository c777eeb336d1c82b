"""Writes commit messages: counts and names only, never a value of a row.

Trailers have git's own form, see git-interpret-trailers(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitexport.model.snapshot import EntityCounts, Origin, OriginKind

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
SNAPSHOT = "Gitexport-Snapshot"
MODE = "Gitexport-Mode"
SOURCE = "Gitexport-Source"
COUNTS = "Gitexport-Counts"
VERSION = "Gitexport-Version"
QUARANTINED = "Gitexport-Quarantined"
OVERRIDE = "Gitexport-Override"
SETUP = "Gitexport-Setup"
"""Marks commits of init and its like: they touch managed paths, and no row's content."""

ORIGINS = {
    OriginKind.RESTORE: "Gitexport-Restores",
    OriginKind.REVERT: "Gitexport-Reverts",
    OriginKind.APPLY: "Gitexport-Applies",
}
"""The trailer that says where a snapshot's content comes from."""
_WORDS = {OriginKind.RESTORE: "to", OriginKind.REVERT: "undoes", OriginKind.APPLY: "of"}


@dataclass(frozen=True, slots=True)
class SnapshotMessage:
    """What a snapshot's commit says.

    `mode` is None where no row was read, `source` where no snapshot before says it.
    `quarantined` counts refused rows by entity; `documents_refused` are the paths of documents
    whose query failed.
    """

    tag: str
    mode: str | None
    source: str | None
    version: str
    counts: Mapping[str, EntityCounts]
    note: str | None = None
    schema_changes: Sequence[str] = ()
    documents: Sequence[str] = ()
    quarantined: Mapping[str, int] = field(default_factory=dict)
    documents_refused: Sequence[str] = ()
    overrides: Sequence[str] = ()
    origin: Origin | None = None

    @property
    def subject(self) -> str:
        """The first line."""
        if self.origin is not None:
            kind, revision = self.origin.kind, _one_line(self.origin.revision)
            return f"{kind.value} {self.tag}: {_WORDS[kind]} {revision}"
        total = EntityCounts(
            sum(counts.added for counts in self.counts.values()),
            sum(counts.modified for counts in self.counts.values()),
            sum(counts.deleted for counts in self.counts.values()),
        )
        changed = sum(1 for counts in self.counts.values() if counts.total)
        noun = "entity" if changed == 1 else "entities"
        return f"export {self.tag}: {total} in {changed} {noun}"

    def commit_text(self) -> str:
        """The whole message of the commit."""
        paragraphs = [self.subject]
        if self.note:
            paragraphs.append(_prose(self.note))
        body = [
            f"{name}: {counts.added} added, {counts.modified} modified, {counts.deleted} deleted"
            for name, counts in self.counts.items()
            if counts.total
        ]
        body += [f"renewed {path}" for path in self.documents]
        notes = [_prose(text) for text in self.schema_changes]
        paragraphs += ["\n".join(lines) for lines in (body, notes) if lines]
        return "\n\n".join([*paragraphs, "\n".join(self._trailers())]) + "\n"

    def tag_text(self) -> str:
        """The message of the tag."""
        return self.subject + "\n"

    def _trailers(self) -> list[str]:
        lines = [f"{SNAPSHOT}: {self.tag}"]
        if self.mode is not None:
            lines.append(f"{MODE}: {self.mode}")
        if self.source is not None:
            lines.append(f"{SOURCE}: {_prose(self.source)}")
        lines += [
            f"{COUNTS}: {name} {counts}" for name, counts in self.counts.items() if counts.total
        ]
        lines.append(f"{VERSION}: {_prose(self.version)}")
        if self.quarantined:
            refused = " ".join(f"{name}={count}" for name, count in self.quarantined.items())
            lines.append(f"{QUARANTINED}: {refused}")
        # A path may hold spaces, so that each has a line of its own.
        lines += [f"{QUARANTINED}: {_prose(path)}=1" for path in self.documents_refused]
        if self.origin is not None:
            lines.append(f"{ORIGINS[self.origin.kind]}: {_one_line(self.origin.revision)}")
        lines += [f"{OVERRIDE}: {name}" for name in self.overrides]
        return lines


def _prose(text: str) -> str:
    """Keeps people's text from forging lines of the message's last paragraph."""
    lines = [_CONTROL.sub(" ", line).rstrip() for line in text.split("\n")]
    return "\n".join(f" {line}" if line.startswith("Gitexport-") else line for line in lines)


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
