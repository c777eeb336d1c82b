"""`gitexport status`: counts, age, remote, repairs, and the verdict for monitoring."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitexport.store.in_step import in_step_at, note_in_step
from gitexport.store.journal import read_state
from gitexport.store.lock import RepositoryLock
from tests.fixtures.journey import Journey, Result

NOWHERE = "host=/nonexistent user=nobody dbname=none"


def status(journey: Journey, *arguments: str) -> dict[str, Any]:
    """Gives the status as JSON, whatever the exit code."""
    return journey.run("status", "-o", "json", *arguments).json()


def age(journey: Journey, **back: int) -> None:
    """Makes snapshots and exports older, as if time had passed."""
    at = datetime.now(UTC) - timedelta(**back)
    stamp = f"{int(at.timestamp())} +0000"
    environment = dict(os.environ, GIT_COMMITTER_DATE=stamp, GIT_AUTHOR_DATE=stamp)
    command = ["git", "-C", str(journey.path), "commit", "-q", "--amend", "--no-edit"]
    subprocess.run([*command, "--no-verify", "--date", stamp], env=environment, check=True)
    tag = str(status(journey)["snapshot"])
    journey.git("tag", "-d", tag)
    journey.git("tag", tag)
    note_in_step(journey.repository, at)
    tip = journey.git("rev-parse", "main")
    journey.sql(f"UPDATE gitexport.state SET tip = '{tip}'")


def test_pending_and_deleted_rows_are_counted(journey: Journey) -> None:
    assert (status(journey)["pending"], status(journey)["deleted"]) == (0, 0)

    journey.sql("UPDATE users SET name = 'x' WHERE id <= 3")
    journey.sql("DELETE FROM users WHERE id > 58")
    journey.sql("DELETE FROM order_details WHERE product_id = 1")
    journey.sql("INSERT INTO order_details VALUES (10248, 1, 2)")
    found = status(journey)

    assert found["entities"]["users"]["pending"] == 3
    assert found["entities"]["users"]["deleted"] == 2
    assert found["entities"]["users"]["documents"] == 60
    assert found["entities"]["order_details"]["pending"] == 1
    assert found["entities"]["order_details"]["deleted"] == 0
    assert (found["pending"], found["deleted"]) == (4, 2)
    assert found["reads_all"] is None
    assert journey.done("status").code == 0
    assert "users" in journey.done("status").out


def test_status_changes_nothing(journey: Journey) -> None:
    before = {path: path.stat().st_mtime_ns for path in journey.path.rglob("*")}

    journey.done("status", "--remote")

    assert {path: path.stat().st_mtime_ns for path in journey.path.rglob("*")} == before


def test_stale_means_pending_and_old(journey: Journey) -> None:
    assert journey.run("status", "--max-age", "10m").code == 0
    age(journey, minutes=20)
    assert status(journey, "--max-age", "10m")["stale"] is False, "nothing is pending"

    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")

    late = journey.run("status", "--max-age", "10m", "-o", "json")
    assert late.code == 1
    assert late.json()["stale"] is True
    assert journey.run("status", "--max-age", "30m").code == 0
    assert journey.run("status").code == 0
    journey.export()
    assert journey.run("status", "--max-age", "10m").code == 0


def test_export_that_found_nothing_is_no_alarm_later(journey: Journey) -> None:
    age(journey, days=7)
    journey.done("export")
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")

    found = journey.run("status", "--max-age", "10m", "-o", "json")

    assert found.json()["age_seconds"] > 600_000
    assert found.code == 0


@pytest.mark.parametrize("arguments", [["--limit", "1"], ["--entity", "users"], ["--dry-run"]])
def test_partial_exports_do_not_count(journey: Journey, arguments: list[str]) -> None:
    note_in_step(journey.repository, datetime(2020, 1, 1, tzinfo=UTC))

    journey.done("export", *arguments)

    assert in_step_at(journey.repository) == datetime(2020, 1, 1, tzinfo=UTC)


def test_no_snapshot_is_stale(journey: Journey) -> None:
    journey.git("update-ref", "refs/heads/main", journey.git("rev-parse", "main^"))

    found = journey.run("status", "--max-age", "999d", "-o", "json")

    assert found.code == 1
    assert found.json()["reads_all"] == "there is no snapshot yet"
    assert journey.run("status").code == 0


def test_database_that_is_gone_is_told(journey: Journey) -> None:
    result: Result = journey.run("status", "-o", "json", dsn=NOWHERE)

    assert result.code == 0
    found = result.json()
    assert found["snapshot"]
    assert found["pending"] is None
    assert found["entities"]["users"] == {
        "documents": 60,
        "pending": None,
        "deleted": None,
        "note": None,
    }
    assert '"code"' not in result.err
    text = journey.run("status", dsn=NOWHERE)
    assert text.code == 0
    assert "last snapshot:" in text.out
    checked = journey.run("status", "--max-age", "10m", "-o", "json", dsn=NOWHERE)
    assert checked.code == 8
    assert '"code":8' in checked.err


def test_wrong_local_settings_are_told_with_file_and_line(journey: Journey) -> None:
    local = journey.path / ".git" / "gitexport" / "local.toml"
    local.write_text('\n\ndns = "x"\n')

    result = journey.done("status")

    assert f"{local}:3: unknown key 'dns'" in result.err


def test_disabled_triggers_are_warned_of_by_status_and_export(journey: Journey) -> None:
    journey.sql("ALTER TABLE users DISABLE TRIGGER USER")
    journey.sql("UPDATE users SET name = 'unseen' WHERE id = 1")

    (told,) = status(journey)["warnings"]
    exported = journey.done("export", "-o", "json").json()

    assert "_flag'" in told
    assert "of 'public.users' are not always enabled" in told
    assert "'gitexport track --entity users'" in told
    assert told in exported["warnings"]
    assert exported["entities"]["users"]["modified"] == 1
    journey.done("track", "--entity", "users")
    assert status(journey)["warnings"] == []


def test_relation_that_vanished_is_told_beside_the_others(journey: Journey) -> None:
    journey.sql("DROP TABLE order_details")
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")

    result = journey.run("status", "-o", "json")

    assert result.code == 0
    assert result.json()["entities"]["users"]["pending"] == 1
    assert "order_details" in result.json()["entities"]["order_details"]["note"]


def test_wrong_where_is_told_beside_the_others(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    relation = 'relation = "public.order_details"\n'
    config.write_text(config.read_text().replace(relation, f'{relation}where = "nosuch > 1"\n'))
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")

    result = journey.run("status", "-o", "json")

    assert result.code == 0, result.err
    (failure,) = result.json()["failures"]
    assert "the 'where' of 'order_details' cannot be used" in failure["error"]
    assert result.json()["entities"]["users"]["pending"] == 1


def test_remote_is_compared_with_what_was_seen(journey: Journey, tmp_path: Path) -> None:
    assert status(journey)["remote"] is None
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "r.git")], check=True)
    journey.git("remote", "add", "origin", str(tmp_path / "r.git"))
    assert status(journey)["remote"]["commit"] is None
    journey.done("push")
    assert (status(journey)["remote"]["ahead"], status(journey)["remote"]["behind"]) == (0, 0)

    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    journey.export()
    assert status(journey)["remote"]["ahead"] == 1
    assert "1 commit ahead of origin" in journey.done("status").out
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(tmp_path / "r.git"), str(other)], check=True)
    subprocess.run(
        ["git", "-C", str(other), "commit", "-q", "--allow-empty", "-m", "theirs"], check=True
    )
    subprocess.run(["git", "-C", str(other), "push", "-q"], check=True)
    assert status(journey)["remote"]["behind"] == 0
    asked = status(journey, "--remote")["remote"]
    assert (asked["ahead"], asked["behind"]) == (None, None)
    assert asked["commit"] is not None


def test_remote_that_does_not_answer_is_a_warning(journey: Journey) -> None:
    journey.git("remote", "add", "origin", "/nonexistent/r.git")

    assert journey.done("status").code == 0
    found = journey.run("status", "--remote", "-o", "json")
    assert found.code == 0
    assert found.json()["warnings"]


def test_unfinished_run_and_lock_are_told(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "--dsn", journey.dsn]
    environment = dict(os.environ, GITEXPORT_FAULT="S7.after:kill")
    killed = subprocess.run([*command, "export"], env=environment, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr

    found = status(journey)
    assert any("did not end" in repair for repair in found["repairs"])
    assert any("has no tag" in repair for repair in found["repairs"])
    assert found["locked_by"] is None
    with RepositoryLock(journey.repository):
        busy = status(journey)
        assert f"process {os.getpid()}" in busy["locked_by"]
        assert busy["repairs"] == []
    journey.done("export")
    assert status(journey)["repairs"] == []


@pytest.mark.parametrize("is_damaged", [True, False])
def test_files_behind_the_snapshot_are_told(journey: Journey, *, is_damaged: bool) -> None:
    index, lock = journey.path / ".git/index", journey.path / ".git/index.lock"
    journey.sql("UPDATE users SET name = 'x' WHERE id <= 3")
    index.write_bytes(b"") if is_damaged else lock.touch()
    journey.run("export", "-q")
    lock.unlink(missing_ok=True)

    (told,) = status(journey)["repairs"]

    assert told.startswith("files are not yet those of the last snapshot: ")
    assert "gitexport doctor --repair" in told
    assert f"repair:        {told}" in journey.done("status").out
    journey.done("doctor", "--repair")
    assert status(journey)["repairs"] == []
    assert journey.git("status", "--porcelain") == ""


def test_commits_of_people_leave_no_file_behind(journey: Journey) -> None:
    (journey.path / "README.md").write_text("ours\n")
    (journey.path / "notes.txt").write_text("new\n")
    journey.git("add", "-A")
    journey.git("commit", "-q", "-m", "notes")
    assert status(journey)["repairs"] == []

    journey.git("reset", "-q", "--hard", "HEAD~1")
    assert status(journey)["repairs"] == []


def test_edits_and_commits_by_people_are_told(journey: Journey) -> None:
    path = journey.done("show", "latest", "users:42", "-o", "json").json()["path"]
    (journey.path / path).write_text("mine\n")
    journey.sql("UPDATE users SET name = 'x' WHERE id = 42")
    assert journey.run("export").code == 6
    assert status(journey)["edits_left"] == [path]
    assert read_state(journey.repository).edits_left == (path,)

    journey.git("checkout", "--", path)
    assert status(journey)["edits_left"] == []
    (journey.path / path).write_text("{}\n")
    journey.git("commit", "-q", "-a", "-m", "by hand")
    found = status(journey)
    assert "by hand" in found["foreign_commits"][0]
    assert found["reads_all"] == "people committed to managed paths"


def test_sql_from_elsewhere_does_not_run(journey: Journey, tmp_path: Path) -> None:
    config = journey.path / "gitexport.toml"
    text = config.read_text()
    config.write_text(text.replace("[entities.users]", '[entities.users]\nwhere = "id > 1"', 1))
    journey.git("commit", "-q", "-a", "-m", "a filter")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(journey.path), str(clone)], check=True)
    journey.path = clone

    result = journey.run("status", "-o", "json")

    assert result.code == 0
    assert result.json()["pending"] is None
    assert "--accept-config" in result.err


@pytest.mark.parametrize("text", ["10", "m", "10x", "-1m", "1.5h"])
def test_age_needs_a_unit(journey: Journey, text: str) -> None:
    assert journey.run("status", f"--max-age={text}").code == 2
