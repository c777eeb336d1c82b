"""`gitexport history --to`: the history as a SQLite database, read back with sqlite3."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gitexport.errors import CorruptRepositoryError
from gitexport.store.repository import DataRepository
from tests.fixtures.journey import Journey
from tests.integration.history.changing import change_something


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "history.sqlite"


def ask(file: Path, query: str, *values: object) -> list[Any]:
    """Gives the rows of a query, checking the file first."""
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def at(file: Path, snapshot: str, entity: str) -> dict[str, str]:
    """Gives the documents of an entity that a snapshot held, by key, from the file."""
    query = """
        SELECT key, document FROM versions WHERE entity = ? AND document IS NOT NULL
        AND from_snapshot <= ? AND (to_snapshot IS NULL OR to_snapshot > ?)
    """
    rows = ask(file, query, entity, snapshot, snapshot)
    found = dict(rows)
    assert len(found) == len(rows)
    return found


def documents(journey: Journey, snapshot: str, directory: str) -> set[str]:
    """Gives the documents that git has in a directory of a snapshot."""
    paths = journey.git("ls-tree", "-r", "--name-only", snapshot, directory).splitlines()
    return {journey.git("cat-file", "blob", f"{snapshot}:{path}") for path in paths}


def dump(file: Path) -> list[str]:
    """Gives everything that a file holds, as SQL."""
    connection = sqlite3.connect(file)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_every_snapshot_comes_back_from_the_file(journey: Journey, file: Path) -> None:
    second, third = change_something(journey)
    journey.sql("INSERT INTO users VALUES (7, 'again', NULL)")
    fourth = journey.export()

    report = journey.done("history", "--to", str(file), "-o", "json").json()

    tags = [row[0] for row in ask(file, "SELECT snapshot FROM snapshots ORDER BY snapshot")]
    assert tags[1:] == [second, third, fourth]
    assert (report["first"], report["last"], report["snapshots"]) == (tags[0], fourth, 4)
    assert report["versions"] == ask(file, "SELECT count(*) FROM versions")[0][0] == 72 + 2 + 2 + 1
    for tag in tags:
        for entity in ("users", "order_details"):
            held = at(file, tag, entity)
            assert set(held.values()) == documents(journey, tag, f"data/{entity}")
    life = "SELECT kind, from_snapshot, to_snapshot FROM versions WHERE key = '7' AND entity = ?"
    assert ask(file, life + " ORDER BY id", "users") == [
        ("added", tags[0], second),
        ("deleted", second, fourth),
        ("added", fourth, None),
    ]
    assert ask(file, "SELECT key FROM versions WHERE entity = 'order_details' LIMIT 1") == [
        ("10248,1",)
    ]


def test_changed_fields_are_exact(journey: Journey, file: Path) -> None:
    second, third = change_something(journey)
    journey.done("history", "--to", str(file))

    query = "SELECT snapshot, key, pointer, old, new FROM changes WHERE pointer IS NOT NULL"
    assert ask(file, query + " ORDER BY snapshot, key, pointer") == [
        (second, "42", "/name", '"user 42"', '"Ann"'),
        (second, "42", "/place/city", '"Rome"', '"Bern"'),
        (second, "42", "/place/zip", "42", None),
        (third, "10248,11", "/amount", "1.10", "1.1"),
        (third, "42", "/name", '"Ann"', '"Bea"'),
    ]
    counts = "SELECT added, modified, deleted, documents FROM snapshots ORDER BY snapshot"
    assert ask(file, counts) == [(72, 0, 0, 72), (0, 1, 1, 71), (0, 2, 0, 71)]
    assert ask(file, "SELECT * FROM entities ORDER BY entity") == [
        ("order_details", "public.order_details", '["order_id", "product_id"]', None),
        ("users", "public.users", '["id"]', "name"),
    ]


def test_views_show_what_is_there_now(journey: Journey, file: Path) -> None:
    journey.sql("ALTER TABLE order_details ADD COLUMN big numeric, ADD COLUMN ok boolean")
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"amount"', '"amount", "big", "ok"'))
    journey.sql("UPDATE order_details SET big = 123456789012345678901234567890, ok = true")
    change_something(journey)
    journey.done("history", "--to", str(file))

    row = "SELECT id, name, place FROM current_users WHERE id = 42"
    assert ask(file, row) == [(42, "Bea", '{"city":"Bern"}')]
    assert ask(file, "SELECT count(*) FROM current_users") == [(59,)]
    assert ask(
        file, "SELECT order_id, amount, big, ok FROM current_order_details WHERE product_id = 11"
    ) == [(10248, "1.1", "123456789012345678901234567890", "true")]
    names = ask(file, "SELECT name FROM pragma_table_info('current_users')")
    assert [name for (name,) in names] == ["id", "name", "place", "_since_snapshot"]


def test_second_run_adds_what_is_new_and_makes_the_same_file(
    journey: Journey, file: Path, tmp_path: Path
) -> None:
    journey.done("history", "--to", str(file))
    assert "every snapshot already" in journey.done("history", "--to", str(file)).out
    change_something(journey)
    planned = journey.done("history", "--to", str(file), "--dry-run", "-o", "json").json()
    assert (planned["snapshots"], planned["versions"], planned["is_new"]) == (2, None, False)
    assert ask(file, "SELECT count(*) FROM snapshots") == [(1,)]

    report = journey.done("history", "--to", str(file), "-o", "json").json()

    assert (report["snapshots"], report["versions"]) == (2, 4)
    once = tmp_path / "once.sqlite"
    journey.done("history", "--to", str(once))
    assert dump(file) == dump(once)


def test_notes_follow(journey: Journey, file: Path) -> None:
    journey.done("history", "--to", str(file))
    journey.done("note", "latest", "later")

    journey.done("history", "--to", str(file))

    assert ask(file, "SELECT note FROM snapshots") == [("later",)]


def test_part_begins_with_what_was_there(journey: Journey, file: Path) -> None:
    second, third = change_something(journey)

    journey.done("history", "--to", str(file), "--since", third, "users")

    kinds = "SELECT kind, from_snapshot, count(*) FROM versions GROUP BY kind ORDER BY kind"
    assert ask(file, kinds) == [("modified", third, 1), ("present", second, 59)]
    assert set(at(file, third, "users").values()) == documents(journey, third, "data/users")
    assert ask(file, "SELECT entity FROM entities") == [("users",)]


def test_addresses_choose_documents(journey: Journey, file: Path, tmp_path: Path) -> None:
    change_something(journey)

    journey.done(
        "history", "--to", str(file), "users:4*", "order_details:*,11", "--until", "latest~1"
    )

    keys = ask(file, "SELECT entity, key FROM versions GROUP BY entity, key ORDER BY entity, key")
    assert keys[0] == ("order_details", "10248,11")
    assert [key for _entity, key in keys[1:]] == sorted(["4", *map(str, range(40, 50))])
    assert ask(file, "SELECT count(*) FROM snapshots") == [(2,)]
    for arguments in (["users:4*"], ["users", "--until", "latest~1"], []):
        refused = journey.run("history", "--to", str(file), *arguments)
        assert refused.code == 2
        assert "another part of the history" in refused.err
    for address, word in (("user", "users"), ("users:1#/name", "whole documents")):
        refused = journey.run("history", "--to", str(tmp_path / "f"), address)
        assert (refused.code, refused.out) == (2, "")
        assert word in refused.err
        assert not (tmp_path / "f").exists()


def test_renamed_entity_in_another_layout_goes_on(journey: Journey, file: Path) -> None:
    journey.done("history", "--to", str(file))
    config = journey.path / "gitexport.toml"
    text = config.read_text().replace('"data/users"', '"data/people"')
    text = text.replace("[entities.users]", '[entities.people]\nrenamed_from = "users"')
    config.write_text(text)
    journey.done("relayout")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 1")
    last = journey.export()

    report = journey.done("history", "--to", str(file), "-o", "json").json()

    assert report["versions"] == 1, "documents that only moved are the same"
    assert set(at(file, last, "people").values()) == documents(journey, last, "data/people")
    names = "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name"
    assert ask(file, names) == [("changes",), ("current_order_details",), ("current_people",)]


def test_what_a_person_committed_in_between_is_not_lost(journey: Journey, file: Path) -> None:
    path = journey.done("show", "latest", "users:1", "-o", "json").json()["path"]
    (journey.path / path).write_text('{"id": 1, "name": "by hand", "place": null}\n')
    journey.git("commit", "-q", "-a", "-m", "mine\n\nGitexport-Snapshot: 20991231-000000")
    (journey.path / path).write_text("no JSON\n")
    journey.git("commit", "-q", "-a", "-m", "mine\n\nGitexport-Snapshot: 20991231-000001")

    journey.done("history", "--to", str(file))

    rows = ask(file, "SELECT kind, document, reason FROM versions WHERE key = '1' ORDER BY id")
    assert rows[-2][:2] == ("modified", '{"id": 1, "name": "by hand", "place": null}')
    assert rows[-1][:2] == ("modified", None)
    assert "is not JSON" in rows[-1][2]
    assert ask(file, "SELECT count(*) FROM current_users") == [(59,)]


def test_keys_that_are_too_long_for_names_of_files_are_whole(journey: Journey, file: Path) -> None:
    journey.sql("CREATE TABLE pages (url text PRIMARY KEY, hits integer)")
    url = "https://example.org/" + "a,b#" * 100
    journey.connection.execute("INSERT INTO pages VALUES (%s, 1)", (url,))
    journey.done("init", "--table", "pages")
    journey.done("track")
    journey.export()
    journey.sql("DELETE FROM pages")
    journey.export()

    journey.done("history", "--to", str(file), "pages:https*")

    address = url.replace(",", "\\,").replace("#", "\\#")
    assert ask(file, "SELECT kind, key FROM versions ORDER BY id") == [
        ("added", address),
        ("deleted", address),
    ]


def test_file_that_is_something_else_is_left_alone(
    journey: Journey, file: Path, tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("my notes, which are long enough to be looked at\n" * 40)
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    for path, word in (
        (text, "not a SQLite database"),
        (other, "not one of gitexport history"),
        (tmp_path, "is a directory"),
        (tmp_path / "absent" / "f", "not there"),
    ):
        before = path.read_bytes() if path.is_file() else None
        refused = journey.run("history", "--to", str(path))
        assert (refused.code, refused.out) == (2, ""), refused.err
        assert word in refused.err
        assert (path.read_bytes() if path.is_file() else None) == before

    journey.done("history", "--to", str(file))
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('\nid = "', '\nid = "0'))
    assert "another data repository" in journey.run("history", "--to", str(file)).err


def test_history_that_was_rewritten_is_noticed(journey: Journey, file: Path) -> None:
    _second, third = change_something(journey)
    journey.done("history", "--to", str(file))
    before = dump(file)
    journey.git("commit", "-q", "--amend", "-m", f"other\n\nGitexport-Snapshot: {third}")

    refused = journey.run("history", "--to", str(file))

    assert refused.code == 6
    assert "rewritten" in refused.err
    assert dump(file) == before


def test_run_that_fails_changes_nothing(
    journey: Journey, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey.done("history", "--to", str(file))
    before = dump(file)
    second, _third = change_something(journey)
    blob = journey.done("show", second, "users", "-o", "json").json()["changes"][0]["new_blob"]
    real = DataRepository.read_blob

    def missing(repository: DataRepository, blob_id: bytes) -> bytes:
        if blob_id.hex() == blob:
            message = "gone"
            raise CorruptRepositoryError(message, where=blob)
        return real(repository, blob_id)

    monkeypatch.setattr(DataRepository, "read_blob", missing)
    for path in (file, tmp_path / "new.sqlite"):
        assert journey.run("history", "--to", str(path)).code == 7

    assert dump(file) == before
    assert not (tmp_path / "new.sqlite").exists()


def test_file_that_is_being_written_is_left_alone(
    journey: Journey, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitexport.history.sqlite.file._BUSY_SECONDS", 0.05)
    journey.done("history", "--to", str(file))
    change_something(journey)
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")

    refused = journey.run("history", "--to", str(file))

    writer.close()
    assert refused.code == 4
    assert "another program" in refused.err


def test_half_of_a_run_that_was_killed_is_undone(
    journey: Journey, file: Path, tmp_path: Path
) -> None:
    journey.done("history", "--to", str(file))
    before = dump(file)
    killed = tmp_path / "killed.sqlite"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA cache_size = 5")
    writer.execute("BEGIN")
    # More than the cache holds, so that a part of it is in the file before the end.
    writer.executemany("INSERT INTO metadata VALUES (?, ?)", [(n, "x" * 900) for n in range(500)])
    shutil.copy(file, killed)
    shutil.copy(f"{file}-journal", f"{killed}-journal")
    writer.execute("ROLLBACK")
    writer.close()
    assert killed.stat().st_size > file.stat().st_size

    looked = journey.run("history", "--to", str(killed), "--dry-run")
    assert (looked.code, looked.out) == (10, "")
    assert "run without --dry-run" in looked.err

    assert "every snapshot already" in journey.done("history", "--to", str(killed)).out
    assert dump(killed) == before


def test_dry_run_makes_no_file(journey: Journey, file: Path) -> None:
    out = journey.done("history", "--to", str(file), "--dry-run").out

    assert out.startswith("would add 1 snapshot, ")
    assert not file.exists()


def test_metadata_tells_what_the_file_is(journey: Journey, file: Path) -> None:
    journey.done("history", "--to", str(file))

    metadata = dict(ask(file, "SELECT name, value FROM metadata"))

    assert metadata["format"] == "gitexport.history/v1"
    assert metadata["last_commit"] == journey.git("rev-parse", "main")
    assert json.loads(metadata["addresses"]) == []
    assert f'id = "{metadata["repository"]}"' in (journey.path / "gitexport.toml").read_text()
