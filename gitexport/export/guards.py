"""The guards that stop a run until a person has decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from gitexport.errors import DecisionNeededError
from gitexport.export.options import Override
from gitexport.model.ports import SourceIdentity
from gitexport.model.snapshot import parse_tag

MANY_DELETIONS = 100
MANY_DELETIONS_SHARE = 0.1
SMALL_ENTITY = 10
PATIENCE = timedelta(seconds=2)
CLOCK_TOLERANCE = timedelta(minutes=5)
_SECOND = timedelta(seconds=1)


class TooSoonError(Exception):
    """The last snapshot has this second; the run reads again after it has passed."""

    def __init__(self, last: datetime) -> None:
        super().__init__(last)
        self.last = last


def guard_deletions(
    name: str, *, count_before: int, deleted: int, count_after: int, overrides: Collection[Override]
) -> None:
    """Stops a run that deletes much of an entity.

    Raises:
        DecisionNeededError: More than the larger of 100 and 10 % of the documents would go,
            or an entity of 10 and more would become empty.
    """
    if Override.DELETES in overrides:
        return
    if is_mass_deletion(count_before=count_before, deleted=deleted, count_after=count_after):
        message = f"{deleted:,} of {count_before:,} documents of '{name}' would be deleted"
        raise DecisionNeededError(
            message,
            where=f"entity '{name}'",
            hint="look at the database; if it is right: gitexport export --allow-deletes",
        )


def is_mass_deletion(*, count_before: int, deleted: int, count_after: int) -> bool:
    """Tells whether so much of an entity would go that a person has to decide."""
    many = deleted > max(MANY_DELETIONS, count_before * MANY_DELETIONS_SHARE)
    emptied = count_before >= SMALL_ENTITY and count_after == 0
    return deleted > 0 and (many or emptied)


def guard_source(
    identity: SourceIdentity, last: str | None, overrides: Collection[Override]
) -> bool:
    """Compares the database with that of the last snapshot; tells whether it is the same.

    Raises:
        DecisionNeededError: It is another one.
    """
    if last is None:
        return True
    if is_source(identity, last):
        return True
    if Override.SOURCE in overrides:
        return False
    message = f"database '{identity.database}' is not the one that the last snapshot was made from"
    raise DecisionNeededError(
        message,
        where=f"last snapshot: '{last}', now: '{source_text(identity)}'",
        hint="check --dsn; if the database was moved or restored: "
        "gitexport export --override source",
    )


def is_source(identity: SourceIdentity, text: str) -> bool:
    """Tells whether a trailer's text is of this database, whatever its name is now."""
    return text.rpartition(" ")[2] == identity.fingerprint


def source_text(identity: SourceIdentity) -> str:
    """Writes a database's identity as the trailer holds it."""
    return f"{identity.database} {identity.fingerprint}"


def choose_instant(
    now: datetime, last_tag: str | None, overrides: Collection[Override]
) -> datetime:
    """Gives the instant of a new snapshot: after that of the last one, whole seconds.

    Raises:
        TooSoonError: Waiting a moment makes the clock pass the last snapshot's second.
        DecisionNeededError: The clock is more than five minutes behind.
    """
    instant = now.replace(microsecond=0)
    if last_tag is None:
        return instant
    last = parse_tag(last_tag)
    if instant > last:
        return instant
    behind = last - now
    if behind < PATIENCE:
        raise TooSoonError(last)
    if behind > CLOCK_TOLERANCE and Override.CLOCK not in overrides:
        message = f"the clock is {behind} behind the last snapshot '{last_tag}'"
        raise DecisionNeededError(
            message,
            where=f"clock: {instant:%Y-%m-%dT%H:%M:%SZ}",
            hint="set the clock; to go on after the last snapshot: "
            "gitexport export --override clock",
        )
    return last + _SECOND


def wait_past(last: datetime, clock: Callable[[], datetime]) -> None:
    """Waits until the clock is past a second; under two seconds."""
    for _attempt in range(200):
        left = (last + _SECOND - clock()).total_seconds()
        if left <= 0:
            return
        time.sleep(min(left, 0.05) if left > 0.05 else left + 0.001)  # noqa: PLR2004
