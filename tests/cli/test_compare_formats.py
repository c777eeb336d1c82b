"""Every form of `gitexport compare`, at the command line, on known changes of a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gitexport.canonical.check import canonical_json
from gitexport.canonical.value import canonical_value, loads
from gitexport.compare.patch import apply_patch
from gitexport.compare.patch_file import PatchFile, read_patch
from gitexport.model.changeset import ABSENT
from tests.fixtures.hostile import HOSTILE
from tests.fixtures.journey import Journey
from tests.fixtures.postgres import Postgres

FORMS = ["json", "jsonl", "json-patch", "sql", "markdown", "html"]


def change_much(journey: Journey) -> None:
    """Adds, changes, renames and deletes rows, with whatever text people may write."""
    journey.sql("UPDATE users SET name = 'Ann', place = place || '{\"zip\": 1.10}' WHERE id = 1")
    journey.sql("UPDATE users SET place = NULL WHERE id = 2")
    journey.sql("UPDATE users SET id = 100 WHERE id = 3")
    journey.sql("DELETE FROM users WHERE id = 4")
    journey.sql("UPDATE order_details SET amount = 1.1 WHERE product_id = 5")
    for number, text in enumerate(HOSTILE, 1000):
        journey.connection.execute(
            "INSERT INTO users VALUES (%s, %s, jsonb_build_object(%s::text, %s::text))",
            (number, text, text, text),
        )
    journey.export()


def files_at(journey: Journey, rev: str) -> dict[str, bytes]:
    """Gives the documents of a snapshot by their paths."""
    names = journey.git("ls-tree", "-r", "-z", "--name-only", rev, "data").split("\0")
    shown = {name: journey.repository.path / name for name in names if name}
    journey.git("checkout", "--quiet", "--detach", rev)
    found = {name: path.read_bytes() for name, path in shown.items()}
    journey.git("checkout", "--quiet", "main")
    return found


def applied(patch: PatchFile, documents: dict[str, bytes]) -> dict[str, bytes]:
    """Applies a patch to files."""
    made = dict(documents)
    for document in patch.documents:
        data = made.pop(document.path, None)
        value = apply_patch(ABSENT if data is None else loads(data), document.changes)
        if value is not ABSENT:
            made[document.path] = canonical_value(value)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("form", FORMS)
def test_nothing_printed_harms_a_terminal(journey: Journey, form: str) -> None:
    change_much(journey)

    out = journey.done("compare", "latest~1", "-o", form).out

    controls = {char for char in out if not char.isprintable()} - {"\n"}
    # JSON is for programs, and escapes only what JSON has to.
    assert form in {"json", "jsonl", "json-patch"} or controls == set()
    assert not {char for char in controls if ord(char) < 32}


def test_patch_gives_back_every_byte_both_ways(journey: Journey, tmp_path: Path) -> None:
    change_much(journey)
    base, target = files_at(journey, "main~1"), files_at(journey, "main")
    forwards, backwards = tmp_path / "forwards.json", tmp_path / "backwards.json"

    journey.done("compare", "latest~1", "-o", "json-patch", "--output-file", str(forwards))
    journey.done(
        "compare", "latest~1", "-o", "json-patch", "--reverse", "--output-file", str(backwards)
    )

    patch, reverse = (read_patch(path.read_bytes()) for path in (forwards, backwards))
    assert patch.left_out == reverse.left_out == ()
    assert base != target
    assert applied(patch, base) == target
    assert applied(patch.reversed(), target) == base
    assert applied(reverse, target) == base


@pytest.fixture
def other(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """A connection to another, empty database."""
    with (
        postgres.temporary_database() as dsn,
        psycopg.connect(dsn, autocommit=True) as opened,
    ):
        yield opened


def rows_of(connection: psycopg.Connection) -> dict[str, list[bytes]]:
    """Gives all rows as canonical JSON, without the flag."""
    tables = {"users": "id", "order_details": "order_id, product_id"}
    return {
        table: [
            canonical_json(str(row[0]).encode())
            for row in connection.execute(
                f"SELECT (to_jsonb(t) - 'json_exported')::text FROM {table} t"
                f" ORDER BY {key}".encode()
            ).fetchall()
        ]
        for table, key in tables.items()
    }


def test_sql_turns_another_database_into_the_target_and_back(
    journey: Journey, other: psycopg.Connection
) -> None:
    other.execute("CREATE TABLE users (id integer PRIMARY KEY, name text, place jsonb)")
    other.execute(
        "CREATE TABLE order_details (order_id integer, product_id integer, amount numeric,"
        " PRIMARY KEY (order_id, product_id))"
    )
    other.execute(
        "INSERT INTO users SELECT n, 'user ' || n, jsonb_build_object('city', 'Rome', 'zip', n)"
        " FROM generate_series(1, 60) AS n"
    )
    other.execute("INSERT INTO order_details SELECT 10248, n, 1.10 FROM generate_series(1, 12) n")
    base = rows_of(journey.connection)
    assert rows_of(other) == base
    change_much(journey)

    other.execute(journey.done("compare", "latest~1", "-o", "sql").out.encode())
    assert rows_of(other) == rows_of(journey.connection) != base

    other.execute(journey.done("compare", "latest~1", "-o", "sql", "--reverse").out.encode())
    assert rows_of(other) == base


def test_every_form_tells_the_same_counts(journey: Journey) -> None:
    change_much(journey)
    total = json.loads(journey.done("compare", "latest~1", "-o", "json").out)["total"]

    out = {form: journey.done("compare", "latest~1", "-o", form).out for form in FORMS}

    assert total == {"added": 27, "modified": 3, "deleted": 1, "renamed": 1, "rewritten": 0}
    assert "| **all** | 27 | 3 | 1 | 1 | 0 |" in out["markdown"]
    assert '<th scope="row">all</th><td>27</td><td>3</td><td>1</td><td>1</td>' in out["html"]
    assert "-- Rows: 27 inserted, 4 updated, 1 deleted." in out["sql"]
    # A changed key is a removal and an addition.
    assert len(read_patch(out["json-patch"].encode()).documents) == 27 + 3 + 1 + 2


def test_live_database_in_every_form(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 1")

    for form in FORMS:
        out = journey.done("compare", "latest", "@database", "-o", form, "--only", "users").out
        assert "Ann" in out
    patch = read_patch(
        journey.done("compare", "latest", "@database", "-o", "json-patch").out.encode()
    )
    assert patch.target.commit is None
    assert len(patch.documents) == 1


def test_patch_is_applied_where_its_base_came_back(journey: Journey, tmp_path: Path) -> None:
    change_much(journey)
    changed = journey.git("rev-parse", "main")
    file = tmp_path / "patch.json"
    journey.done("compare", "latest~1", "-o", "json-patch", "--output-file", str(file))
    journey.done("restore", "latest~1")

    journey.done("apply", str(file))

    assert journey.git("diff", "--name-only", changed, "main", "--", "data") == ""
    assert journey.done("compare", changed, "latest", "--exit-code", "--name-only").out == ""
