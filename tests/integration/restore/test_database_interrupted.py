"""Restores of rows that somebody disturbs: locks, changes meanwhile, kills, lost connections."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from gitexport.model import faults
from tests.fixtures.journey import Journey
from tests.integration.restore.restoring import (
    assert_untouched,
    documents,
    pending,
    restore,
    rows,
    state,
)


def test_locked_row_ends_the_wait(journey: Journey, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr("gitexport.restore.database.LOCK_TIMEOUT_MS", 300)
    before = state(journey)
    with psycopg.connect(journey.dsn) as other:
        other.execute("SELECT FROM users WHERE id = 42 FOR UPDATE")
        result = restore(journey, first)

    assert result.code == 8
    assert "lock" in result.err
    assert_untouched(journey, before, result)


def test_change_meanwhile_is_exported_and_tried_again(
    journey: Journey, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = threading.Event()
    original = faults.point

    def point(name: str) -> None:
        # Between the export and the transaction that locks rows.
        if name == "S12.finished" and not changed.is_set():
            changed.set()
            journey.sql("UPDATE users SET name = 'meanwhile' WHERE id = 42")
        original(name)

    monkeypatch.setattr("gitexport.model.faults.point", point)

    report = restore(journey, first).json()

    assert changed.is_set()
    assert documents(journey) == documents(journey, first)
    meanwhile = journey.done("show", report["snapshot_before"], "users:42").json()
    assert meanwhile["name"] == "meanwhile"


@pytest.mark.parametrize("point", faults.RESTORE_POINTS)
def test_kill_leaves_rows_as_they_were_or_pending(journey: Journey, first: str, point: str) -> None:
    before = rows(journey)
    environment = {**os.environ, "GITEXPORT_FAULT": f"{point}:kill"}
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "--dsn", journey.dsn]
    done = subprocess.run(
        [*command, "restore", first, "--database", "--yes", "-q"],
        env=environment,
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == -9, done.stderr
    _wait_for_end(journey)

    if point == "R3.written":
        assert pending(journey) == 2
        journey.export()
        assert documents(journey) == documents(journey, first)
    else:
        assert (rows(journey), pending(journey)) == (before, 0)
        assert journey.done("export", "-o", "json").json()["snapshot"] is None
    assert restore(journey, first).code == 0
    assert documents(journey) == documents(journey, first)


@pytest.mark.parametrize("point", ["R1.staged", "R2.changed"])
def test_lost_connection_leaves_rows_as_they_were(
    journey: Journey, first: str, point: str, tmp_path: Path
) -> None:
    before = state(journey)
    script = tmp_path / "cut.py"
    script.write_text(
        "import psycopg\n"
        f"with psycopg.connect({journey.dsn!r}, autocommit=True) as connection:\n"
        "    connection.execute('SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND application_name LIKE $$gitexport%$$')\n"
    )
    environment = {**os.environ, "GITEXPORT_FAULT": f"{point}:exec:{sys.executable} {script}"}
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "--dsn", journey.dsn]
    done = subprocess.run(
        [*command, "restore", first, "--database", "--yes", "-q"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )

    assert done.returncode == 8, done.stderr
    assert (rows(journey), journey.git("rev-parse", "main")) == before
    assert restore(journey, first).code == 0
    assert documents(journey) == documents(journey, first)


def _wait_for_end(journey: Journey) -> None:
    """Waits until the server has noticed that the killed client is gone."""
    statement = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                 " AND pid <> pg_backend_pid() AND backend_type = 'client backend'")  # fmt: skip
    deadline = time.monotonic() + 20
    while journey.connection.execute(statement.encode()).fetchone() != (0,):
        assert time.monotonic() < deadline
        time.sleep(0.05)
