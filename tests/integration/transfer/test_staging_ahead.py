"""Documents that other processes prepare are staged like those that the importing one reads."""

from __future__ import annotations

import json
import multiprocessing

import pytest

from gitexport.source.postgresql.writing.stage import Stage
from gitexport.transfer import commit_source, staging_ahead
from tests.integration.transfer.conftest import Transfer

TABLES = """
CREATE TABLE users (id int PRIMARY KEY, name text, age int, place jsonb, tags text[]);
CREATE TABLE words (word text PRIMARY KEY, note text)
"""
ROWS = """
INSERT INTO users SELECT n,
    CASE n % 9 WHEN 0 THEN E'a\\n"b"' WHEN 1 THEN 'null' ELSE 'user ' || n END,
    nullif(n % 5, 0), jsonb_build_object('n', n), ARRAY['a', NULL, 'b ' || n]
    FROM generate_series(1, 3000) n;
INSERT INTO words SELECT repeat(md5(n::text), 1 + n % 12), 'plain' FROM generate_series(1, 300) n
"""


@pytest.fixture(params=[1, 3])
def users(
    request: pytest.FixtureRequest, transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> Transfer:
    """A snapshot of users and words, and empty tables; one process prepares, or three do."""
    monkeypatch.setattr(commit_source, "_READ_AHEAD", 1)
    monkeypatch.setattr(commit_source, "processors", lambda: 2)
    monkeypatch.setattr(staging_ahead, "processors", lambda: request.param)
    transfer.source.sql(TABLES, ROWS)
    transfer.target.sql(TABLES)
    transfer.snapshot()
    return transfer


def test_rows_are_those_of_the_source(users: Transfer) -> None:
    report = users.loaded("--mode", "upsert")

    assert users.target.dump("users", "words") == users.source.dump("users", "words")
    told = {name: entity["inserted"] for name, entity in report["entities"].items()}
    assert told == {"users": 3000, "words": 300}
    assert multiprocessing.active_children() == []
    users.target.sql("UPDATE users SET age = 77 WHERE id % 3 = 0", "DELETE FROM words")
    users.loaded("--mode", "upsert")
    assert users.target.dump("users", "words") == users.source.dump("users", "words")


def test_columns_that_documents_lack_take_their_defaults(users: Transfer) -> None:
    users.source.sql("ALTER TABLE users DROP COLUMN age")
    users.target.sql("ALTER TABLE users ALTER age SET DEFAULT 5")
    file = users.path / "gitexport.toml"
    file.write_text(file.read_text().replace('    "age",\n', "").replace('"age", ', ""))
    assert users.run("export", "--full", "-q").code == 0

    users.loaded("--mode", "upsert")

    assert users.target.rows("SELECT DISTINCT age FROM users") == [(5,)]


def test_a_refused_value_is_named_by_its_document(users: Transfer) -> None:
    users.target.sql("ALTER TABLE users ALTER tags TYPE int[] USING NULL")
    one = users.load("--mode", "upsert")
    assert one.code == 9
    assert "column 'tags'" in one.err

    users.target.sql(
        "ALTER TABLE users ALTER tags TYPE text[] USING NULL",
        "ALTER TABLE words ALTER note TYPE varchar(5)",
    )
    users.source.sql("UPDATE words SET note = 'too long' WHERE word = md5('12')")
    long = users.source.value("SELECT word FROM words WHERE note <> 'plain'")
    users.snapshot()
    refused = users.load("--mode", "upsert")

    assert refused.code == 9
    assert f"words:{long}" in refused.err
    assert users.target.value("SELECT count(*) FROM users") == 0


def test_only_wanted_documents_are_staged(users: Transfer) -> None:
    users.loaded("--mode", "upsert", "--only", "users:7")

    assert users.target.rows("SELECT id FROM users") == [(7,)]


def test_a_document_that_its_schema_refuses_is_named(users: Transfer) -> None:
    schema = users.path / "schemas" / "users.schema.json"
    schema.parent.mkdir()
    schema.write_text(json.dumps({"properties": {"id": {"maximum": 2999}}}))
    users.configure("users", 'schema = "schemas/users.schema.json"')
    users.git("add", "--all")
    users.git("commit", "--quiet", "--message", "a schema")
    commit = users.git("rev-parse", "HEAD")

    refused = users.load("--mode", "upsert", source=f"{users.path}@{commit}")

    assert refused.code == 9
    assert "users:3000" in refused.err
    assert multiprocessing.active_children() == []


def test_a_process_that_is_killed_ends_the_import(
    users: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Stage._counted

    def kill(stage: Stage, block: object) -> object:
        for process in multiprocessing.active_children():
            process.kill()
        return counted(stage, block)  # type: ignore[arg-type]

    monkeypatch.setattr(Stage, "_counted", kill)

    ended = users.load("--mode", "upsert")

    assert ended.code == 10
    assert "was killed" in ended.err
    assert users.target.value("SELECT count(*) FROM users") == 0
