"""Restores of rows of every kind of table, key and tracking; and at a real terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fixtures.journey import Journey
from tests.integration.restore.restoring import latest, rows

ROOT = Path(__file__).parents[3]


def make(journey: Journey, statements: str) -> None:
    """Makes tables, names them in the configuration, and tracks them."""
    journey.sql(statements)
    journey.done("init")
    journey.done("track")


def assert_goes_back(journey: Journey, tables: tuple[str, ...], change: str) -> None:
    """Changes rows, restores them, and compares every row's text."""
    tag = journey.export()
    before = [rows(journey, table) for table in tables]
    journey.sql(change)
    assert [rows(journey, table) for table in tables] != before

    journey.done("restore", tag, "--database", "--yes")

    assert [rows(journey, table) for table in tables] == before
    assert journey.done("export", "-o", "json").json()["snapshot"] is None
    assert journey.done("export", "--full", "-o", "json").json()["snapshot"] is None


@pytest.mark.parametrize("tracking", ["table", "compare"])
def test_other_methods_of_tracking(journey: Journey, tracking: str) -> None:
    journey.sql("CREATE TABLE words (id int PRIMARY KEY, word text)")
    journey.sql("INSERT INTO words SELECT n, 'word ' || n FROM generate_series(1, 20) n")
    journey.done("init")
    config = journey.path / "gitexport.toml"
    head = "[entities.words]"
    config.write_text(config.read_text().replace(head, f'{head}\ntracking = "{tracking}"'))
    journey.done("track")
    tag = journey.export()
    journey.sql("UPDATE words SET word = 'x' WHERE id < 3; DELETE FROM words WHERE id = 4;"
                "INSERT INTO words VALUES (99, 'new')")  # fmt: skip

    report = journey.done("restore", tag, "--database", "--yes", "-o", "json").json()

    assert report["rows"] == {"words": {"inserted": 1, "updated": 2, "deleted": 1}}
    found = journey.connection.execute("SELECT id, word FROM words ORDER BY id").fetchall()
    assert found == [(n, f"word {n}") for n in range(1, 21)]
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_keys_that_documents_write_in_another_way(journey: Journey) -> None:
    make(
        journey,
        "CREATE TABLE moments (at timestamptz, part numeric, name text, note text,"
        " PRIMARY KEY (at, part, name));"
        "INSERT INTO moments VALUES ('2026-01-02 03:04:05.6+02', 1.10, 'a/b', 'x'),"
        " ('infinity', 0, '', NULL), ('0044-03-15 BC', -1, ',=~#*', 'y')",
    )
    assert_goes_back(
        journey,
        ("moments",),
        "UPDATE moments SET note = 'z' WHERE part > 0; DELETE FROM moments WHERE part < 0;"
        "UPDATE moments SET part = 5 WHERE part = 0",
    )


def test_keys_too_long_for_a_file_name(journey: Journey) -> None:
    make(
        journey,
        "CREATE TABLE words (word text PRIMARY KEY, note text);"
        "INSERT INTO words SELECT repeat('long ', 60) || n, 'x' FROM generate_series(1, 3) n",
    )
    assert_goes_back(
        journey,
        ("words",),
        "UPDATE words SET note = 'y' WHERE word LIKE '%1'; DELETE FROM words WHERE word LIKE '%2';"
        "INSERT INTO words VALUES (repeat('long ', 70), 'new')",
    )


def test_circles_of_references(journey: Journey) -> None:
    make(
        journey,
        "CREATE TABLE teams (id int PRIMARY KEY, lead int NOT NULL, name text);"
        "CREATE TABLE people (id int PRIMARY KEY, team int NOT NULL REFERENCES teams"
        "  ON DELETE CASCADE, boss int REFERENCES people, name text);"
        "ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES people DEFERRABLE;"
        "BEGIN; SET CONSTRAINTS ALL DEFERRED;"
        "INSERT INTO teams VALUES (1, 1, 'a'), (2, 2, 'b');"
        "INSERT INTO people VALUES (1, 1, NULL, 'x'), (2, 2, 1, 'y'), (3, 2, 2, 'z'); COMMIT",
    )
    assert_goes_back(
        journey,
        ("teams", "people"),
        "BEGIN; SET CONSTRAINTS ALL DEFERRED; DELETE FROM people WHERE id IN (2, 3);"
        "DELETE FROM teams WHERE id = 2; COMMIT",
    )


