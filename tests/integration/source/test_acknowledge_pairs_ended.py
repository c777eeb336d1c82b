"""Acknowledging in two sessions where one is refused, fails, or is interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gitexport.model import faults
from gitexport.model.snapshot import ObjectId
from gitexport.source.postgresql.source import PostgresSource
from tests.fixtures.many_users import (
    COUNT,
    OURS,
    SIZE,
    SLEEPING,
    hand_in,
    in_order,
    on_row,
    sessions,
    threads,
    wait_for_sleep,
)
from tests.fixtures.pooler import open_pooler
from tests.fixtures.tracked import REPOSITORY, TIP, Tracked

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="one processor has no use for two sessions"
)


@pytest.fixture
def users(many_users: Tracked) -> Tracked:
    """Seven batches of users, all pending."""
    return many_users


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
def test_error_in_either_session_ends_the_entity(users: Tracked, row: int) -> None:
    users.execute(*on_row("refuse", f"NEW.id = {row}", "RAISE EXCEPTION 'not this one'"))
    reading = users.read()

    handed = [(users.entity, in_order(reading))]
    done = users.source.acknowledge(REPOSITORY, reading.fence, TIP, handed, {})

    assert "trigger 'refuse' raised an error" in done.refused["users"].message
    assert done.counts["users"] == (SIZE, 0)
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
