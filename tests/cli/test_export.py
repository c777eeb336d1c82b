"""`gitexport export`, `track`, `untrack`, `reset`: wiring, outputs and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program
from tests.fixtures.repositories import fsck, git


def execute(dsn: str, statement: str) -> None:
    """Runs one statement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_first_export_and_a_second_one_with_nothing_to_do(
    data: Program, repository_path: Path
) -> None:
    first = data.done("export", "-o", "json").json
    second = data.done("export", "-o", "json").json

    assert list(first)[:7] == [
        "format", "snapshot", "commit", "mode", "started_at", "finished_at", "duration_ms",
    ]  # fmt: skip
    assert first["format"] == "gitexport.export/v1"
    assert first["entities"]["orders"] == {
        "added": 50, "modified": 0, "deleted": 0, "unchanged": 0, "superseded": 0,
        "quarantined": [],
    }  # fmt: skip
    assert first["published"] is False
    assert first["started_at"].endswith("Z")
    assert git(repository_path, "tag") == first["snapshot"]
    assert git(repository_path, "rev-parse", "HEAD") == first["commit"]
    assert (second["snapshot"], second["commit"]) == (None, None)
    assert git(repository_path, "status", "--porcelain") == ""
    fsck(repository_path)


def test_text_names_what_changed_and_details_come_with_verbose(data: Program, shop: str) -> None:
    data.done("export")
    execute(shop, "UPDATE shop.customers SET name = 'Ada' || chr(27) || '[31m' WHERE id = 7")

    ended = data.done("export", "-v")

    header, counts, headline = ended.out.splitlines()
    assert header.split()[:4] == ["entity", "added", "modified", "deleted"]
    assert counts.split()[:4] == ["customers", "0", "1", "0"]
    assert headline.startswith("snapshot ")
    assert "customers:7" in ended.err
    assert "Ada" in ended.err
    assert "\x1b" not in ended.err


def test_dry_run_writes_nothing(data: Program, repository_path: Path) -> None:
    ended = data.done("export", "--dry-run")

    assert "this export would make a snapshot" in ended.out
    assert git(repository_path, "rev-list", "--count", "HEAD") == "1"
    assert git(repository_path, "tag") == ""


def test_quarantine_ends_with_3_and_names_the_row(data: Program, shop: str) -> None:
    execute(shop, "ALTER TABLE shop.orders ALTER note TYPE json")
    execute(shop, """UPDATE shop.orders SET note = '{"a": 1, "a": 2}' WHERE id = 4""")

    text = data("export")
    strict = data("export", "--strict", "--full")

    assert text.code == 3
    assert "quarantined orders:4, column 'note'" in text.err
    assert strict.code == 3
    assert "error:" in strict.err


def test_unknown_entity_is_wrong_usage(data: Program) -> None:
    ended = data("export", "--entity", "order", "-o", "json")

    assert ended.code == 2
    assert ended.error["error"] == "no entity 'order' in the configuration"
    assert "customers, orders" in ended.error["hint"]


def test_mass_deletion_needs_a_decision(data: Program, shop: str) -> None:
    data.done("export")
    execute(shop, "DELETE FROM shop.orders")

    stopped = data("export", "-o", "json")
    allowed = data("export", "--allow-deletes", "-o", "json")

    assert stopped.code == 6
    assert "--allow-deletes" in stopped.error["hint"]
    assert allowed.code == 0
    assert allowed.json["entities"]["orders"]["deleted"] == 50


def test_edited_file_is_left_and_needs_a_decision(
    data: Program, shop: str, repository_path: Path
) -> None:
    data.done("export")
    (path,) = (repository_path / "data" / "customers").rglob("7.json")
    path.write_text("mine\n")
    execute(shop, "UPDATE shop.customers SET name = 'Ada' WHERE id = 7")

    stopped = data("export", "-o", "json")
    settled = data.done("export", "--override", "edits", "-o", "json").json

    assert stopped.code == 6
    assert stopped.json["snapshot"] is not None
    assert stopped.json["kept_edits"] == ["data/customers/7.json"]
    assert "--override edits" in stopped.error["hint"]
    assert settled["kept_edits"] == []
    assert "Ada" in path.read_text()


