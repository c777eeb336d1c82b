"""`gitexport doctor`: every trouble is named with its fix, and what can be mended is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gitexport.store.journal import read_state, write_state
from tests.fixtures.journey import Journey
from tests.fixtures.repositories import fsck

NOWHERE = "host=/nonexistent user=nobody dbname=none"


def examine(
    journey: Journey, *arguments: str, dsn: str | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Gives exit code and findings that are not ok."""
    result = journey.run("doctor", "-o", "json", *arguments, dsn=dsn)
    found = [item for item in result.json()["findings"] if item["level"] != "ok"]
    return result.code, [item for item in found if item["check"] != "user"]


def texts(findings: list[dict[str, Any]], level: str) -> str:
    """Joins the messages of one level."""
    return "\n".join(item["message"] for item in findings if item["level"] == level)


def test_healthy_repository_has_nothing_to_mend(journey: Journey) -> None:
    before = {path: path.stat().st_mtime_ns for path in journey.path.rglob("*")}

    code, findings = examine(journey)

    assert (code, findings) == (0, [])
    assert {path: path.stat().st_mtime_ns for path in journey.path.rglob("*")} == before
    text = journey.done("doctor").out
    assert "ok: database: 'test_" in text
    assert "ok: documents: 'users': 60 documents" in text
    assert "ok:" not in journey.done("doctor", "-q").out


