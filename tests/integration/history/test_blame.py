"""`gitexport blame`: which snapshot set each field, and what it was before."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gitexport.store.repository import DataRepository
from tests.fixtures.journey import Journey
from tests.integration.history.changing import change_something


def blamed(journey: Journey, *arguments: str) -> dict[str, tuple[str, Any, Any]]:
    """Gives for each pointer the snapshot, the value, and the one before (`...` for none)."""
    fields = journey.done("blame", "-o", "json", *arguments).json()["fields"]
    return {
        field["pointer"]: (field["snapshot"], field["value"], field.get("old", ...))
        for field in fields
    }


def first_snapshot(journey: Journey) -> str:
    """Names the oldest snapshot."""
    return str(journey.done("log", "-o", "json").json()["snapshots"][-1]["snapshot"])


def test_each_field_has_the_snapshot_that_set_it(journey: Journey) -> None:
    second, third = change_something(journey)
    first = first_snapshot(journey)

    place = {"city": "Rome", "zip": 42}
    assert blamed(journey, "users:42") == {
        "/id": (first, 42, ...),
        "/name": (third, "Bea", "Ann"),
        "/place": (second, {"city": "Bern"}, place),
    }
    assert blamed(journey, "users:42#/place") == {"/place/city": (second, "Bern", "Rome")}
    assert blamed(journey, "users:42#/name") == {"/name": (third, "Bea", "Ann")}
    assert blamed(journey, "users:42", "--at", second)["/name"] == (second, "Ann", "user 42")
    assert blamed(journey, "users:43")["/name"] == (first, "user 43", ...)

    lines = journey.done("blame", "users:42").out.splitlines()
    assert lines[0] == f"{first}  /id     42"
    assert lines[1] == f'{third}  /name   "Bea"  was "Ann"'
    assert len(lines) == 3


def test_numbers_differ_as_they_are_written(journey: Journey) -> None:
    _second, third = change_something(journey)

    assert (
        f"{third}  /amount      1.1  was 1.10\n"
        in journey.done("blame", "order_details:10248,11").out
    )


def test_field_that_changed_and_changed_back_was_set_last(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 1")
    journey.export()
    journey.sql("UPDATE users SET name = 'user 1' WHERE id = 1")
    back = journey.export()

    assert blamed(journey, "users:1")["/name"] == (back, "user 1", "x")


def test_new_column_was_set_where_it_came(journey: Journey) -> None:
    journey.sql("ALTER TABLE users ADD COLUMN rank integer")
    config = journey.path / "gitexport.toml"
    text, count = re.subn(r'("id",\s*"name")', r'\1, "rank"', config.read_text())
    assert count == 1
    config.write_text(text)
    came = journey.export()

    assert blamed(journey, "users:1")["/rank"] == (came, None, ...)
    assert blamed(journey, "users:1")["/name"][0] == first_snapshot(journey)


def test_deleted_document_is_explained_as_it_was_last(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'last' WHERE id = 7")
    last = journey.export()
    journey.sql("DELETE FROM users WHERE id = 7")
    gone = journey.export()

    report = journey.done("blame", "users:7", "-o", "json").json()
    assert report["deleted_by"]["snapshot"] == gone
    assert blamed(journey, "users:7")["/name"] == (last, "last", "user 7")
    assert journey.done("blame", "users:7").out.startswith(f"- deleted    {gone}")

    journey.sql("INSERT INTO users VALUES (7, 'last', NULL)")
    back = journey.export()
    assert journey.done("blame", "users:7", "-o", "json").json()["deleted_by"] is None
    assert blamed(journey, "users:7") == {
        "/id": (back, 7, ...),
        "/name": (back, "last", ...),
        "/place": (back, None, ...),
    }


def test_another_layout_sets_nothing(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"data/users"', '"data/people"'))
    moved = journey.done("relayout", "-o", "json").json()["snapshot"]

    report = journey.done("blame", "users:7", "-o", "json").json()
    assert report["path"].startswith("data/people/")
    assert moved not in {field["snapshot"] for field in report["fields"]}


def test_reading_stops_where_every_field_is_explained(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        journey.sql(f"UPDATE users SET name = '{number}' WHERE id = 1")
        journey.export()
    read: list[bytes] = []
    real = DataRepository.read_blob

    def counted(repository: DataRepository, blob_id: bytes) -> bytes:
        content = real(repository, blob_id)
        if content.startswith(b'{\n  "id": 1,'):
            read.append(content)
        return content

    monkeypatch.setattr(DataRepository, "read_blob", counted)
    assert blamed(journey, "users:1#/name")["/name"][1:] == ("3", "2")

    assert len(read) == 2


def test_version_that_is_no_document_has_no_fields(journey: Journey) -> None:
    path = journey.done("show", "latest", "users:1", "-o", "json").json()["path"]
    (journey.path / path).write_text("broken\n")
    name = "20991231-000000"
    journey.git("commit", "-q", "-a", "-m", f"broken\n\nGitexport-Snapshot: {name}")

    refused = journey.run("blame", "users:1")
    assert (refused.code, refused.out) == (2, "")
    assert f"in '{name}' is not JSON" in refused.err

    journey.git("revert", "--no-edit", "HEAD")
    mended = "20991231-000001"
    journey.git("commit", "-q", "--amend", "-m", f"mended\n\nGitexport-Snapshot: {mended}")
    assert blamed(journey, "users:1")["/name"] == (mended, "user 1", ...)


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("user:1", "users"),
        ("users", "users:42"),
        ("users:4*", "users:42"),
        ("users:61", "users:60"),
        ("users:42#/nam", "name"),
        ("users:42#/place/city/x", "neither"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(
    journey: Journey, address: str, near: str
) -> None:
    result = journey.run("blame", address)

    assert (result.code, result.out) == (2, "")
    assert near in result.err
