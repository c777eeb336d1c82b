"""Rows that cannot be published are named, stay pending, and keep their old document."""

from __future__ import annotations

import json

import pytest

from gitexport.errors import (
    KeyNotUniqueError,
    QuarantinedError,
)
from gitexport.export.options import Override
from gitexport.model.entity import Tracking
from gitexport.model.report import QuarantinedRow
from tests.fixtures.workbench import Workbench

EDITS = frozenset({Override.EDITS})


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


@pytest.mark.parametrize("column", ["a", """it's "x", column 'b' holds""", "a\x01b\n%s {}"])
def test_column_of_a_value_that_the_source_refuses_is_told_exactly(
    users: Workbench, column: str
) -> None:
    quoted = '"' + column.replace('"', '""') + '"'
    users.sql(f"ALTER TABLE users ADD {quoted} int[]")
    users.sql(f"UPDATE users SET {quoted} = '[0:1]={{1,2}}' WHERE id = 2")
    users.change_entity("users", columns=("id", "name", column))

    (row,) = users.export().entities["users"].quarantined

    assert row == QuarantinedRow(("2",), "holds an array whose lower bound is not 1", column)
    (line,) = (users.path / ".git/gitexport/quarantine.jsonl").read_text().splitlines()
    assert json.loads(line)["column"] == column


def test_refused_rows_are_listed_beside_the_repository_until_they_heal(users: Workbench) -> None:
    users.change_entity("users", columns=("id", "name", "extra"))
    users.export()
    listed = users.path / ".git/gitexport/quarantine.jsonl"
    assert not listed.exists()
    users.sql("""UPDATE users SET extra = '{"a": 1, "a": 2}' WHERE id IN (2, 5)""")
    assert users.export(is_dry_run=True).exit_code == 3
    assert not listed.exists()

    users.export()

    lines = [json.loads(line) for line in listed.read_text().splitlines()]
    assert [(line["entity"], line["key"], line["column"]) for line in lines] == [
        ("users", ["2"], "extra"),
        ("users", ["5"], "extra"),
    ]
    assert listed.stat().st_mode & 0o077 == 0
    users.sql("UPDATE users SET extra = NULL WHERE id = 2")
    # A run of some rows says nothing of the others.
    users.export(limit=1)
    users.export(limit=5)
    assert listed.read_text().count('"5"') == 1
    users.export()
    assert [json.loads(line)["key"] for line in listed.read_text().splitlines()] == [["5"]]
    users.sql("UPDATE users SET extra = NULL WHERE id = 5")
    users.export()
    assert not listed.exists()


def test_row_that_hosts_may_refuse_is_published_with_a_warning(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = repeat('x', 50000001) WHERE id = 4")

    report = users.export()

    assert report.entities["users"].modified == 1
    (warning,) = report.warnings
    assert warning.startswith("users:4 has 50,000,")


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
