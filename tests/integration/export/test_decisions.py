"""What stops a run, what is left alone, and how a person goes on."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gitexport.errors import (
    DecisionNeededError,
    KeyNotUniqueError,
    QuarantinedError,
    SourceError,
    UsageError,
)
from gitexport.export.options import Override
from gitexport.model.entity import QueryDocument, Tracking
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import fsck, git
from tests.fixtures.workbench import Workbench

EDITS = frozenset({Override.EDITS})


@pytest.fixture
def users(workbench: Workbench) -> Workbench:
    workbench.sql("CREATE TABLE users (id int PRIMARY KEY, name text, extra json)")
    workbench.sql("INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 20) g")
    workbench.add_entity("users")
    return workbench


def test_mass_deletion_stops_before_anything_changed(users: Workbench) -> None:
    users.export()
    users.sql("DELETE FROM users")

    with pytest.raises(DecisionNeededError, match="would be deleted"):
        users.export()

    assert users.commits() == 1
    report = users.export(overrides=frozenset({Override.DELETES}))
    assert report.entities["users"].deleted == 20
    assert "Gitexport-Override: deletes" in users.git("log", "-1", "--format=%B")
    users.check()


def test_uncommitted_edit_of_a_changed_document_survives(users: Workbench) -> None:
    users.export()
    edited = users.path / "data/users/3.json"
    edited.write_text("mine\n")
    users.sql("UPDATE users SET name = 'theirs' WHERE id IN (3, 4)")

    report = users.export()

    assert report.snapshot is not None
    assert report.exit_code == 6
    assert report.kept_edits == ["data/users/3.json"]
    assert edited.read_text() == "mine\n"
    assert "theirs" in users.files()["data/users/3.json"]
    assert users.git("status", "--porcelain").split() == ["M", "data/users/3.json"]
    assert users.export().exit_code == 6
    users.git("checkout", "--", "data/users/3.json")
    assert users.export().exit_code == 0
    users.check()


def test_override_lets_the_database_win_over_an_edit(users: Workbench) -> None:
    users.export()
    (users.path / "data/users/3.json").write_text("mine\n")
    users.sql("UPDATE users SET name = 'theirs' WHERE id = 3")
    users.export()

    report = users.export(overrides=EDITS)

    assert report.exit_code == 0
    assert "theirs" in (users.path / "data/users/3.json").read_text()
    users.check()


def test_persons_commit_on_a_document_stops_the_next_export(users: Workbench) -> None:
    users.export()
    (users.path / "data/users/3.json").write_text("{}\n")
    users.git("commit", "-qam", "mend user 3")

    with pytest.raises(DecisionNeededError, match="not made from database rows") as caught:
        users.export()

    assert "mend user 3" in (caught.value.where or "")
    assert "--override edits" in (caught.value.hint or "")
    report = users.export(overrides=EDITS)
    assert report.entities["users"].modified == 1
    assert "user 3" in users.files()["data/users/3.json"]
    assert users.export().snapshot is None
    users.check()


def test_persons_commit_elsewhere_is_built_upon(users: Workbench) -> None:
    users.export()
    (users.path / "NOTES.md").write_text("hello\n")
    (users.path / "data/users/README.md").write_text("about users\n")
    users.git("add", ".")
    users.git("commit", "-qm", "notes")
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()

    assert report.mode == "incremental"
    assert users.git("log", "--format=%s", "-2").splitlines()[1] == "notes"
    assert users.files("NOTES.md") == {"NOTES.md": "hello"}
    users.export(full=True)
    assert "data/users/README.md" in users.files()
    users.check()


def test_branch_that_is_not_checked_out_is_moved_by_name(users: Workbench) -> None:
    users.export()
    users.git("checkout", "-q", "--detach")
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()

    assert users.git("rev-parse", "main") == report.commit
    assert users.git("rev-parse", "HEAD") != report.commit
    assert "x" not in (users.path / "data/users/1.json").read_text()
    assert users.git("status", "--porcelain") == ""
    users.git("checkout", "-q", "main")
    users.sql("UPDATE users SET name = 'y' WHERE id = 1")
    users.export()
    users.check()


def test_bare_repository_needs_no_index(users: Workbench, tmp_path: Path) -> None:
    bare = replace(users, repository=DataRepository.create(tmp_path / "bare.git", bare=True))

    bare.export()
    bare.sql("UPDATE users SET name = 'x' WHERE id = 1")
    bare.export()

    assert not (tmp_path / "bare.git/index").exists()
    assert len(bare.files()) == 20
    fsck(tmp_path / "bare.git")
    assert bare.commits() == 2


def test_reset_of_the_branch_is_reconciled(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    users.export()
    users.git("reset", "-q", "--hard", "HEAD~")
    assert users.pending("users") == 0

    report = users.export()

    assert report.entities["users"].modified == 1
    assert '"x"' in users.files()["data/users/1.json"]
    assert users.export().snapshot is None
    users.check()


def test_snapshots_of_another_clone_are_reconciled(users: Workbench, tmp_path: Path) -> None:
    users.export()
    git(tmp_path, "clone", "-q", str(users.path), "clone")
    clone = replace(users, repository=DataRepository.open(tmp_path / "clone"))
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    clone.export()
    assert users.pending("users") == 0

    report = users.export()

    assert report.entities["users"].modified == 1
    users.check()


def test_other_database_stops(users: Workbench) -> None:
    users.export()
    text = users.git("log", "-1", "--format=%B").replace(
        "Gitexport-Source: ", "Gitexport-Source: other"
    )
    users.git("commit", "-q", "--amend", "-m", text[:-1])
    users.git("tag", "-d", users.git("tag", "-l").splitlines()[0])
    amended = users.git("log", "-1", "--format=%B")
    assert "other" in amended
    text = "\n".join(
        line + "0" if line.startswith("Gitexport-Source") else line for line in text.splitlines()
    )
    users.git("commit", "-q", "--amend", "-m", text)

    with pytest.raises(DecisionNeededError, match="not the one"):
        users.export()

    assert users.export(overrides=frozenset({Override.SOURCE})).exit_code == 0


def test_refused_row_stays_pending_and_keeps_its_document(users: Workbench) -> None:
    users.change_entity("users", columns=("id", "name", "extra"))
    users.export()
    users.sql("""UPDATE users SET extra = '{"a": 1, "a": 2}', name = 'two' WHERE id = 2""")
    users.sql("UPDATE users SET name = 'three' WHERE id = 3")

    report = users.export()

    assert report.exit_code == 3
    (row,) = report.entities["users"].quarantined
    assert row.key == ("2",)
    assert "user 2" in users.files()["data/users/2.json"]
    assert "three" in users.files()["data/users/3.json"]
    assert users.pending("users") == 1
    assert "Gitexport-Quarantined: users=1" in users.git("log", "-1", "--format=%B")
    users.sql("""UPDATE users SET extra = '{"a": 1}' WHERE id = 2""")
    assert users.export().exit_code == 0
    assert users.pending("users") == 0
    users.check()


def test_strict_run_is_all_or_nothing(users: Workbench) -> None:
    users.change_entity("users", columns=("id", "name", "extra"))
    users.export()
    users.sql("""UPDATE users SET extra = '{"a": 1, "a": 2}' WHERE id = 2""")
    users.sql("UPDATE users SET name = 'three' WHERE id = 3")

    with pytest.raises(QuarantinedError, match="users:2 was refused"):
        users.export(is_strict=True)

    assert users.commits() == 1
    assert users.pending("users") == 2


def test_document_that_does_not_satisfy_its_schema_is_refused(users: Workbench) -> None:
    schema = {"properties": {"name": {"maxLength": 10}}}
    (users.path / "schemas").mkdir()
    (users.path / "schemas/users.json").write_text(json.dumps(schema))
    users.change_entity("users", schema="schemas/users.json")
    users.sql("UPDATE users SET name = repeat('n', 11) WHERE id = 9")

    report = users.export()

    (row,) = report.entities["users"].quarantined
    assert row.key == ("9",)
    assert "maxLength" in row.reason
    assert "nnn" not in row.reason
    assert report.entities["users"].added == 19


def test_key_that_is_not_unique_is_refused(workbench: Workbench) -> None:
    workbench.sql("CREATE TABLE t (id int, name text)")
    workbench.sql("INSERT INTO t VALUES (1, 'a'), (1, 'b')")
    workbench.add_entity("t", tracking=Tracking.COMPARE)

    with pytest.raises(KeyNotUniqueError, match="not unique"):
        workbench.export()

    assert workbench.git("for-each-ref") == ""


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


def test_documents_are_renewed_when_their_entity_changes(users: Workbench) -> None:
    query = "SELECT id, name, :tag AS tag, :exported_at::text AS at FROM public.users ORDER BY id"
    document = QueryDocument("data/indexes/users.json", query, depends=("users",))
    broken = QueryDocument("data/indexes/broken.json", "SELECT 1/0", is_array=False)
    users.publication = replace(users.publication, documents=(document,))
    report = users.export()
    first = json.loads(users.files()["data/indexes/users.json"])
    assert first[0] == {"id": 1, "name": "user 1", "tag": report.snapshot, "at": first[0]["at"]}
    assert users.export().snapshot is None
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    users.publication = replace(users.publication, documents=(document, broken))

    report = users.export()

    assert json.loads(users.files()["data/indexes/users.json"])[0]["name"] == "x"
    assert report.exit_code == 3
    assert "data/indexes/broken.json" not in users.files()
    users.check()


def test_new_column_is_named_and_not_published(users: Workbench) -> None:
    users.export()
    users.sql("ALTER TABLE users ADD COLUMN ssn text DEFAULT 'secret-canary'")

    report = users.export()

    assert report.schema_changes == [
        "users: column 'ssn' is new (not published: it is not named in columns)"
    ]
    assert "column 'ssn' is new" in users.git("log", "-1", "--format=%B")
    everything = users.git("log", "-p", "--all")
    assert "secret-canary" not in everything
    assert users.export().snapshot is None
    users.check()


def test_changed_type_reads_every_row_again(users: Workbench) -> None:
    users.export()
    users.sql("ALTER TABLE users ALTER COLUMN id TYPE numeric(10, 2)")
    users.sql("UPDATE users SET json_exported = json_exported")

    report = users.export(overrides=frozenset({Override.DELETES}))

    assert any("numeric(10,2)" in text for text in report.schema_changes)
    assert report.mode == "full"
    assert users.export().snapshot is None


def test_row_changed_between_reading_and_acknowledging_stays_pending(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'first' WHERE id IN (1, 2)")
    users.progress.hooks["acknowledging"] = lambda: users.sql(
        "UPDATE users SET name = 'second' WHERE id = 1"
    )

    report = users.export()

    assert report.entities["users"].superseded == 1
    assert users.pending("users") == 1
    assert "first" in users.files()["data/users/1.json"]
    users.export()
    assert "second" in users.files()["data/users/1.json"]


def test_locked_row_is_skipped_and_stays_pending(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id IN (1, 2)")
    with psycopg.connect(users.dsn) as other:
        other.execute("SELECT FROM users WHERE id = 1 FOR UPDATE")

        report = users.export()

    assert report.entities["users"].superseded == 1
    assert users.pending("users") == 1


def test_commit_by_a_person_in_mid_run_is_built_upon(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    def commit() -> None:
        (users.path / "NOTES.md").write_text("hello\n")
        users.git("add", "NOTES.md")
        users.git("commit", "-qm", "notes in mid run")

    users.progress.hooks["reading rows"] = commit

    users.export()

    assert users.git("log", "--format=%s", "-2").splitlines()[1] == "notes in mid run"
    users.check()


def test_clock_behind_takes_the_next_second_for_tag_and_commit(users: Workbench) -> None:
    first = users.export().snapshot
    users.clock.now -= timedelta(minutes=4)
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    second = users.export().snapshot

    assert first is not None
    assert second is not None
    assert int(second[-6:]) == int(first[-6:]) + 1
    assert users.git("log", "-1", "--format=%cd", "--date=format:%Y%m%d-%H%M%S") == second
    users.clock.now -= timedelta(hours=1)
    users.sql("UPDATE users SET name = 'y' WHERE id = 1")
    with pytest.raises(DecisionNeededError, match="clock"):
        users.export()
    assert users.export(overrides=frozenset({Override.CLOCK})).snapshot == (
        f"{second[:-6]}{int(second[-6:]) + 1:06}"
    )


def test_empty_snapshot_only_where_it_is_asked_for(users: Workbench) -> None:
    users.export()

    report = users.export(allow_empty=True, message="a note for people")

    assert report.snapshot is not None
    assert users.commits() == 2
    assert "a note for people" in users.git("log", "-1", "--format=%B")
    assert users.git("diff", "--name-only", "HEAD~", "HEAD") == ""


def test_held_index_lock_defers_only_the_view(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    lock = users.path / ".git/index.lock"
    lock.touch()

    report = users.export()

    assert report.snapshot is not None
    assert any("not refreshed" in text for text in report.warnings)
    lock.unlink()
    users.export()
    users.check()


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


def test_entity_that_is_no_longer_configured_keeps_its_files(users: Workbench) -> None:
    users.sql("CREATE TABLE pets (id int PRIMARY KEY, name text)")
    users.sql("INSERT INTO pets VALUES (1, 'cat')")
    users.add_entity("pets")
    users.export()
    users.publication = replace(users.publication, entities=users.publication.entities[:1])

    report = users.export()

    assert any("'pets' is no longer configured" in text for text in report.warnings)
    assert "data/pets/1.json" in users.files()


def test_edit_elsewhere_is_one_warning(users: Workbench) -> None:
    users.export()
    (users.path / "data/users/3.json").write_text("mine\n")
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()

    assert report.exit_code == 0
    assert report.warnings == ["'data/users/3.json' has uncommitted edits, left as they are"]
    assert (users.path / "data/users/3.json").read_text() == "mine\n"


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


def end_connections(bench: Workbench) -> None:
    bench.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'gitexport'"
    )


def test_connection_lost_while_reading_is_tried_again(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    users.progress.hooks["reading rows"] = lambda: end_connections(users)

    report = users.export()

    assert report.entities["users"].modified == 1
    assert any("trying again" in text for text in users.progress.warnings)
    users.check()


def test_connection_lost_before_acknowledging_says_what_is_made(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    users.progress.hooks["acknowledging"] = lambda: end_connections(users)

    with pytest.raises(SourceError) as caught:
        users.export()

    assert "is made" in (caught.value.where or "")
    assert users.commits() == 2
    assert users.pending("users") == 1
    assert users.export().snapshot is None
    assert users.pending("users") == 0
    users.check()
