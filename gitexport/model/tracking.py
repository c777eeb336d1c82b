"""The seam to what sets up and examines tracking in a source, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gitexport.model.entity import Entity


@dataclass(frozen=True, slots=True)
class TrackingFinding:
    """Something about an entity's tracking that a person should know.

    `misses_changes` is True where changes may go unnoticed, so that runs read all rows
    or lose something; otherwise it is advice. `hint` is the way to mend it.
    """

    entity: str
    message: str
    hint: str | None = None
    misses_changes: bool = True


@dataclass(frozen=True, slots=True)
class TrackReport:
    """What `track` or `untrack` did, or would do in a dry run.

    `statements` are SQL as text, in their order. `skipped` are entities that need no
    tracking, or had none, each with the reason. `findings` are what remains to be known
    afterwards. `revokes` are those of `Untracked`.
    """

    entities: tuple[str, ...]
    statements: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    findings: tuple[TrackingFinding, ...] = ()
    revokes: tuple[str, ...] = ()
    is_dry_run: bool = False


class Untracked(NamedTuple):
    """What dropping tracking took: SQL as text, and the entities that had something to drop.

    `revokes` would take back what roles that export may still do with people's tables.
    Nothing tells whether `track` granted it, so a person decides.
    """

    statements: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    revokes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResetReport:
    """How many rows of each entity became pending."""

    entities: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, str], ...] = ()


class TrackingAdmin(Protocol):
    """What sets up and examines tracking in a source."""

    def track(
        self,
        repository_id: str,
        entities: Sequence[Entity],
        *,
        role: str | None = None,
        dry_run: bool = False,
    ) -> tuple[str, ...]:
        """Makes what tracking needs and is not there yet; gives the SQL.

        `role` is granted exactly what an export needs. May be run again at any time, also
        after an interruption.

        Raises:
            ConfigError: A relation cannot be tracked, or belongs to another repository.
            PermissionDeniedError: The role may not; the hint names the grant.
        """

    def untrack(
        self, repository_id: str, entities: Sequence[Entity], *, dry_run: bool = False
    ) -> Untracked:
        """Drops what `track` made, and the state with the last of it.

        Raises:
            PermissionDeniedError: The role may not.
        """

    def reset(self, repository_id: str, entities: Sequence[Entity]) -> dict[str, int]:
        """Marks all rows pending; gives the number of those that were not, by entity.

        Changes no other column, and writes no row that is pending already.
        """

    def inspect(self, repository_id: str, entities: Sequence[Entity]) -> list[TrackingFinding]:
        """Finds what keeps changes from being noticed, or makes acknowledging costly."""
