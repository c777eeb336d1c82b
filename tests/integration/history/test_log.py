"""`gitexport log`: snapshots with counts, and the life of one document."""

from __future__ import annotations

import pytest

from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from tests.fixtures.journey import Journey


def change_something(journey: Journey) -> tuple[str, str]:
    """Makes two more snapshots; gives their tags."""
    journey.sql("UPDATE users SET name = 'Ann', place = '{\"city\": \"Bern\"}' WHERE id = 42")
    journey.sql("DELETE FROM users WHERE id = 7")
    second = journey.export()
    journey.sql("UPDATE order_details SET amount = 1.1 WHERE product_id = 11")
    journey.sql("UPDATE users SET name = 'Bea' WHERE id = 42")
    return second, journey.export()


def test_log_lists_snapshots_with_their_counts(journey: Journey) -> None:
    second, third = change_something(journey)

    found = journey.done("log", "-o", "json").json()["snapshots"]
    assert [entry["snapshot"] for entry in found][:2] == [third, second]
    assert len(found) == 3
    assert found[1]["entities"] == {"users": {"added": 0, "modified": 1, "deleted": 1}}
    assert found[0]["total"] == {"added": 0, "modified": 2, "deleted": 0}
    assert found[2]["entities"]["order_details"]["added"] == 12
    assert found[2]["mode"] == "full"
    assert found[0]["commit"] == journey.git("rev-parse", "main")
    assert found[0]["version"] == "1.0.0"

    lines = journey.done("log").out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(third)
    assert "users +0 ~1 -1" in lines[1]


def test_limit_and_entity_choose_snapshots(journey: Journey) -> None:
    second, third = change_something(journey)

    assert journey.done("log", "-n", "1").out.startswith(third)
    found = journey.done("log", "-o", "json", "order_details").json()["snapshots"]
    assert [entry["snapshot"] for entry in found][:-1] == [third]
    assert second not in journey.done("log", "order_details").out


def test_patch_shows_changed_fields(journey: Journey) -> None:
    change_something(journey)

    text = journey.done("log", "-p", "-n", "2").out
    assert '    ~ /name: "Ann" -> "Bea"' in text
    assert "~ order_details:10248,11" in text
    assert "~ /amount: 1.10 -> 1.1\n" in text
    assert "  - users:7" in text
    first = journey.done("log", "-p", "users", "-o", "json").json()["snapshots"][-1]
    assert len(first["changes"]) == 20
    assert first["has_more_changes"] is True


def test_life_of_one_document(journey: Journey) -> None:
    second, third = change_something(journey)

    found = journey.done("log", "users:42", "-o", "json").json()["snapshots"]
    assert [(event["snapshot"], event["change"]["kind"]) for event in found[:2]] == [
        (third, "modified"),
        (second, "modified"),
    ]
    assert found[0]["change"]["fields"] == [{"pointer": "/name", "old": "Ann", "new": "Bea"}]
    assert found[2]["change"]["kind"] == "added"
    deleted = journey.done("log", "users:7", "-o", "json").json()["snapshots"]
    assert [event["change"]["kind"] for event in deleted] == ["deleted", "added"]
    composite = journey.done("log", "-p", "order_details:10248,11").out
    assert "/amount: 1.10 -> 1.1" in composite


def test_pointer_leaves_other_fields_out(journey: Journey) -> None:
    second, _third = change_something(journey)

    found = journey.done("log", "users:42#/place/city", "-o", "json").json()["snapshots"]
    assert [event["snapshot"] for event in found][:1] == [second]
    assert found[0]["change"]["fields"] == [
        {"pointer": "/place/city", "old": "Rome", "new": "Bern"}
    ]
    assert len(found) == 2


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("user", "users"),
        ("user:1", "users"),
        ("users:61", "users:60"),
        ("users:a", "key of 'users'"),
        ("users:1,2", "key of 'users'"),
        ("users:4*", "users:42"),
        ("order_details:10248,13", "order_details:10248,12"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(
    journey: Journey, address: str, near: str
) -> None:
    result = journey.run("log", address)

    assert result.code == 2
    assert result.out == ""
    assert near in result.err


def test_repository_without_snapshot_has_an_empty_log(journey: Journey) -> None:
    first = journey.git("rev-list", "--max-parents=0", "main")
    journey.git("update-ref", "refs/heads/main", first)

    assert journey.done("log").out == ""
    assert journey.done("log", "-o", "json").json()["snapshots"] == []


def test_document_history_reads_few_trees(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_something(journey)
    read: list[bytes] = []
    real = DataRepository.read_tree

    def counted(repository: DataRepository, tree_id: bytes) -> bytes:
        read.append(tree_id)
        return real(repository, tree_id)

    monkeypatch.setattr(DataRepository, "read_tree", counted)
    journey.done("log", "order_details:10248,11")

    tip = ObjectId(journey.git("rev-parse", "main"))
    snapshots = len(list(refs.snapshots(journey.repository, tip)))
    assert len(set(read)) == len(read) <= 5 * snapshots


def test_person_commit_between_snapshots_is_no_snapshot(journey: Journey) -> None:
    (journey.path / "NOTES.md").write_text("hello\n")
    journey.git("add", "NOTES.md")
    journey.git("commit", "-q", "-m", "a note")
    _second, third = change_something(journey)

    lines = journey.done("log").out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(third)
