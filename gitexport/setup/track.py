"""Sets up tracking for the entities of a publication, drops it, and marks rows pending.

Chooses which entities these commands are about and reports what was done; the source knows
how. Nothing here prints, asks, or touches the data repository.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitexport.errors import UsageError
from gitexport.model.entity import Entity, Publication, Tracking
from gitexport.model.ports import Progress
from gitexport.model.tracking import ResetReport, TrackingAdmin, TrackReport, Untracked

_COMPARED = 'nothing to set up: tracking = "compare" reads every row'
_NOTHING_KEPT = 'nothing to remove: tracking = "compare" keeps nothing in the database'
_NOT_TRACKED = "nothing to remove: it is not tracked"
_PENDING_ALWAYS = 'nothing to reset: tracking = "compare" reads every row'


def track(  # noqa: PLR0913 - the options of one command
    source: TrackingAdmin,
    publication: Publication,
    entities: Sequence[str] = (),
    *,
    role: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> TrackReport:
    """Sets up tracking for the named entities, or for all.

    May be run again at any time: what is there stays, what is missing is made. `role` is
    granted what an export needs. A dry run gives the SQL and changes nothing.

    Raises:
        UsageError: The publication has no such entity.
        ConfigError: A relation cannot be tracked, or belongs to another data repository.
        PermissionDeniedError: The role may not; the hint names the grant.
        LockedError: Other sessions held locks for too long.
    """
    chosen, skipped = _choose(publication, entities, _COMPARED)
    if progress is not None:
        progress.stage("tracking", len(chosen))
    # The role may have to read what needs no other tracking.
    included = chosen if role is None else [*chosen, *_named(publication, skipped)]
    statements: tuple[str, ...] = ()
    if included:
        statements = source.track(publication.repository_id, included, role=role, dry_run=dry_run)
    if progress is not None:
        progress.advance(len(chosen))
    findings = () if dry_run or not chosen else source.inspect(publication.repository_id, chosen)
    return TrackReport(
        entities=tuple(entity.name for entity in chosen),
        statements=statements,
        skipped=skipped,
        findings=tuple(findings),
        is_dry_run=dry_run,
    )


def untrack(
    source: TrackingAdmin,
    publication: Publication,
    entities: Sequence[str] = (),
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> TrackReport:
    """Drops what `track` made for the named entities, or for all.

    A flag column that was there before stays, and so do privileges on people's tables, which
    the report lists. The schema `gitexport` goes with the last registration.

    Raises:
        UsageError: The publication has no such entity.
        PermissionDeniedError: The role may not.
        LockedError: Other sessions held locks for too long.
    """
    # An entity that is compared now may have been tracked before.
    chosen = _find(publication, entities)
    if progress is not None:
        progress.stage("untracking", len(chosen))
    done = Untracked()
    if chosen:
        done = source.untrack(publication.repository_id, chosen, dry_run=dry_run)
    if progress is not None:
        progress.advance(len(chosen))
    return TrackReport(
        entities=done.entities,
        statements=done.statements,
        skipped=tuple(
            (e.name, _NOTHING_KEPT if e.tracking is Tracking.COMPARE else _NOT_TRACKED)
            for e in chosen
            if e.name not in done.entities
        ),
        revokes=done.revokes,
        is_dry_run=dry_run,
    )


def reset(
    source: TrackingAdmin,
    publication: Publication,
    entities: Sequence[str] = (),
    *,
    progress: Progress | None = None,
) -> ResetReport:
    """Marks all rows of the named entities, or of all, pending again.

    Raises:
        UsageError: The publication has no such entity.
        ConfigError: A relation belongs to another data repository.
        LockedError: Other sessions held rows locked for too long.
    """
    chosen, skipped = _choose(publication, entities, _PENDING_ALWAYS)
    if progress is not None:
        progress.stage("resetting", len(chosen))
    counts: list[tuple[str, int]] = []
    for entity in chosen:
        counts += source.reset(publication.repository_id, [entity]).items()
        if progress is not None:
            progress.advance()
    return ResetReport(entities=tuple(counts), skipped=skipped)


def _choose(
    publication: Publication, names: Sequence[str], reason: str
) -> tuple[list[Entity], tuple[tuple[str, str], ...]]:
    found = _find(publication, names)
    chosen = [entity for entity in found if entity.tracking is not Tracking.COMPARE]
    skipped = tuple((e.name, reason) for e in found if e.tracking is Tracking.COMPARE)
    return chosen, skipped


def _find(publication: Publication, names: Sequence[str]) -> list[Entity]:
    for name in names:
        if publication.entity(name) is None:
            known = ", ".join(entity.name for entity in publication.entities) or "none"
            message = f"there is no entity '{name}'"
            raise UsageError(message, where="gitexport.toml", hint=f"entities are: {known}")
    return [entity for entity in publication.entities if not names or entity.name in names]


def _named(publication: Publication, skipped: Sequence[tuple[str, str]]) -> list[Entity]:
    names = {name for name, _ in skipped}
    return [entity for entity in publication.entities if entity.name in names]