def test_every_finding_that_is_not_ok_has_a_fix(journey: Journey) -> None:
    journey.git("config", "gc.auto", "100")
    journey.git("config", "core.autocrlf", "true")
    (journey.path / ".git" / "hooks").mkdir(exist_ok=True)
    (journey.path / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\n")
    journey.git("remote", "add", "origin", "https://me:secret@example.org/r.git")
    (journey.path / ".gitattributes").unlink()
    journey.sql("DROP TABLE order_details")

    code, findings = examine(journey)

    assert code == 2
    assert all(item["fix"] for item in findings)
    checks = {item["check"] for item in findings}
    assert checks >= {"settings", "hooks", "remote", "relations", "index"}
    assert "secret" not in journey.run("doctor").out


@pytest.mark.parametrize(
    ("dsn", "expected"), [(NOWHERE, 8), ("host=localhost port=1 connect_timeout=2", 8)]
)
def test_database_that_is_gone(journey: Journey, dsn: str, expected: int) -> None:
    code, findings = examine(journey, dsn=dsn)

    assert code == expected
    assert [item["check"] for item in findings] == ["database"]


def test_other_database_needs_a_decision(journey: Journey) -> None:
    journey.sql("CREATE SCHEMA aside")
    tip = journey.git("rev-parse", "main")
    message = journey.git("log", "-1", "--format=%B")
    changed = re.sub(r"(Gitexport-Source: \S+ )\S+", r"\g<1>0000", message)
    assert changed != message
    commit = journey.git("commit-tree", f"{tip}^{{tree}}", "-p", f"{tip}^", "-m", changed)
    journey.git("update-ref", "refs/heads/main", commit)

    code, findings = examine(journey)

    assert code == 6
    assert "is not the one that the last snapshot was made from" in texts(findings, "error")


def test_tracking_that_misses_changes_is_an_error(journey: Journey) -> None:
    journey.sql(
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.json_exported := true; RETURN NEW; END'"
    )
    journey.sql(
        "CREATE TRIGGER zzz_late BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION late()"
    )

    code, findings = examine(journey)

    assert code == 6
    assert "'zzz_late'" in texts(findings, "error")


def test_row_level_security_that_would_stop_the_next_export(journey: Journey) -> None:
    role = f"doctor_{os.getpid()}"
    journey.sql(f"CREATE ROLE {role} LOGIN")
    journey.done("track", "--role", role)
    journey.sql("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    dsn = psycopg.conninfo.make_conninfo(journey.dsn, user=role)
    try:
        code, findings = examine(journey, dsn=dsn)

        assert code == 8
        assert "row-level security hides rows of" in texts(findings, "error")
        assert "BYPASSRLS" in findings[0]["fix"]
        assert journey.run("export", dsn=dsn).code == 8
        assert examine(journey) == (0, [])
    finally:
        journey.sql(f"DROP OWNED BY {role}")
        journey.sql(f"DROP ROLE {role}")


def test_trigger_that_acknowledging_fires_is_a_warning(journey: Journey) -> None:
    journey.sql(
        "CREATE FUNCTION after() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    )
    journey.sql("CREATE TRIGGER audit AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION after()")

    code, findings = examine(journey)

    assert code == 0
    assert "fires trigger 'audit'" in texts(findings, "warning")
    assert 'tracking = "table"' in findings[0]["fix"]


def test_missing_privilege_names_the_grant(journey: Journey, database: str) -> None:
    name = f"r_{psycopg.conninfo.conninfo_to_dict(database)['dbname']}"
    journey.sql(f"CREATE ROLE {name} LOGIN")
    try:
        journey.done("track", "--role", name)
        journey.sql(f"REVOKE UPDATE (json_exported) ON users FROM {name}")
        dsn = psycopg.conninfo.make_conninfo(database, user=name)
        code, findings = examine(journey, dsn=dsn)
        assert code == 6
        assert "may not set 'json_exported' of 'public.users'" in texts(findings, "error")
        assert 'GRANT UPDATE ("json_exported")' in findings[0]["fix"]

        journey.sql(f"REVOKE SELECT ON order_details FROM {name}")
        code, findings = examine(journey, dsn=dsn)
        assert code in {6, 8}
        assert any("GRANT SELECT" in item["fix"] for item in findings)
    finally:
        journey.sql(f"DROP OWNED BY {name}")
        journey.sql(f"DROP ROLE {name}")


def test_configuration_with_a_mistake(journey: Journey) -> None:
    path = journey.path / "gitexport.toml"
    path.write_text(path.read_text().replace("directory =", "directry =", 1))

    code, findings = examine(journey)

    assert code == 2
    assert "directry" in texts(findings, "error")


def test_bare_repository_needs_no_attributes(journey: Journey, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    journey.git("clone", "-q", "--bare", ".", str(bare))
    journey.path = bare
    journey.done("doctor", "--repair")

    code, findings = examine(journey)

    assert (code, findings) == (0, [])


def test_no_repository_at_all(journey: Journey, tmp_path: Path) -> None:
    journey.path = tmp_path

    code, findings = examine(journey)

    assert code == 2
    assert "gitexport init" in findings[0]["fix"]


def test_layout_and_counts_are_looked_at(journey: Journey) -> None:
    journey.sql("INSERT INTO users SELECT n FROM generate_series(100, 1200) AS n")
    path = journey.path / "gitexport.toml"
    text = path.read_text()
    start = text.index("[entities.users]")
    changed = re.sub(r'shard = "[^"]*"', 'shard = "flat"', text[start:], count=1)
    path.write_text(text[:start] + changed)
    journey.done("relayout")
    journey.export()
    journey.git("rm", "-q", "data/users/1.json")
    (journey.path / "data/users/notes.txt").write_text("mine\n")
    journey.git("add", "data/users/notes.txt")
    journey.git("commit", "-q", "-m", "by hand")

    code, findings = examine(journey)

    assert code == 0
    warned = texts(findings, "warning")
    assert "'data/users' has 1,161 entries" in warned
    assert "1,160 documents, its manifest says 1,161" in warned
    assert "1 file in 'data/users' is no document" in warned
    path.write_text(path.read_text().replace('shard = "flat"', 'shard = "mod/1"', 1))
    code, findings = examine(journey)
    assert code == 6
    assert any("gitexport relayout" in item["fix"] for item in findings)


def test_repair_mends_what_a_killed_run_left(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "--dsn", journey.dsn]
    environment = dict(os.environ, GITEXPORT_FAULT="S7.after:kill")
    killed = subprocess.run([*command, "export"], env=environment, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    first = journey.git("tag").split()[0]
    journey.git("tag", "-d", first)
    journey.git("config", "gc.auto", "100")
    (journey.path / ".git" / "index").write_bytes(b"DIRC no index")
    assert examine(journey)[0] == 7

    repaired = journey.run("doctor", "--repair", "-o", "json")

    assert len(journey.git("tag").split()) == 2
    assert journey.git("config", "gc.auto") == "0"
    assert journey.git("status", "--porcelain", "-uno") == ""
    assert repaired.code == 0
    assert len(repaired.json()["repairs"]) >= 4
    assert examine(journey) == (0, [])
    fsck(journey.path)
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_repair_leaves_edits_of_people(journey: Journey) -> None:
    path = journey.done("show", "latest", "users:42", "-o", "json").json()["path"]
    (journey.path / path).write_text("mine\n")
    tip = journey.git("rev-parse", "main")

    journey.done("doctor", "--repair")

    assert (journey.path / path).read_text() == "mine\n"
    assert journey.git("rev-parse", "main") == tip


def test_lock_of_git_without_a_git_needs_a_decision(journey: Journey) -> None:
    lock = journey.path / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (1, 1))

    code, findings = examine(journey)

    assert code == 6
    assert str(lock) in texts(findings, "error")


def test_shallow_clone_is_explained(journey: Journey, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{journey.path}", str(shallow)], check=True
    )
    journey.path = shallow

    code, findings = examine(journey)

    assert code == 2
    assert "git fetch --unshallow" in findings[0]["fix"]


def test_remote_that_does_not_answer(journey: Journey) -> None:
    journey.git("remote", "add", "origin", "/nonexistent/r.git")

    code, findings = examine(journey)

    assert code == 5
    assert findings[0]["check"] == "remote"


def test_rows_that_cannot_be_marked_are_an_error_until_they_can(journey: Journey) -> None:
    journey.sql(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION '% is frozen', OLD.name; END $$"
    )
    journey.sql("INSERT INTO users VALUES (99, 'new')")
    journey.sql("CREATE TRIGGER a_no BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION no()")
    failed = journey.run("export", "-o", "json")
    assert failed.code == 8
    assert list(failed.json()["not_acknowledged"]) == ["users"]
    assert json.loads(failed.err.splitlines()[-1])["code"] == 8
    assert "frozen" not in failed.out + failed.err

    code, findings = examine(journey)

    assert code == 8
    assert "trigger 'a_no' raised an error" in texts(findings, "error")
    assert texts(findings, "warning") == ""
    assert 'tracking = "table"' in findings[0]["fix"]
    journey.sql("DROP TRIGGER a_no ON users")
    journey.done("export", "--entity", "order_details")
    assert examine(journey)[0] == 8
    journey.done("export")
    assert examine(journey) == (0, [])


def test_files_that_a_run_left_behind_are_not_to_be_committed(journey: Journey) -> None:
    before = read_state(journey.repository)
    journey.sql("UPDATE users SET name = 'later' WHERE id < 3")
    journey.export()
    journey.git("checkout", "HEAD~", "--", "data", "manifest.json")
    write_state(journey.repository, before)
    (edited,) = journey.path.rglob("data/users/**/9.json")
    edited.write_text("{}")

    _code, findings = examine(journey)

    behind, edits = findings
    assert "still those of an earlier snapshot: data/users/" in behind["message"]
    assert behind["fix"].startswith("gitexport doctor --repair, or the next export")
    assert edits["message"].endswith(f"commit: {edited.relative_to(journey.path)}")
    journey.run("doctor", "--repair")
    assert [item["message"] for item in examine(journey)[1]] == [edits["message"]]


def test_label_that_is_gone_is_a_warning(journey: Journey) -> None:
    journey.sql("ALTER TABLE users DROP COLUMN name")

    code, findings = examine(journey)

    assert code == 0
    assert "has no column 'name', which 'label' names" in texts(findings, "warning")
