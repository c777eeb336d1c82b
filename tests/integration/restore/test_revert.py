"""`gitexport revert`: undoes one snapshot and keeps what came later."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.journey import Journey
from tests.fixtures.repositories import fsck
from tests.integration.restore.restoring import document, documents, manifest


@pytest.fixture
def changed(journey: Journey) -> str:
    """A snapshot that changed 42, deleted 7 and added 99; a later one changed 41 and 42."""
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    journey.sql("DELETE FROM users WHERE id = 7")
    journey.sql("INSERT INTO users VALUES (99, 'new', NULL)")
    tag = journey.export()
    journey.sql("""UPDATE users SET place = '{"city": "Oslo"}' WHERE id IN (41, 42)""")
    journey.export()
    return tag


def test_later_changes_stay(journey: Journey, changed: str) -> None:
    report = journey.done("revert", changed, "-o", "json").json()

    assert document(journey, "users:42") == {
        "id": 42,
        "name": "user 42",
        "place": {"city": "Oslo"},
    }
    assert document(journey, "users:41")["place"] == {"city": "Oslo"}
    assert document(journey, "users:7")["name"] == "user 7"
    assert journey.run("show", "latest", "users:99").code == 2
    assert report["entities"] == {"users": {"added": 1, "modified": 1, "deleted": 1}}
    assert report["reverts"] == changed
    assert manifest(journey)["entities"]["users"]["count"] == 60
    message = journey.git("log", "-1", "--format=%B")
    assert message.startswith(f"revert {report['snapshot']}: undoes {changed}\n")
    assert f"\nGitexport-Reverts: {changed}\n" in message + "\n"
    assert journey.git("status", "--porcelain") == ""
    fsck(journey.path)


def test_field_changed_again_is_a_conflict_with_three_values(
    journey: Journey, changed: str
) -> None:
    journey.sql("UPDATE users SET name = 'Bo' WHERE id = 42")
    journey.export()
    tip = journey.git("rev-parse", "main")

    result = journey.run("revert", changed, "-o", "json")

    assert result.code == 9
    assert result.json()["conflicts"] == [
        {
            "document": "users:42",
            "pointer": "/name",
            "base": "Ann",
            "ours": "Bo",
            "theirs": "user 42",
        }
    ]
    assert json.loads(result.err.splitlines()[-1])["code"] == 9
    assert journey.git("rev-parse", "main") == tip


@pytest.mark.parametrize(("side", "name"), [("--ours", "Bo"), ("--theirs", "user 42")])
def test_a_side_decides_conflicts(journey: Journey, changed: str, side: str, name: str) -> None:
    journey.sql("UPDATE users SET name = 'Bo' WHERE id = 42")
    journey.export()

    journey.done("revert", changed, side)

    assert document(journey, "users:42")["name"] == name
    assert document(journey, "users:7")["name"] == "user 7"


@pytest.mark.parametrize("sides", [("--ours", "--theirs"), ("--theirs", "--ours")])
def test_both_sides_are_wrong_usage(journey: Journey, changed: str, sides: tuple[str, str]) -> None:
    tip = journey.git("rev-parse", "main")

    result = journey.run("revert", changed, *sides)

    assert result.code == 2
    assert "--ours and --theirs exclude each other" in result.err
    assert journey.git("rev-parse", "main") == tip


def test_document_changed_after_it_was_added_is_a_conflict(journey: Journey, changed: str) -> None:
    journey.sql("UPDATE users SET name = 'newer' WHERE id = 99")
    journey.export()

    conflict = journey.run("revert", changed, "-o", "json").json()["conflicts"][0]

    assert (conflict["document"], conflict["pointer"]) == ("users:99", "")
    assert "theirs" not in conflict
    assert conflict["ours"]["name"] == "newer"


def test_what_is_undone_already_is_nothing_to_do(journey: Journey, changed: str) -> None:
    journey.done("revert", changed)
    tip = journey.git("rev-parse", "main")

    report = journey.done("revert", changed, "-o", "json").json()

    assert report["snapshot"] is None
    assert journey.git("rev-parse", "main") == tip


def test_only_undoes_a_part(journey: Journey, changed: str) -> None:
    journey.done("revert", changed, "--only", "users:42#/name")

    assert document(journey, "users:42")["name"] == "user 42"
    assert journey.run("show", "latest", "users:7").code == 2
    for other in ("users:41", "users:42#/nosuch", "users:42#/place", "users#/place/nosuch"):
        assert journey.run("revert", changed, "--only", other).code == 2


def test_to_is_a_restore(journey: Journey, changed: str) -> None:
    report = journey.done("revert", "--to", changed, "-o", "json").json()

    assert documents(journey) == documents(journey, changed)
    assert report["restores"] == changed
    assert journey.run("revert", changed, "--to", changed).code == 2
    assert journey.run("revert").code == 2
    assert journey.run("revert", "--to", changed, "--ours").code == 2


def test_it_says_what_it_undoes_and_how_to_go_back_instead(journey: Journey, changed: str) -> None:
    result = journey.done("revert", changed, "--dry-run")

    assert f"this undoes {changed}; to go back to it: gitexport restore {changed}" in result.err


@pytest.mark.parametrize("how", [("--dry-run",), ("--yes",), ("--yes", "-o", "json")])
def test_it_says_so_where_changes_meet_in_the_database(
    journey: Journey, changed: str, how: tuple[str, ...]
) -> None:
    journey.sql("UPDATE users SET name = 'Bo' WHERE id = 42")
    journey.export()

    result = journey.run("revert", changed, "--database", *how)

    assert result.code == 9
    assert result.err.count(f"this undoes {changed}; to go back to it") == 1


def test_it_says_so_once_where_rows_change(journey: Journey, changed: str) -> None:
    result = journey.done("revert", changed, "--database", "--yes")

    assert result.err.count(f"this undoes {changed}; to go back to it") == 1


def test_first_snapshot_can_be_undone(journey: Journey) -> None:
    report = journey.done("revert", "latest", "-o", "json").json()

    assert report["entities"]["users"] == {"added": 0, "modified": 0, "deleted": 60}
    assert documents(journey) == {}
    assert manifest(journey)["entities"]["users"]["count"] == 0
    fsck(journey.path)


def test_moved_documents_are_found_by_key(journey: Journey, changed: str) -> None:
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"data/users"', '"data/people"'))
    journey.done("relayout")

    journey.done("revert", changed)

    assert document(journey, "users:42")["name"] == "user 42"
    assert document(journey, "users:7")["name"] == "user 7"
    assert journey.git("status", "--porcelain") == ""


def test_revert_of_a_revert_brings_the_change_back(journey: Journey, changed: str) -> None:
    before = documents(journey)
    journey.done("revert", changed)

    journey.done("revert", "latest")

    assert documents(journey) == before


def test_numbers_keep_their_digits_through_a_merge(journey: Journey) -> None:
    journey.sql("ALTER TABLE order_details ADD note text")
    journey.done("init")
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"amount",', '"amount", "note",'))
    journey.export("--full")
    journey.sql("UPDATE order_details SET amount = 1.100, note = 'x' WHERE product_id = 3")
    tag = journey.export()
    journey.sql("UPDATE order_details SET amount = 123456789012345678901234567890.10 "
                "WHERE product_id = 4")  # fmt: skip
    journey.sql("UPDATE order_details SET note = 'y' WHERE product_id = 4")
    journey.export()

    journey.done("revert", tag)

    text = journey.done("show", "latest", "order_details:10248,3").out
    assert '"amount": 1.10,' in text
