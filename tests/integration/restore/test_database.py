"""`gitexport restore --database`: rows as they were, in one transaction between two exports."""

from __future__ import annotations

import pytest

from tests.fixtures.journey import Journey
from tests.fixtures.repositories import fsck
from tests.integration.restore.restoring import documents, latest, pending, restore, rows


def test_rows_and_repository_are_as_then(journey: Journey, first: str) -> None:
    journey.sql("CREATE TABLE then_users AS SELECT * FROM users WHERE false")
    before = journey.git("rev-parse", "main")

    report = journey.done("restore", first, "--database", "--yes", "-o", "json").json()

    assert report["rows"] == {"users": {"inserted": 1, "updated": 1, "deleted": 1}}
    assert documents(journey) == documents(journey, first)
    assert journey.git("rev-parse", "main^") == before
    message = journey.git("log", "-1", "--format=%B")
    assert message.startswith(f"restore {report['snapshot']}: to {first}\n")
    assert f"\nGitexport-Restores: {first}\n" in message + "\n"
    assert "\nGitexport-Mode: incremental\n" in message
    assert (report["snapshot_before"], pending(journey)) == (None, 0)
    assert journey.done("export", "-o", "json").json()["snapshot"] is None
    assert journey.done("export", "--full", "-o", "json").json()["snapshot"] is None
    assert journey.git("status", "--porcelain") == ""
    fsck(journey.path)


def test_what_is_pending_is_exported_first(journey: Journey, first: str) -> None:
    journey.sql("UPDATE users SET name = 'unsaved' WHERE id IN (1, 42)")
    journey.sql("DELETE FROM users WHERE id = 2")
    unsaved = rows(journey)

    report = journey.done("restore", first, "--database", "--yes", "-o", "json").json()

    assert report["unsaved"] == {"users": {"added": 0, "modified": 2, "deleted": 1}}
    assert report["rows"] == {"users": {"inserted": 2, "updated": 2, "deleted": 1}}
    assert documents(journey) == documents(journey, first)
    journey.done("restore", report["snapshot_before"], "--database", "--yes")
    assert rows(journey) == unsaved


def test_only_rows_that_differ_are_written(journey: Journey, first: str) -> None:
    journey.sql("CREATE TABLE versions AS SELECT id, xmin::text AS version FROM users")

    journey.done("restore", first, "--database", "--yes")

    changed = journey.connection.execute(
        "SELECT users.id FROM users LEFT JOIN versions USING (id)"
        " WHERE users.xmin::text IS DISTINCT FROM versions.version ORDER BY 1"
    ).fetchall()
    assert changed == [(7,), (42,)]


def test_dry_run_matches_what_then_happens(journey: Journey, first: str) -> None:
    journey.sql("UPDATE users SET name = 'unsaved' WHERE id IN (1, 42)")
    tip = journey.git("rev-parse", "main")
    before = rows(journey)

    plan = journey.done("restore", first, "--database", "--dry-run", "-o", "json").json()

    assert (rows(journey), pending(journey)) == (before, 2)
    assert journey.git("rev-parse", "main") == tip
    done = journey.done("restore", first, "--database", "--yes", "-o", "json").json()
    for member in ("rows", "unsaved", "left_alone", "restores", "code", "cascades"):
        assert plan[member] == done[member], member


def test_statements_of_a_dry_run_do_the_same(journey: Journey, first: str) -> None:
    script = journey.done("restore", first, "--database", "--dry-run", "-o", "sql").out
    journey.sql(script)

    journey.export()

    assert documents(journey) == documents(journey, first)
    assert journey.run("restore", first, "-o", "sql").code == 2


def test_nobody_agreed_so_nothing_is_changed(journey: Journey, first: str) -> None:
    tip, before = journey.git("rev-parse", "main"), rows(journey)

    result = journey.run("restore", first, "--database")

    assert result.code == 6
    assert "--yes" in result.err
    assert "users" in result.out
    assert (journey.git("rev-parse", "main"), rows(journey)) == (tip, before)


def test_restored_rows_settle_a_restore_of_the_repository(journey: Journey, first: str) -> None:
    journey.done("restore", first)
    assert journey.run("export").code == 6

    report = journey.done("restore", first, "--database", "--yes", "-o", "json").json()

    assert documents(journey) == documents(journey, first)
    assert report["snapshot_before"] is not None
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_restore_of_what_rows_hold_settles_it_too(journey: Journey, first: str) -> None:
    last = latest(journey)
    journey.done("restore", first)

    journey.done("restore", last, "--database", "--yes")

    assert documents(journey) == documents(journey, last)
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


