"""What cannot be imported is named, and nothing of the rest is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.integration.transfer.conftest import Transfer


def test_peoples_triggers_and_rules_rest_and_are_named(users: Transfer) -> None:
    users.target.sql(
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$",
        "CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON users"
        " FOR EACH ROW EXECUTE FUNCTION shout()",
        "CREATE RULE nothing AS ON DELETE TO users DO INSTEAD NOTHING",
    )

    report = users.loaded("--mode", "upsert")

    assert users.target.value("SELECT name FROM users WHERE id = 7") == "user 7"
    assert {(code["kind"], code["name"], code["silenced"]) for code in report["code"]} == {
        ("trigger", "shout", True),
        ("rule", "nothing", True),
    }
    users.target.sql("UPDATE users SET age = 0 WHERE id = 1")
    assert users.target.value("SELECT name FROM users WHERE id = 1") == "USER 1"


def test_triggers_fire_where_that_is_asked_for(users: Transfer) -> None:
    users.target.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'no % please', NEW.name; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()",
    )

    refused = users.load("--mode", "upsert", "--fire-triggers")

    assert refused.code == 9
    assert users.target.value("SELECT count(*) FROM users") == 0


def test_a_column_that_went_is_told_and_left_out(users: Transfer) -> None:
    users.target.sql("ALTER TABLE users DROP COLUMN age")

    report = users.loaded("--mode", "upsert")

    assert report["notes"] == ["users: the target has no column 'age'; its values are left out"]
    assert users.target.value("SELECT count(name) FROM users") == 20


def test_a_column_without_a_value_is_refused_by_name(users: Transfer) -> None:
    users.target.sql("ALTER TABLE users ADD COLUMN rank integer NOT NULL")

    refused = users.load("--mode", "upsert")

    assert refused.code == 2
    assert "20 new rows of 'public.users' would have no value for 'rank'" in refused.err


def test_a_type_that_changed_is_told_and_converted_where_it_can_be(users: Transfer) -> None:
    users.target.sql("ALTER TABLE users ALTER age TYPE bigint, ALTER name TYPE varchar(6)")

    refused = users.load("--mode", "upsert")

    assert refused.code == 9
    assert "users:10" in refused.err
    assert "data/users/10.json" in refused.err
    assert users.target.value("SELECT count(*) FROM users") == 0
    users.target.sql("ALTER TABLE users ALTER name TYPE varchar(60)")
    notes = " ".join(users.loaded("--mode", "upsert")["notes"])
    assert "users: column 'age' is bigint in the target and integer in the snapshot" in notes


def test_a_key_column_that_went_is_refused(users: Transfer) -> None:
    users.target.sql("ALTER TABLE users RENAME COLUMN id TO number")

    refused = users.load("--mode", "upsert")

    assert refused.code == 2
    assert "has no column 'id', which identifies its rows" in refused.err


def test_a_document_that_is_not_what_its_relation_says_is_named(users: Transfer) -> None:
    source = users.edited("7.json", '"age"', '"agee"')

    refused = users.load("--mode", "upsert", source=source)

    assert refused.code == 9
    assert "users:7" in refused.err
    assert "holds 'agee', which is no published column" in refused.err
    assert users.target.value("SELECT count(*) FROM users") == 0


def test_a_document_that_is_no_json_is_named(users: Transfer) -> None:
    source = users.edited("7.json", '"age": 7', '"age": ')

    refused = users.load("--mode", "upsert", source=source)

    assert (refused.code, "users:7" in refused.err) == (9, True)


def test_a_document_at_the_path_of_another_is_named(users: Transfer) -> None:
    source = users.edited("7.json", '"id": 7', '"id": 8')

    refused = users.load("--mode", "upsert", source=source)

    assert (refused.code, "users:7" in refused.err) == (9, True)
    assert users.target.value("SELECT count(*) FROM users") == 0


def test_documents_have_to_satisfy_their_schema(users: Transfer) -> None:
    schema = users.path / "schemas" / "users.schema.json"
    schema.parent.mkdir()
    schema.write_text(json.dumps({"properties": {"age": {"maximum": 20}}}))
    users.configure("users", 'schema = "schemas/users.schema.json"')
    users.git("add", "--all")
    users.git("commit", "--quiet", "--message", "a schema")
    source = users.edited("7.json", '"age": 7', '"age": 70')

    refused = users.load("--mode", "upsert", source=source)

    assert refused.code == 9
    assert "users:7" in refused.err
    assert "does not satisfy" in refused.err


def test_a_snapshot_of_a_newer_format_is_refused(users: Transfer) -> None:
    manifest = users.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    users.git("commit", "--quiet", "--all", "--message", "from the future")
    commit = users.git("rev-parse", "HEAD")

    refused = users.load("--mode", "upsert", source=f"{users.path}@{commit}")

    assert refused.code == 2
    assert "newer" in refused.err


def test_what_options_name_has_to_be_there(users: Transfer) -> None:
    for arguments, words in {
        ("--only", "people"): "no entity 'people' in the snapshot",
        ("--only", "users:7", "--only", "users:999"): "'users:999' matches no document",
        ("--only", "users:1,2"): "'users:1,2' matches no document",
        ("--only", "users:9*9"): "'users:9*9' matches no document",
        ("--only", "users:x"): "the key of 'users' is id",
        ("--match", "users=nick"): "no published column 'nick' in 'users'",
        ("--mode", "people=skip"): "no entity 'people' in the snapshot",
        ("--base", "20200101-000000"): "there is no snapshot '20200101-000000'",
    }.items():
        refused = users.load("--mode", "upsert", *arguments)
        assert (refused.code, words in refused.err) == (2, True), refused.err


def test_a_source_that_is_none_is_refused(users: Transfer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    for source in ("nowhere", str(tmp_path / "empty"), str(tmp_path / "file"), "ext::sh -c x"):
        refused = users.load("--mode", "upsert", source=source)
        assert refused.code in {2, 7}, source
    secret = users.load("--mode", "upsert", source="https://ann:hunter2@localhost/x.git")
    assert (secret.code, "hunter2" in secret.err) == (2, False)


def test_deletions_that_reach_other_relations_need_a_decision(users: Transfer) -> None:
    users.target.sql(
        "CREATE TABLE logins (user_id integer REFERENCES users ON DELETE CASCADE)",
        "INSERT INTO users VALUES (99, 'only here')",
        "INSERT INTO logins VALUES (99), (99)",
    )

    refused = users.load("--mode", "mirror")

    assert refused.code == 6
    assert "would change 2 rows of 'public.logins'" in refused.err
    assert users.target.value("SELECT count(*) FROM logins") == 2
    users.loaded("--mode", "mirror", "--override", "cascade")
    assert users.target.value("SELECT count(*) FROM logins") == 0


def test_a_mirror_runs_no_filter_of_the_snapshot_unasked(users: Transfer) -> None:
    users.configure("users", 'where = "age < 15"')
    assert users.run("export", "--accept-config", "-q", "--allow-deletes").code == 0
    users.target.sql("INSERT INTO users VALUES (98, 'old', 90), (99, 'young', 9)")

    refused = users.load("--mode", "mirror")
    assert (refused.code, "--accept-config" in refused.err) == (6, True)
    users.loaded("--mode", "mirror", "--accept-config")

    assert users.target.rows("SELECT id FROM users WHERE id > 90") == [(98,)]


_WAITING = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def _stuck_import(users: Transfer) -> subprocess.Popen[bytes]:
    """Starts an import that waits in the middle of writing."""
    users.target.sql(
        "INSERT INTO users VALUES (1, 'before')",
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$",
        "CREATE TRIGGER wait BEFORE INSERT ON users FOR EACH ROW WHEN (NEW.id = 15)"
        " EXECUTE FUNCTION wait()",
    )
    command = ["import", str(users.path), "--dsn", users.target.dsn, "--mode", "upsert", "--yes"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gitexport", *command, "--fire-triggers"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not users.target.value(f"SELECT count(*) {_WAITING}"):
        assert process.poll() is None
    return process


def test_a_run_killed_in_the_middle_leaves_everything_as_it_was(users: Transfer) -> None:
    process = _stuck_import(users)

    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    users.target.sql(f"SELECT pg_terminate_backend(pid) {_WAITING}")

    assert users.target.rows("SELECT id, name FROM users") == [(1, "before")]
    users.target.sql("DROP TRIGGER wait ON users")
    assert users.loaded("--mode", "upsert")["entities"]["users"]["inserted"] == 19


def test_a_lost_connection_leaves_everything_as_it_was(users: Transfer) -> None:
    process = _stuck_import(users)

    users.target.sql(f"SELECT pg_terminate_backend(pid) {_WAITING}")

    assert process.wait() == 8
    assert users.target.rows("SELECT id, name FROM users") == [(1, "before")]


def test_a_directory_without_a_data_repository_is_no_obstacle(
    users: Transfer, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    result = users.plainly(
        "-C", str(empty), "import", str(users.path), "--dsn", users.target.dsn,
        "--mode", "upsert", "--yes",
    )  # fmt: skip

    assert result.code == 0, result.err
    assert users.target.value("SELECT count(*) FROM users") == 20
