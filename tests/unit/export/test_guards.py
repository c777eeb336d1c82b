"""Guards stop what a person has to look at, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from gitexport.errors import DecisionNeededError
from gitexport.export.guards import (
    TooSoonError,
    choose_instant,
    guard_deletions,
    guard_source,
    wait_past,
)
from gitexport.export.options import Override
from gitexport.model.ports import SourceIdentity

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
NOON_TAG = "20260102-120000"


@pytest.mark.parametrize(
    ("before", "deleted", "after"),
    [(5, 5, 0), (9, 9, 0), (1000, 100, 900), (2000, 200, 1800), (50, 49, 1), (10, 0, 10)],
)
def test_ordinary_deletions_pass(before: int, deleted: int, after: int) -> None:
    guard_deletions("t", count_before=before, deleted=deleted, count_after=after, overrides=())


@pytest.mark.parametrize(
    ("before", "deleted", "after"), [(10, 10, 0), (1000, 101, 899), (2000, 201, 1799)]
)
def test_mass_deletions_stop_until_allowed(before: int, deleted: int, after: int) -> None:
    with pytest.raises(DecisionNeededError, match="would be deleted") as caught:
        guard_deletions("t", count_before=before, deleted=deleted, count_after=after, overrides=())

    assert "--allow-deletes" in (caught.value.hint or "")
    guard_deletions(
        "t",
        count_before=before,
        deleted=deleted,
        count_after=after,
        overrides={Override.DELETES},
    )


def test_replaced_entity_may_lose_all_old_documents_only_when_allowed() -> None:
    with pytest.raises(DecisionNeededError):
        guard_deletions("t", count_before=200, deleted=200, count_after=200, overrides=())


def test_other_database_stops() -> None:
    identity = SourceIdentity("shop", "abc")

    assert guard_source(identity, None, ())
    assert guard_source(identity, "old name abc", ())
    assert not guard_source(identity, "shop def", {Override.SOURCE})
    with pytest.raises(DecisionNeededError, match="not the one"):
        guard_source(identity, "shop def", ())


def test_instant_is_the_clock_in_whole_seconds() -> None:
    now = NOON + timedelta(seconds=1, microseconds=999_999)

    assert choose_instant(now, NOON_TAG, ()) == NOON + timedelta(seconds=1)
    assert choose_instant(now, None, ()) == NOON + timedelta(seconds=1)


@pytest.mark.parametrize("offset", [0.0, 0.9, -0.5, -1.9])
def test_same_second_waits(offset: float) -> None:
    with pytest.raises(TooSoonError):
        choose_instant(NOON + timedelta(seconds=offset), NOON_TAG, ())


@pytest.mark.parametrize("behind", [timedelta(seconds=3), timedelta(minutes=5)])
def test_clock_a_little_behind_takes_the_next_second(behind: timedelta) -> None:
    assert choose_instant(NOON - behind, NOON_TAG, ()) == NOON + timedelta(seconds=1)


def test_clock_far_behind_stops_until_allowed() -> None:
    now = NOON - timedelta(minutes=5, seconds=1)

    with pytest.raises(DecisionNeededError, match="clock"):
        choose_instant(now, NOON_TAG, ())
    assert choose_instant(now, NOON_TAG, {Override.CLOCK}) == NOON + timedelta(seconds=1)


def test_waiting_ends_once_the_second_is_over() -> None:
    start = datetime.now(UTC)
    last = start.replace(microsecond=0)

    wait_past(last, lambda: datetime.now(UTC))

    assert datetime.now(UTC).replace(microsecond=0) > last