def test_push_reads_back_and_a_failed_one_keeps_the_snapshot(
    data: Program, repository_path: Path, tmp_path: Path
) -> None:
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(repository_path, "remote", "add", "origin", str(tmp_path / "nowhere.git"))
    failed = data("export", "--push", "-o", "json")
    git(repository_path, "remote", "set-url", "origin", str(tmp_path / "remote.git"))
    pushed = data.done("export", "--push", "--allow-empty", "-o", "json").json

    report = json.loads(failed.out)
    assert report["snapshot"] is not None
    assert report["published"] is False
    assert failed.code == 5
    assert failed.error["code"] == failed.code
    assert pushed["published"] is True
    assert git(tmp_path / "remote.git", "rev-parse", "main") == pushed["commit"]


def test_sql_of_a_clone_runs_only_after_it_was_accepted(
    data: Program, shop: str, repository_path: Path, tmp_path: Path, program: Program
) -> None:
    config = repository_path / "gitexport.toml"
    config.write_text(
        config.read_text().replace("[entities.orders]", '[entities.orders]\nwhere = "id < 40"')
    )
    # A person's own edit needs no question, nor does a commit of it.
    data.done("export")
    git(tmp_path, "clone", "-q", str(repository_path), "clone")
    clone = ("-C", tmp_path / "clone", "--dsn", shop)

    asked = program(*clone, "export", "-o", "json")
    accepted = program(*clone, "export", "--accept-config")
    remembered = program(*clone, "export")
    git(repository_path, "-C", str(repository_path), "commit", "-q", "--allow-empty", "-m", "x")
    config.write_text(config.read_text().replace("id < 40", "id < 30"))
    git(repository_path, "commit", "-q", "-a", "-m", "other sql")
    own_commit = data("export", "--dry-run")
    git(tmp_path / "clone", "pull", "-q", "--ff-only")
    changed = program(*clone, "export", "-o", "json")

    assert asked.code == 6
    assert "--accept-config" in asked.error["hint"]
    assert accepted.code == 0, accepted.err
    assert remembered.code == 0
    assert own_commit.code == 0
    assert changed.code == 6


def test_track_prints_sql_in_a_dry_run_and_may_be_run_again(data: Program, shop: str) -> None:
    again = data.done("track")
    data.done("untrack")
    dry = data.done("track", "--dry-run", "--entity", "orders")
    as_json = data.done("track", "-n", "-o", "json").json

    assert again.out == "tracked: customers, orders (nothing to do)\n"
    assert "CREATE TRIGGER" in dry.out
    assert "customers" not in dry.out
    assert as_json["dry_run"] is True
    assert as_json["entities"] == ["customers", "orders"]
    with psycopg.connect(shop) as connection:
        found = connection.execute("SELECT to_regnamespace('gitexport')").fetchone()
    assert found == (None,)


def test_untrack_takes_back_what_track_made(data: Program, shop: str) -> None:
    ended = data.done("untrack")

    assert ended.out.startswith("no longer tracked: customers, orders (")
    with psycopg.connect(shop) as connection:
        columns = connection.execute(
            "SELECT count(*) FROM information_schema.columns WHERE column_name = 'json_exported'"
        ).fetchone()
    assert columns == (0,)


def test_reset_makes_rows_pending_and_no_commit(data: Program, repository_path: Path) -> None:
    data.done("export")

    text = data.done("reset", "--entity", "orders")
    as_json = data.done("reset", "-o", "json").json
    after = data.done("export", "-o", "json").json

    assert text.out.splitlines()[1].split() == ["orders", "50"]
    assert as_json["entities"] == {"customers": 20, "orders": 0}
    assert after["snapshot"] is None
    assert after["entities"]["orders"]["unchanged"] == 50
    assert git(repository_path, "rev-list", "--count", "HEAD") == "2"


