"""Runs that do less than everything, or nothing at all, and say so."""

from __future__ import annotations

import pytest

from gitexport.errors import (
    UsageError,
)
from gitexport.export.options import Override
from tests.fixtures.workbench import Workbench

EDITS = frozenset({Override.EDITS})


def test_dry_run_writes_nothing_anywhere(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id < 4")
    users.sql("DELETE FROM users WHERE id = 4")
    before = {path: path.stat().st_mtime_ns for path in users.path.rglob("*")}
    state = users.sql("SELECT * FROM gitexport.state")

    report = users.export(is_dry_run=True)

    assert report.snapshot is not None
    assert report.commit is None
    counts = report.entities["users"]
    assert (counts.modified, counts.deleted) == (3, 1)
    assert {path: path.stat().st_mtime_ns for path in users.path.rglob("*")} == before
    assert users.sql("SELECT * FROM gitexport.state") == state
    assert users.pending("users") == 3


def test_limit_takes_the_first_rows_until_all_are_there(users: Workbench) -> None:
    seen = []
    for _run in range(5):
        report = users.export(limit=6)
        seen.append(report.entities["users"].added)
        if report.snapshot:
            assert "Gitexport-Mode: partial" in users.git("log", "-1", "--format=%B")

    assert seen == [6, 6, 6, 2, 0]
    assert users.pending("users") == 0
    users.sql("UPDATE users SET name = 'x'")
    assert users.export(limit=15).entities["users"].modified == 15
    assert '"x"' in users.files()["data/users/15.json"]
    assert '"x"' not in users.files()["data/users/16.json"]
    assert users.export().entities["users"].modified == 5
    users.check()


def test_one_entity_alone_makes_a_partial_snapshot(users: Workbench) -> None:
    users.sql("CREATE TABLE pets (id int PRIMARY KEY, name text)")
    users.sql("INSERT INTO pets VALUES (1, 'cat')")
    users.add_entity("pets")

    report = users.export(entities=("pets",))

    assert report.mode == "partial"
    assert list(users.files()) == ["data/pets/1.json"]
    assert users.export().entities["users"].added == 20
    with pytest.raises(UsageError, match="nope"):
        users.export(entities=("nope",))
    users.check()


def _read(workbench: Workbench, **options: object) -> int:
    """Exports, and counts the rows that were read."""
    report = workbench.export(**options)
    return sum(one.added + one.modified + one.unchanged for one in report.entities.values())


def test_entities_exported_one_by_one_are_read_wholly_once_each(users: Workbench) -> None:
    users.sql("CREATE TABLE pets (id int PRIMARY KEY, name text)")
    users.sql("INSERT INTO pets VALUES (1, 'cat'), (2, 'dog')")
    users.add_entity("pets")
    # A flag from before tracking says nothing of a row that no snapshot holds.
    users.sql("ALTER TABLE pets DISABLE TRIGGER USER; UPDATE pets SET json_exported = true")
    users.source.tracking.track(users.publication.repository_id, users.publication.entities)

    assert _read(users, entities=("users",)) == 20
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    assert _read(users, entities=("users",)) == 1
    assert _read(users, entities=("pets",)) == 2
    assert _read(users) == 0
    users.check()


def test_flags_that_a_partial_run_cannot_vouch_for_stay_void(users: Workbench) -> None:
    users.sql("CREATE TABLE pets (id int PRIMARY KEY, name text)")
    users.sql("INSERT INTO pets VALUES (1, 'cat')")
    users.add_entity("pets")
    first = users.export().commit
    users.sql("UPDATE pets SET name = 'lost' WHERE id = 1")
    users.export()
    users.git("reset", "-q", "--hard", str(first))

    users.export(entities=("users",))

    assert users.export().entities["pets"].modified == 1
    users.check()


def test_first_run_of_an_entity_that_was_cut_short_settles_nothing(users: Workbench) -> None:
    users.sql("ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET json_exported = true")
    users.source.tracking.track(users.publication.repository_id, users.publication.entities)

    assert users.export(limit=6).entities["users"].added == 6
    assert users.export().entities["users"].added == 14
    users.check()


def test_empty_snapshot_only_where_it_is_asked_for(users: Workbench) -> None:
    users.export()

    report = users.export(allow_empty=True, message="a note for people")

    assert report.snapshot is not None
    assert users.commits() == 2
    assert "a note for people" in users.git("log", "-1", "--format=%B")
    assert users.git("diff", "--name-only", "HEAD~", "HEAD") == ""


def test_review_branch_leaves_rows_pending(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export(branch="export/review")

    assert users.git("rev-parse", "export/review") == report.commit
    assert users.commits() == 1
    assert users.pending("users") == 1
    assert users.export().entities["users"].modified == 1
    users.check()


def test_details_name_every_document_with_its_label(users: Workbench) -> None:
    users.change_entity("users", label="name")
    users.export()
    users.sql("UPDATE users SET name = 'Ann' WHERE id = 1")
    users.sql("DELETE FROM users WHERE id = 2")

    report = users.export(with_details=True)

    assert report.details == ["modified users:1 (Ann)", "deleted users:2"]


def test_limited_run_does_not_settle_that_flags_were_void(users: Workbench) -> None:
    users.export()
    users.sql("ALTER TABLE users DISABLE TRIGGER ALL")
    users.sql("UPDATE users SET name = 'unseen' WHERE id = 20")
    users.sql("ALTER TABLE users ENABLE TRIGGER ALL")
    users.source.tracking.track(users.publication.repository_id, users.publication.entities)
    users.sql("UPDATE users SET name = 'seen' WHERE id IN (1, 2, 3)")

    users.export(limit=2)

    report = users.export()
    assert report.entities["users"].modified == 2
    assert "unseen" in users.files()["data/users/20.json"]
    users.check()
