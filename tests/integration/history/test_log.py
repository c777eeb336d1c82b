"""`gitexport log`: snapshots with counts, and the life of one document."""

from __future__ import annotations

import pytest

from gitexport.errors import CorruptRepositoryError
from gitexport.model.snapshot import ObjectId, parse_tag
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from tests.fixtures.journey import Journey
from tests.integration.history.changing import change_something


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
    assert "  +0 ~1 -1        ~-  " in lines[1]
    assert "  +72 ~0 -0       ++  " in lines[2]


def test_log_tells_size_and_length_of_each_run(journey: Journey) -> None:
    second, _third = change_something(journey)

    found = journey.done("log", "-o", "json").json()["snapshots"]
    shown = journey.done("show", second, "-o", "json").json()
    sizes = journey.git("ls-tree", "-r", "-l", second, "data").splitlines()
    assert found[1]["bytes"] == shown["bytes"] == sum(int(line.split()[3]) for line in sizes)
    assert (found[1]["documents"], found[2]["documents"]) == (71, 72)
    assert all(0 < entry["duration_ms"] < 600_000 for entry in found)
    assert found[1]["duration_ms"] == shown["duration_ms"]
    assert " kB" in journey.done("log").out

    (journey.path / ".git" / "gitexport" / "durations").unlink()
    assert (
        journey.done("log", "-n", "1", "-o", "json").json()["snapshots"][0]["duration_ms"] is None
    )
    assert "        -  1.0.0" in journey.done("log", "-n", "1").out


def test_manifest_that_a_person_broke_costs_only_the_size(journey: Journey) -> None:
    tree = journey.git("write-tree")
    (journey.path / "manifest.json").write_text("{}\n")
    journey.git("commit", "-q", "-a", "-m", "broken\n\nGitexport-Snapshot: 20991231-000000")
    assert journey.git("rev-parse", "HEAD^{tree}") != tree

    newest, first = journey.done("log", "-o", "json").json()["snapshots"]
    assert (newest["documents"], newest["bytes"]) == (None, None)
    assert first["documents"] == 72
    assert "manifest.json does not say" in journey.done("show", "latest").out


def test_limit_and_entity_choose_snapshots(journey: Journey) -> None:
    second, third = change_something(journey)

    assert journey.done("log", "-n", "1").out.startswith(third)
    found = journey.done("log", "-o", "json", "order_details").json()["snapshots"]
    assert [entry["snapshot"] for entry in found][:-1] == [third]
    assert second not in journey.done("log", "order_details").out


def test_glob_chooses_snapshots_that_changed_a_document_it_matches(journey: Journey) -> None:
    second, third = change_something(journey)
    first = journey.done("log", "-o", "json").json()["snapshots"][-1]["snapshot"]

    def named(*arguments: str) -> list[str]:
        found = journey.done("log", "-o", "json", *arguments).json()["snapshots"]
        return [entry["snapshot"] for entry in found]

    assert named("users:4*") == [third, second, first]
    assert named("users:7*") == [second, first]
    assert named("order_details:*,11") == [third, first]
    assert named("order_details:*,12") == [first]
    assert named("users:4*#/place") == [second, first]
    assert named("users#/place/city") == [second, first]
    assert named("users:99*") == []
    assert "  - users:7\n" in journey.done("log", "-p", "users:7*").out
    assert "users:42" not in journey.done("log", "-p", "users:7*").out


def test_period_holds_both_of_its_ends(journey: Journey) -> None:
    second, third = change_something(journey)
    first = journey.done("log", "-o", "json").json()["snapshots"][-1]["snapshot"]
    day = parse_tag(second).strftime("%Y-%m-%d")
    instant = parse_tag(second).strftime("%Y-%m-%dT%H:%M:%SZ")

    def named(*arguments: str) -> list[str]:
        found = journey.done("log", "-o", "json", *arguments).json()["snapshots"]
        return [entry["snapshot"] for entry in found]

    assert named("--since", second) == [third, second]
    assert named("--until", second) == [second, first]
    assert named("--since", instant, "--until", instant) == [second]
    assert named("--since", instant.replace("Z", ".5Z")) == [third]
    assert named("--since", "latest~1", "users:42") == [third, second]
    assert named("--until", "latest~1", "users:42") == [second, first]
    assert named("--since", day) == named("--until", "2999-12-31") == [third, second, first]
    assert named("--until", "2001-01-01") == named("--since", "2999-01-01") == []
    assert named("--skip", "1") == [second, first]
    assert named("--skip", "1", "users:42", "-n", "1") == [second]
    assert named("--since", second, "--skip", "1", "users") == [second]
    wrong = journey.run("log", "--since", "yesterday")
    assert (wrong.code, wrong.out) == (2, "")
    assert "2025-06-22T07:21Z" in wrong.err


def test_author_chooses_snapshots(journey: Journey) -> None:
    journey.git("config", "user.name", "Ann Other")
    second, third = change_something(journey)

    for arguments, count in ((("--author", "ann o"), 2), (("--author", "PERSON@EXAMPLE"), 3)):
        found = journey.done("log", "-o", "json", *arguments).json()["snapshots"]
        assert len(found) == count
        assert found[0]["author"] == "Ann Other <person@example.org>"
    lives = journey.done("log", "-o", "json", "--author", "Test", "users:42").json()["snapshots"]
    assert [event["change"]["kind"] for event in lives] == ["added"]
    assert journey.done("log", "--author", "nobody").out == ""
    assert {second, third} == {entry["snapshot"] for entry in found[:2]}


def test_life_goes_on_after_deletion_and_in_another_layout(journey: Journey) -> None:
    journey.sql("DELETE FROM users WHERE id = 7")
    gone = journey.export()
    config = journey.path / "gitexport.toml"
    text = config.read_text()
    text = text.replace('"data/users"', '"data/people"').replace(
        "[entities.users]", "[entities.people]"
    )
    config.write_text(
        text.replace("[entities.people]", '[entities.people]\nrenamed_from = "users"')
    )
    moved = journey.done("relayout", "-o", "json").json()["snapshot"]
    journey.sql("INSERT INTO users VALUES (7, 'again', NULL)")
    back = journey.export()

    def life(address: str) -> list[tuple[str, str]]:
        found = journey.done("log", "-o", "json", address).json()["snapshots"]
        return [(event["snapshot"], event["change"]["kind"]) for event in found]

    assert life("people:7")[:2] == [(back, "added"), (gone, "deleted")]
    assert [kind for _snapshot, kind in life("people:7")] == ["added", "deleted", "added"]
    assert life("people:8")[0] == (moved, "renamed")
    named = journey.done("log", "-o", "json", "people").json()["snapshots"]
    assert [entry["snapshot"] for entry in named][:2] == [back, gone]
    assert len(named) == 3


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
        ("user:4*", "users"),
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


def test_json_is_whole_or_nothing(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    change_something(journey)
    monkeypatch.setattr("gitexport.cli.render.output._IN_MEMORY_BYTES", 10)
    assert len(journey.done("log", "-o", "json").json()["snapshots"]) == 3
    oldest = journey.git("rev-parse", "main~2^{tree}")
    real = DataRepository.read_tree

    def missing(repository: DataRepository, tree_id: bytes) -> bytes:
        if tree_id.hex() == oldest:
            message = "gone"
            raise CorruptRepositoryError(message, where=oldest)
        return real(repository, tree_id)

    monkeypatch.setattr(DataRepository, "read_tree", missing)
    broken = journey.run("log", "-o", "json")

    assert (broken.code, broken.out) == (7, "")
