"""Acknowledging many rows in two sessions at once: locks, the fence, errors, interruptions."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gitexport.errors import LockedError, StatementFailedError
from gitexport.model import faults
from gitexport.model.ports import Acknowledgement
from gitexport.model.snapshot import ObjectId
from gitexport.source.postgresql import acknowledge, state
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.pooler import open_pooler
from tests.fixtures.tracked import REPOSITORY, TIP, MakeTracked, Reading, Tracked, make_entity

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="one processor has no use for two sessions"
)

Other = psycopg.Connection[tuple[Any, ...]]

SIZE = 1_000
COUNT = 7_000
TABLE = "CREATE TABLE users (id int PRIMARY KEY, name text)"
# Each statement that writes users tells which session it came from.
NOTE = """
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.log VALUES (pg_backend_pid()); RETURN NULL; END $$
"""
LOG = (
    "CREATE TABLE log (pid int)",
    NOTE,
    "CREATE TRIGGER note AFTER UPDATE ON users EXECUTE FUNCTION note()",
)
OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gitexport' AND datname = "
OURS += "current_database()"
SLEEPING = f"{OURS} AND wait_event = 'PgSleep'"


def rows(count: int, first: int = 1) -> str:
    return f"INSERT INTO users SELECT n, 'x' FROM generate_series({first}, {count}) AS n"


def on_row(name: str, condition: str, action: str) -> tuple[str, str]:
    """Gives the statements of people's trigger that acts on some rows."""
    body = f"BEGIN IF {condition} THEN {action}; END IF; RETURN NEW; END"
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER {name} BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION {name}()",
    )


def sessions(users: Tracked) -> int:
    """Counts the sessions that have written users."""
    return int(users.value("SELECT count(DISTINCT pid) FROM log"))


def wait_for_sleep(database: str, number: int) -> None:
    """Waits until some sessions of ours are asleep in a trigger."""
    with psycopg.connect(database, autocommit=True) as watching:
        for _ in range(1_500):
            if watching.execute(SLEEPING.encode()).fetchone() == (number,):
                return
            time.sleep(0.02)
    pytest.fail("nobody fell asleep")


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("acknowledge")]


@pytest.fixture
def users(tracked: MakeTracked, monkeypatch: pytest.MonkeyPatch) -> Tracked:
    """Seven batches of users, all pending."""
    monkeypatch.setattr(acknowledge, "BATCH", SIZE)
    made = tracked(make_entity(), TABLE)
    made.execute(*LOG, rows(COUNT))
    return made


def in_order(reading: Reading) -> list[Acknowledgement]:
    return sorted(reading.rows, key=lambda row: int(row.key[0]))


def hand_in(users: Tracked, reading: Reading, parts: Sequence[slice]) -> tuple[int, int]:
    """Acknowledges the rows in such parts."""
    known = in_order(reading)
    handed = [(users.entity, known[part]) for part in parts]
    return users.source.acknowledge(REPOSITORY, reading.fence, TIP, handed, {})["users"]


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


@pytest.fixture
def limited(users: Tracked, database: str) -> Iterator[Tracked]:
    """The same users, exported by a role that may have one connection only."""
    role = f"limited_{uuid.uuid4().hex}"
    users.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1", f"GRANT INSERT ON log TO {role}")
    users.source.tracking.track(REPOSITORY, [users.entity], role=role)
    with contextlib.closing(PostgresSource(make_conninfo(database, user=role))) as source:
        yield Tracked(users.people, source, users.entity)
    users.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_one_session_does_it_all_where_no_other_is_allowed(limited: Tracked) -> None:
    assert limited.acknowledge(limited.read()) == (COUNT, 0)
    assert limited.pending() == set()
    assert sessions(limited) == 1