def test_reset_of_what_is_not_tracked_says_so(data: Program) -> None:
    data.done("untrack")

    ended = data("reset", "-o", "json")

    assert ended.code == 2
    assert "json_exported" in ended.error["error"]
    assert "gitexport track" in ended.error["hint"]


@pytest.mark.parametrize("command", ["track", "untrack", "reset", "export"])
def test_configuration_with_a_typo_stops_every_command(
    data: Program, repository_path: Path, command: str
) -> None:
    config = repository_path / "gitexport.toml"
    config.write_text(config.read_text().replace("relation = ", "relatoin = ", 1))

    ended = data(command, "-o", "json")

    assert ended.code == 2
    assert "unknown key 'entities.customers.relatoin'" in ended.error["error"]
    assert ended.error["where"].startswith("gitexport.toml:")
    assert ended.error["hint"] == "did you mean 'relation'?"


def test_password_is_never_shown(program: Program, data: Program, repository_path: Path) -> None:
    del data

    ended = program("-C", repository_path, "--dsn", "host=/nowhere password=hunter2", "export")

    assert ended.code == 8
    assert "hunter2" not in ended.err


def test_configured_branch_that_is_not_there_is_named_with_its_line(
    data: Program, repository_path: Path
) -> None:
    data.done("export")
    config = repository_path / "gitexport.toml"
    text = config.read_text().replace('branch = "main"', 'branch = "mian"')
    config.write_text(text)

    ended = data("export", "-o", "json")

    line = text.splitlines().index('branch = "mian"') + 1
    assert ended.code == 2
    assert ended.error["where"] == f"gitexport.toml:{line}"
    assert "did you mean 'main'?" in ended.error["hint"]


@pytest.mark.parametrize("name", ["HEAD", "@", "refs/heads/main", "--", "bad name", "a..b"])
def test_branch_that_git_would_not_make_is_refused(
    data: Program, shop: str, repository_path: Path, name: str
) -> None:
    data.done("export")
    nothing = data("export", "--branch", name)
    execute(shop, "UPDATE shop.customers SET name = 'x' WHERE id = 4")

    ended = data("export", "--branch", name, "-o", "json")

    assert nothing.code == ended.code == 2
    assert ended.error["error"] == f"'{name}' is not the name of a branch"
    assert git(repository_path, "for-each-ref", "--format=%(refname)", "refs/heads") == (
        "refs/heads/main"
    )


@pytest.mark.parametrize(
    ("old", "new", "error", "hint"),
    [
        (
            'relation = "shop.orders"',
            'relation = "shop.order"',
            "relation 'shop.order' does not exist",
            "did you mean 'shop.orders'?",
        ),
        (
            "key = [",
            'modified = { relation = "shop.nothing", on = "id" }\nkey = [',
            "relation 'shop.nothing' does not exist",
            "correct 'modified' in gitexport.toml",
        ),
        (
            "key = [",
            'modified = { relation = "shop.customers", on = "idd" }\nkey = [',
            "has no column 'idd'",
            "did you mean 'id'?",
        ),
        (
            "key = [",
            'natural_key = ["nmae"]\nkey = [',
            "natural_key of 'customers' names 'nmae'",
            "did you mean 'name'?",
        ),
        ('kind = "postgresql"', 'kind = "postgres"', "'postgres'", "did you mean 'postgresql'?"),
    ],
)
def test_mistake_that_only_the_database_can_tell_names_its_line(  # noqa: PLR0913, PLR0917
    data: Program, repository_path: Path, old: str, new: str, error: str, hint: str
) -> None:
    data.done("export")
    config = repository_path / "gitexport.toml"
    text = config.read_text().replace(old, new, 1)
    config.write_text(text)

    ended = data("export", "-o", "json")

    line = text.splitlines().index(new.partition("\n")[0]) + 1
    assert ended.code == 2
    assert error in ended.error["error"]
    assert ended.error["where"] == f"gitexport.toml:{line}"
    assert ended.error["hint"] == hint
