"""`gitexport apply`: the changes of a patch file, as a new snapshot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitexport.compare.commits import compare_commits
from gitexport.compare.formats import json_patch
from gitexport.compare.selection import Selection
from gitexport.compare.stored import StoredHistory
from gitexport.config.parse import parse_config
from gitexport.store.revisions import resolve
from tests.fixtures.journey import Journey
from tests.fixtures.repositories import fsck
from tests.integration.restore.restoring import document, documents


def make_patch(journey: Journey, base: str, target: str) -> Path:
    """Writes the differences of two snapshots beside the data repository."""
    repository = journey.repository
    publication = parse_config((journey.path / "gitexport.toml").read_bytes())
    history = StoredHistory(repository, publication)
    old, new = (resolve(repository, "main", rev) for rev in (base, target))
    text: list[str] = []
    json_patch.write(compare_commits(history, old, new, Selection()), text.append)
    file = journey.path.parent / "changes.json"
    file.write_text("".join(text))
    return file


def edit(file: Path, **members: object) -> None:
    """Changes members of the first document of a patch."""
    value: dict[str, Any] = json.loads(file.read_text())
    value["documents"][0].update(members)
    file.write_text(json.dumps(value))


@pytest.fixture
def patch(journey: Journey) -> Path:
    """The last snapshot's changes; the repository is back at the one before."""
    journey.sql("UPDATE users SET name = 'Ann', place = '{\"city\": \"Oslo\"}' WHERE id = 42")
    journey.sql("DELETE FROM users WHERE id = 7")
    journey.sql("INSERT INTO users VALUES (99, 'new', NULL)")
    journey.export()
    file = make_patch(journey, "latest~1", "latest")
    journey.done("restore", "latest~1")
    return file


def test_changes_are_made_as_a_snapshot(journey: Journey, patch: Path) -> None:
    report = journey.done("apply", str(patch), "-o", "json").json()

    assert documents(journey) == documents(journey, "main~2")
    assert report["entities"] == {"users": {"added": 1, "modified": 1, "deleted": 1}}
    base, _, target = report["applies"].partition("..")
    assert (base < target, len(target)) == (True, 15)
    message = journey.git("log", "-1", "--format=%B")
    assert f"\nGitexport-Applies: {report['applies']}\n" in message + "\n"
    assert journey.git("status", "--porcelain") == ""
    fsck(journey.path)


def test_applied_twice_is_nothing_to_do(journey: Journey, patch: Path) -> None:
    journey.done("apply", str(patch))

    assert journey.done("apply", str(patch), "-o", "json").json()["snapshot"] is None


def test_reverse_undoes_it(journey: Journey, patch: Path) -> None:
    before = documents(journey)
    journey.done("apply", str(patch))

    journey.done("apply", str(patch), "--reverse")

    assert documents(journey) == before


def test_place_that_holds_something_else_is_a_conflict(journey: Journey, patch: Path) -> None:
    journey.sql("UPDATE users SET name = 'Bo' WHERE id = 42")
    journey.done("export", "--override", "edits")
    journey.sql('INSERT INTO users VALUES (7, \'user 7\', \'{"city": "Rome", "zip": 7}\')')
    journey.export()
    tip = journey.git("rev-parse", "main")

    result = journey.run("apply", str(patch), "-o", "json")

    assert result.code == 9
    conflicts = {
        (found["document"], found["pointer"]): found for found in result.json()["conflicts"]
    }
    name = conflicts["users:42", "/name"]
    assert (name["base"], name["ours"], name["theirs"]) == ("user 42", "Bo", "Ann")
    assert journey.git("rev-parse", "main") == tip


def test_documents_are_found_in_todays_layout(journey: Journey, patch: Path) -> None:
    config = journey.path / "gitexport.toml"
    config.write_text(config.read_text().replace('"data/users"', '"data/people"'))
    journey.done("relayout")

    journey.done("apply", str(patch))

    assert document(journey, "users:42")["name"] == "Ann"
    assert not [path for path in documents(journey) if path.startswith("data/users/")]


@pytest.mark.parametrize(
    "members",
    [
        {"entity": "nobody"},
        {"path": "../outside.json"},
        {"path": ".git/config"},
        {"path": "data/users/not a key"},
        {"patch": [{"op": "test", "path": "/id", "value": 42},
                   {"op": "replace", "path": "/id", "value": 43}]},
        {"patch": [{"op": "test", "path": "", "value": None},
                   {"op": "add", "path": "", "value": [1]}]},
        {"patch": [{"op": "test", "path": "", "value": None},
                   {"op": "add", "path": "", "value": {"id": 1000}}]},
    ],
)  # fmt: skip
def test_hostile_patch_changes_nothing(
    journey: Journey, patch: Path, members: dict[str, object]
) -> None:
    edit(patch, **members)
    tip = journey.git("rev-parse", "main")

    assert journey.run("apply", str(patch)).code in {2, 9}

    assert journey.git("rev-parse", "main") == tip
    assert journey.git("status", "--porcelain") == ""


def test_document_that_stands_under_another_key_is_refused(journey: Journey, patch: Path) -> None:
    value = json.loads(patch.read_text())
    added = next(entry for entry in value["documents"] if entry["path"].endswith("/99.json"))
    added["patch"][-1]["value"]["id"] = 100
    patch.write_text(json.dumps(value))

    result = journey.run("apply", str(patch))

    assert result.code == 2
    assert "another key" in result.err


@pytest.mark.parametrize(("moment", "code"), [("2025-01-02T10:00:00", 0), ("2025-01-03", 2)])
def test_document_is_added_under_the_text_of_its_key_and_no_other(
    journey: Journey, moment: str, code: int
) -> None:
    journey.sql("CREATE TABLE days (day timestamp PRIMARY KEY)")
    journey.sql("INSERT INTO days VALUES ('2025-01-01')")
    journey.done("init")
    journey.done("track")
    journey.export()
    journey.sql("INSERT INTO days VALUES ('2025-01-02 10:00')")
    journey.export()
    file = make_patch(journey, "latest~1", "latest")
    journey.done("restore", "latest~1")
    file.write_text(file.read_text().replace("2025-01-02T10:00:00", moment))

    assert journey.run("apply", str(file)).code == code
    assert len([path for path in documents(journey) if "/days/" in path]) == 2 - bool(code)


def test_missing_file_is_refused(journey: Journey, tmp_path: Path) -> None:
    assert journey.run("apply", str(tmp_path / "none.json")).code == 2
    (tmp_path / "other.json").write_text("[]")
    assert journey.run("apply", str(tmp_path / "other.json")).code == 2