def test_one_session_does_it_all_where_a_pooler_lets_the_other_wait(
    users: Tracked, tmp_path: Path
) -> None:
    parts = conninfo_to_dict(users.people.info.dsn)
    server = f"{users.people.info.host}/.s.PGSQL.{users.people.info.port}"
    if not Path(server).exists():
        pytest.skip("the server has no socket in the file system")
    with open_pooler(tmp_path, server) as host:
        dsn = make_conninfo("", **{**parts, "host": host, "port": 5432})
        with contextlib.closing(PostgresSource(dsn)) as source:
            pooled = Tracked(users.people, source, users.entity)

            assert pooled.acknowledge(pooled.read()) == (COUNT, 0)
            assert threads() == []
    assert users.pending() == set()
    assert sessions(users) == 1


# The first batch of a pair is written by the main session, the next by the other one.
@pytest.mark.parametrize("row", [500, 1_500])
def test_error_in_either_session_is_raised(users: Tracked, row: int) -> None:
    users.execute(*on_row("refuse", f"NEW.id = {row}", "RAISE EXCEPTION 'not this one'"))
    reading = users.read()

    with pytest.raises(StatementFailedError, match="not this one"):
        hand_in(users, reading, [slice(None)])
    pending = users.pending()
    assert {str(n) for n in range(2 * SIZE + 1, COUNT + 1)} <= pending
    assert str(row) in pending
    assert users.value(OURS) == 1
    assert threads() == []


@pytest.mark.parametrize("slow", ["500", "1500", "500, 1500"])
def test_interruption_leaves_no_session_and_no_thread(
    users: Tracked, database: str, slow: str
) -> None:
    users.execute(*on_row("wait", f"NEW.id IN ({slow})", "PERFORM pg_sleep(60)"))
    reading = users.read()
    number = slow.count(",") + 1

    def interrupt() -> None:
        wait_for_sleep(database, number)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        hand_in(users, reading, [slice(None)])
    watcher.join()
    assert threads() == []
    assert users.value(SLEEPING) == 0
    users.execute("DROP TRIGGER wait ON users")
    users.export()
    assert users.pending() == set()
    assert users.value(OURS) == 1


def test_trigger_that_leads_both_sessions_to_one_row_is_no_obstacle(users: Tracked) -> None:
    users.execute(
        "CREATE TABLE total (changes int)",
        "INSERT INTO total VALUES (0)",
        *on_row("add", "TRUE", "UPDATE public.total SET changes = changes + 1"),
    )

    assert users.acknowledge(users.read()) == (COUNT, 0)
    assert users.pending() == set()
    assert users.value("SELECT changes FROM total") == COUNT


def test_sessions_that_lock_in_opposite_orders_end_in_no_deadlock(
    users: Tracked, database: str
) -> None:
    name = conninfo_to_dict(database)["dbname"]
    users.execute(
        f"ALTER DATABASE {name} SET deadlock_timeout = '1ms'",
        "CREATE TABLE total (id int, changes int)",
        "INSERT INTO total VALUES (0, 0), (1, 0)",
        *on_row(
            "add",
            "NEW.id % 1000 IN (1, 2)",
            "UPDATE public.total SET changes = changes + 1"
            " WHERE id = (NEW.id / 1000 + NEW.id) % 2; PERFORM pg_sleep(0.01)",
        ),
    )
    # All sessions of the source begin under the setting.
    users.source.close()

    assert users.acknowledge(users.read()) == (COUNT, 0)
    assert users.value("SELECT sum(changes) FROM total") == 14


def test_run_that_was_killed_between_two_commits_loses_nothing(
    users: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = ObjectId("c" * 40)
    reading = users.read()
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(faults, "_FAULT", "S9.batch:kill")
        users.acknowledge(reading, tip)
        os._exit(0)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    # What has a flag already is in that commit.
    assert users.value("SELECT tip FROM gitexport.state") == tip
    users.execute("UPDATE users SET name = 'later' WHERE id = 3")
    assert users.acknowledge(users.read()).superseded == 0
    assert users.pending() == set()
    assert users.value("SELECT count(*) FROM users WHERE json_exported IS NOT TRUE") == 0
