"""Two snapshots compared: exactly the known changes, whatever lies between them."""

from __future__ import annotations

import json

from gitexport.compare.selection import FieldTest, Selection
from gitexport.model.address import parse_address
from gitexport.model.changeset import ABSENT, ChangeKind, FieldChange
from tests.fixtures.journey import Journey
from tests.integration.compare.comparing import CHANGES, changes, compared, kinds, written


def test_every_kind_of_change_is_told_apart(journey: Journey) -> None:
    journey.sql(CHANGES)
    journey.export()

    found = compared(journey, "latest~1")
    assert sorted(kinds(found), key=str) == [
        ("added", "users", ("61",)),
        ("deleted", "users", ("7",)),
        ("modified", "order_details", ("10248", "3")),
        ("modified", "users", ("42",)),
        ("renamed", "users", ("1009",)),
    ]
    assert str(found.counts["users"]) == "+1 ~1 -1 >1"
    assert found.total.total == 5
    (renamed,) = (change for change in changes(found) if change.kind is ChangeKind.RENAMED)
    assert renamed.old_key == ("9",)
    (modified,) = (change for change in changes(found) if change.key == ("42",))
    assert modified.fields == (
        FieldChange("/name", "user 42", "Ann"),
        FieldChange("/place/zip", 42, "b"),
    )


def test_json_holds_values_as_they_are_written(journey: Journey) -> None:
    journey.sql(CHANGES)
    journey.export()

    text = written(compared(journey, "latest~1"), "json")
    assert text.startswith('{"format":"gitexport.compare/v1","base":{')
    assert '"fields":[{"pointer":"/amount","old":1.10,"new":1.1}]' in text
    assert '"document":{"id":61,"name":null,"place":[1,1.0]}' in text
    members = json.loads(text)
    assert members["target"]["commit"] == journey.git("rev-parse", "HEAD")
    assert {tuple(change["key"]) for change in members["changes"]} == {
        (42,), (7,), (61,), (1009,), (10248, 3)
    }  # fmt: skip
    assert members["entities"]["order_details"]["modified"] == 1
    assert [file["path"] for file in members["files"]] == ["manifest.json"]


def test_lines_and_object_say_the_same(journey: Journey) -> None:
    journey.sql(CHANGES)
    journey.export()

    found = compared(journey, "latest~1")
    whole = json.loads(written(found, "json"))
    lines = [json.loads(line) for line in written(found, "jsonl").splitlines()]
    assert lines[0] == {
        "format": whole["format"],
        "line": "header",
        "base": whole["base"],
        "target": whole["target"],
    }
    listed = [line for line in lines if line["line"] == "change"]
    assert [{**change, "line": "change"} for change in whole["changes"]] == listed
    assert lines[-1]["total"] == whole["total"]


def test_equal_and_reversed_snapshots(journey: Journey) -> None:
    assert compared(journey, "latest", "latest").files == ()
    assert changes(compared(journey, "latest", "latest")) == []
    journey.sql(CHANGES)
    journey.export()

    backwards = compared(journey, "latest", "latest~1")
    assert ("added", "users", ("7",)) in kinds(backwards)
    assert ("renamed", "users", ("9",)) in kinds(backwards)
    (field,) = next(change for change in changes(backwards) if change.key == ("10248", "3")).fields
    assert [str(field.old), str(field.new)] == ["1.1", "1.10"]


def test_documents_match_by_key_across_layouts(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('shard = "flat"', 'shard = "hash/1"'))
    journey.done("relayout")
    assert changes(compared(journey, "latest~1")) == []
    journey.sql(CHANGES)
    journey.export()

    found = compared(journey, "latest~2")
    assert len(changes(found)) == 5
    assert [change for change in kinds(found) if change[0] == "renamed"] == [
        ("renamed", "users", ("1009",))
    ]
    assert sorted(kinds(found)) == sorted(kinds(compared(journey, "latest~1")))


def test_selection_by_address_kind_field_and_value(journey: Journey) -> None:
    journey.sql(CHANGES)
    journey.export()

    def keys(selection: Selection) -> list[tuple[str, ...]]:
        return sorted(
            key
            for _kind, _entity, key in kinds(compared(journey, "latest~1", "latest", selection))
            if key
        )

    only = (parse_address("users:4*"), parse_address("order_details"))
    assert keys(Selection(only=only)) == [("10248", "3"), ("42",)]
    assert keys(Selection(only=(parse_address("users:9"),))) == [("1009",)], "the old key counts"
    assert keys(Selection(kinds=frozenset({ChangeKind.ADDED}))) == [("61",)]
    assert ("10248", "3") not in keys(Selection(ignore=("/amount",)))
    assert keys(Selection(where=(FieldTest("/name", "user 42"),))) == [("42",)]
    assert keys(Selection(where=(FieldTest("/name", "null"),))) == [("61",)]
    assert keys(Selection(where=(FieldTest("/amount", "1.10"),))) == [("10248", "3")]
    found = compared(
        journey, "latest~1", "latest", Selection(only=(parse_address("users:42#/place"),))
    )
    assert [field.pointer for change in changes(found) for field in change.fields] == ["/place/zip"]


def test_absent_fields_are_not_null(journey: Journey) -> None:
    journey.sql("UPDATE users SET place = place - 'zip' WHERE id = 1")
    journey.export()

    (change,) = changes(compared(journey, "latest~1"))
    assert change.fields == (FieldChange("/place/zip", 1, ABSENT),)
    assert '"fields":[{"pointer":"/place/zip","old":1}]' in written(
        compared(journey, "latest~1"), "json"
    )