def test_partitions_reserved_words_and_generated_columns(journey: Journey) -> None:
    make(
        journey,
        'CREATE TABLE "Order" ("group" int, "select" text, at int GENERATED ALWAYS AS IDENTITY,'
        ' twice int GENERATED ALWAYS AS ("group" * 2) STORED, PRIMARY KEY ("group"))'
        ' PARTITION BY RANGE ("group");'
        'CREATE TABLE low PARTITION OF "Order" FOR VALUES FROM (0) TO (10);'
        'CREATE TABLE high PARTITION OF "Order" FOR VALUES FROM (10) TO (20);'
        'INSERT INTO "Order" ("group", "select") SELECT n, n::text FROM generate_series(1, 15) n',
    )
    assert_goes_back(
        journey,
        ('"Order"',),
        'DELETE FROM "Order" WHERE "group" IN (3, 12);'
        'UPDATE "Order" SET "select" = \'x\' WHERE "group" = 11',
    )


def test_truncated_table_comes_back(journey: Journey) -> None:
    tag = latest(journey)
    before = rows(journey)
    journey.sql("TRUNCATE users")

    stopped = journey.run("restore", tag, "--database", "--yes")
    report = journey.run("restore", tag, "--database", "--yes", "--override", "deletes")

    assert stopped.code == 6
    assert "if it is meant: --override deletes" in stopped.err
    assert report.code == 0, report.err
    assert rows(journey) == before
    assert journey.done("export", "-o", "json").json()["snapshot"] is None


def test_documents_made_by_queries_come_from_their_queries(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    query = "SELECT name FROM public.users WHERE id < 3 ORDER BY id"
    text = f'\n[documents."data/names.json"]\nquery = "{query}"\n'
    config.write_text(config.read_text() + text)
    tag = journey.export()
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 1")
    journey.export()
    old = journey.git("rev-parse", f"{tag}:data/names.json")

    journey.done("restore", tag, "--database", "--yes")

    assert journey.git("rev-parse", "main:data/names.json") == old


def test_patch_goes_into_rows(journey: Journey) -> None:
    path = next(
        name
        for name in journey.git("ls-tree", "-r", "--name-only", "main", "data").splitlines()
        if name.endswith("/42.json")
    )
    file = journey.path.parent / "patch.json"
    file.write_text(
        '{"format": "gitexport.patch/v1", "documents": [{"entity": "users", "key": [42],'
        f' "path": "{path}", "patch": [{{"op": "test", "path": "/name", "value": "user 42"}},'
        '{"op": "replace", "path": "/name", "value": "patched"}]}]}'
    )

    report = journey.done("apply", str(file), "--database", "--yes", "-o", "json").json()

    assert report["rows"] == {"users": {"inserted": 0, "updated": 1, "deleted": 0}}
    found = journey.connection.execute("SELECT name FROM users WHERE id = 42").fetchone()
    assert found == ("patched",)


@pytest.mark.parametrize(("answer", "name"), [("y", "user 42"), ("n", "Ann")])
def test_person_at_a_terminal_is_asked(journey: Journey, answer: str, name: str) -> None:
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    journey.export()
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "--dsn", journey.dsn]

    seen, code = _at_terminal([*command, "restore", "latest~1", "--database"], answer)

    assert "change these rows?" in seen
    assert seen.index("users") < seen.index("change these rows?")
    assert code == (0 if answer == "y" else 6)
    found = journey.connection.execute("SELECT name FROM users WHERE id = 42").fetchone()
    assert found == (name,)


def _at_terminal(command: list[str], answer: str) -> tuple[str, int]:
    """Runs a command on a terminal of its own, and answers its question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT)
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + 120
    is_answered = False
    while time.monotonic() < deadline:
        ready, _, _ = select.select([ours], [], [], 0.2)
        try:
            seen += os.read(ours, 65536) if ready else b""
        except OSError:
            break
        if b"change these rows?" in seen and not is_answered:
            is_answered = True
            os.write(ours, answer.encode() + b"\n")
        if not ready and process.poll() is not None:
            break
    os.close(ours)
    return seen.decode("utf-8", "replace"), process.wait(timeout=60)
