"""Acknowledging many rows in two sessions at once: which rows, and under whose fence."""

from __future__ import annotations

import contextlib
import os
import threading
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from gitexport.errors import LockedError
from gitexport.source.postgresql import state
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.many_users import (
    COUNT,
    LOG,
    OURS,
    SIZE,
    TABLE,
    hand_in,
    in_order,
    on_row,
    rows,
    sessions,
    threads,
    wait_for_sleep,
)
from tests.fixtures.tracked import REPOSITORY, TIP, MakeTracked, Tracked, make_entity

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="one processor has no use for two sessions"
)

Other = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def users(many_users: Tracked) -> Tracked:
    """Seven batches of users, all pending."""
    return many_users


def test_many_rows_are_acknowledged_once_each_in_two_sessions(tracked: MakeTracked) -> None:
    users = tracked(make_entity(), TABLE)
    users.execute(*LOG, rows(65_000))
    users.execute("DELETE FROM users WHERE id = 7")
    reading = users.read()

    assert users.acknowledge(reading) == (64_999, 0)
    assert (users.pending(), users.deleted()) == (set(), set())
    assert users.value("SELECT tip FROM gitexport.state") == TIP
    assert users.value("SELECT count(*) FROM log") == 7
    assert sessions(users) == 2
    assert users.value(OURS) == 1
    assert threads() == []


@pytest.mark.parametrize("count", [4 * SIZE, 5 * SIZE, 4 * SIZE + 30])
def test_even_and_odd_numbers_of_batches_are_all_acknowledged(users: Tracked, count: int) -> None:
    users.execute(f"DELETE FROM users WHERE id > {count}")

    assert users.acknowledge(users.read()) == (count, 0)
    assert (users.pending(), users.deleted()) == (set(), set())
    assert sessions(users) == 2


def test_few_batches_take_one_session(users: Tracked) -> None:
    users.execute(f"DELETE FROM users WHERE id > {3 * SIZE}")

    assert users.acknowledge(users.read()) == (3 * SIZE, 0)
    assert sessions(users) == 1


def test_small_batches_between_large_ones_are_acknowledged_too(users: Tracked) -> None:
    ends = [0, 30, 1030, 1040, 2040, 3040, 4040, 5040, 5050, 6050, 6990, COUNT]
    parts = [slice(start, end) for start, end in pairwise(ends)]

    assert hand_in(users, users.read(), parts) == (COUNT, 0)
    assert users.pending() == set()
    assert sessions(users) == 2


# In a batch of either session, and in the last one, which has no partner.
@pytest.mark.parametrize("locked", [2_500, 3_500, 6_500])
def test_locked_row_is_passed_over_and_stays_pending(
    users: Tracked, other: Other, locked: int
) -> None:
    reading = users.read()
    other.execute(f"SELECT FROM users WHERE id = {locked} FOR UPDATE".encode())

    assert hand_in(users, reading, [slice(None)]) == (COUNT - 1, 1)
    other.rollback()
    assert users.pending() == {str(locked)}
    assert sessions(users) == 2
    assert users.value(OURS) == 1


def test_rows_that_changed_meanwhile_stay_pending(users: Tracked) -> None:
    reading = users.read()
    changed = {"500", "1500", "2500", "3500", "6999"}
    users.execute(f"UPDATE users SET name = 'y' WHERE id IN ({', '.join(changed)})")

    assert users.acknowledge(reading) == (COUNT - 5, 5)
    assert users.pending() == changed


def test_both_sessions_check_the_fence(users: Tracked) -> None:
    reading = users.read()
    known = in_order(reading)

    def batches() -> Any:  # noqa: ANN401 - rows come while another run takes over
        for start in range(0, COUNT, SIZE):
            if start == 5 * SIZE:
                users.execute("UPDATE gitexport.state SET fence = fence + 1")
            yield users.entity, known[start : start + SIZE]

    with pytest.raises(LockedError, match="another run"):
        users.source.acknowledge(REPOSITORY, reading.fence, TIP, batches(), {})
    assert users.pending() == {str(number) for number in range(4 * SIZE + 1, COUNT + 1)}
    assert users.value(OURS) == 1


def test_run_that_takes_over_gets_the_fence_between_two_pairs(
    users: Tracked, database: str
) -> None:
    users.execute(
        rows(20 * SIZE, COUNT + 1), *on_row("wait", "NEW.id = 5500", "PERFORM pg_sleep(0.5)")
    )
    reading = users.read()

    def take_over() -> None:
        with contextlib.closing(PostgresSource(database)) as later:
            later.identity()
            wait_for_sleep(database, 1)
            later.begin(REPOSITORY, [users.entity])

    taking = threading.Thread(target=take_over)
    taking.start()
    with pytest.raises(LockedError):
        hand_in(users, reading, [slice(None)])
    taking.join()
    assert str(20 * SIZE) in users.pending()
    assert "5500" not in users.pending()


def test_run_that_was_superseded_before_moves_no_tip(users: Tracked) -> None:
    lost = users.read()
    users.read()

    with pytest.raises(LockedError):
        users.acknowledge(lost)
    assert len(users.pending()) == COUNT
    assert sessions(users) == 0


def test_fence_that_is_held_can_be_held_twice_and_not_taken(users: Tracked, other: Other) -> None:
    fence = users.source.begin(REPOSITORY, [users.entity])
    with users.people.transaction(), users.people.cursor() as cursor:
        state.hold_fence(cursor, REPOSITORY, fence)
        state.hold_fence(other.cursor(), REPOSITORY, fence)
        other.rollback()
        other.execute("SET LOCAL lock_timeout = '10ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            state.take_fence(other.cursor(), REPOSITORY, [])