@pytest.mark.parametrize(
    ("address", "name", "place"),
    [
        ("users:42#/name", "user 42", '{"city": "Oslo"}'),
        ("users:42#/place/city", "Ann", '{"city": "Rome"}'),
        ("users:42", "user 42", '{"zip": 42, "city": "Rome"}'),
    ],
)
def test_part_of_a_row_goes_back(
    journey: Journey, first: str, address: str, name: str, place: str
) -> None:
    journey.done("restore", first, "--database", "--yes", "--only", address)

    found = journey.connection.execute("SELECT name, place::text FROM users WHERE id = 42")
    assert found.fetchone() == (name, place)
    count = journey.connection.execute("SELECT count(*) FROM users WHERE id IN (7, 99)")
    assert count.fetchone() == (1,)


def test_revert_keeps_what_came_later_in_rows(journey: Journey, first: str) -> None:
    del first
    tag = latest(journey)
    journey.sql("UPDATE users SET name = 'later' WHERE id = 41")
    journey.sql("UPDATE users SET place = '{}' WHERE id = 40")

    report = journey.done("revert", tag, "--database", "--yes", "-o", "json").json()

    assert report["rows"] == {"users": {"inserted": 1, "updated": 1, "deleted": 1}}
    found = journey.connection.execute("SELECT id, name FROM users WHERE id IN (41, 42) ORDER BY 1")
    assert found.fetchall() == [(41, "later"), (42, "user 42")]
    assert f"Gitexport-Reverts: {tag}" in journey.git("log", "-1", "--format=%B")


def test_conflict_with_a_pending_row_changes_nothing(journey: Journey, first: str) -> None:
    del first
    tag = latest(journey)
    journey.sql("UPDATE users SET name = 'unsaved' WHERE id = 42")
    before = rows(journey)

    result = journey.run("revert", tag, "--database", "--yes", "-o", "json")

    assert result.code == 9
    conflict = result.json()["conflicts"][0]
    assert (conflict["base"], conflict["ours"], conflict["theirs"]) == ("Ann", "unsaved", "user 42")
    assert (rows(journey), pending(journey)) == (before, 1)


def test_rows_take_what_a_person_has_committed(journey: Journey) -> None:
    path = next(name for name in documents(journey) if name.endswith("/42.json"))
    file = journey.path / path
    file.write_text(file.read_text().replace("user 42", "corrected"))
    journey.git("commit", "-q", "-a", "-m", "corrected")
    stopped = journey.run("export")
    assert stopped.code == 6
    commit = journey.git("rev-parse", "main")
    assert f"gitexport restore {commit} --database" in stopped.err

    report = journey.done("restore", commit, "--database", "--yes", "-o", "json").json()

    assert report["rows"] == {"users": {"inserted": 0, "updated": 1, "deleted": 0}}
    found = journey.connection.execute("SELECT name FROM users WHERE id = 42").fetchone()
    assert found == ("corrected",)
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_every_row_is_read_where_that_is_asked(journey: Journey, first: str) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 5")

    assert restore(journey, first, "--verify-all").code == 0

    assert "Gitexport-Mode: full" in journey.git("log", "-1", "--format=%B", "main^")
    assert documents(journey) == documents(journey, first)


def test_mass_deletion_that_was_asked_for_is_done(journey: Journey) -> None:
    journey.sql("DELETE FROM users")
    journey.done("export", "--allow-deletes")
    empty = latest(journey)
    journey.done("restore", "latest~1", "--database", "--yes")

    result = restore(journey, empty)

    assert result.json()["rows"]["users"]["deleted"] == 60
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_deleted_row_of_a_kept_document_comes_back(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    head = "[entities.users]"
    config.write_text(config.read_text().replace(head, head + '\ndeletes = "keep"'))
    first = journey.export()
    journey.sql("UPDATE users SET name = 'x' WHERE id = 42")
    journey.export()
    journey.sql("DELETE FROM users WHERE id = 42")
    journey.done("export")

    assert restore(journey, first).code == 0

    name = journey.connection.execute("SELECT name FROM users WHERE id = 42").fetchone()
    assert name == ("user 42",)
