"""What goes back in the database and is done, but not without a rest, names that rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.journey import Journey
from tests.integration.restore.restoring import documents, latest, restore


@pytest.fixture
def edited(journey: Journey, first: str) -> Path:
    """A document with a person's edit, whose row a restore to `first` changes."""
    path = next(name for name in documents(journey, first) if name.endswith("/42.json"))
    (journey.path / path).write_text("mine\n")
    return Path(path)


def test_edited_file_that_stays_is_named(journey: Journey, first: str, edited: Path) -> None:
    result = journey.run("restore", first, "--database", "--yes")

    assert result.code == 6
    assert "an edited file was left as it is, though its row changed" in result.err
    assert f"where: {edited}" in result.err
    assert "gitexport export --override edits" in result.err
    assert (journey.path / edited).read_text() == "mine\n"
    assert documents(journey) == documents(journey, first)


def test_edited_file_that_stays_is_named_in_json(
    journey: Journey, first: str, edited: Path
) -> None:
    result = restore(journey, first)

    assert result.code == 6
    assert result.json()["kept_edits"] == [str(edited)]
    error = json.loads(result.err.splitlines()[-1])
    assert (error["format"], error["code"]) == ("gitexport.error/v1", 6)
    assert error["where"] == str(edited)


def test_edited_file_that_a_revert_leaves_is_named(journey: Journey, edited: Path) -> None:
    result = journey.run("revert", latest(journey), "--database", "--yes")

    assert result.code == 6
    assert f"where: {edited}" in result.err


@pytest.fixture
def refused(journey: Journey) -> str:
    """A snapshot that changed one row; another row has been refused by every export since."""
    journey.sql("ALTER TABLE users ALTER place TYPE json")
    journey.export("--full")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    tag = journey.export()
    journey.sql("""UPDATE users SET place = '{"a": 1, "a": 2}' WHERE id = 7""")
    return tag


def test_quarantined_row_that_a_revert_does_not_touch_is_named(
    journey: Journey, refused: str
) -> None:
    shown = journey.run("revert", refused, "--database", "--dry-run")
    done = journey.run("revert", refused, "--database", "--yes")
    redone = journey.run("revert", "latest", "--database", "--yes", "-o", "json")

    assert (shown.code, done.code, redone.code) == (3, 3, 3)
    for out in (shown.out, done.out):
        assert "quarantined, not overwritten: users:7" in out
    assert "quarantined users:7, column 'place': " in done.err
    assert redone.json()["quarantined"] == ["users:7"]


def test_quarantined_row_that_a_patch_does_not_touch_is_named(
    journey: Journey, refused: str
) -> None:
    patch = journey.path.parent / "patch.json"
    patch.write_text(journey.done("compare", refused, "latest~1", "-o", "json-patch").out)

    result = journey.run("apply", str(patch), "--database", "--yes")

    assert result.code == 3
    assert "quarantined, not overwritten: users:7" in result.out
    assert "quarantined users:7, column 'place': " in result.err


def test_row_that_a_schema_refuses_is_named(journey: Journey, first: str) -> None:
    schema = {"properties": {"name": {"maxLength": 9}}}
    (journey.path / "schemas").mkdir(exist_ok=True)
    (journey.path / "schemas/users.json").write_text(json.dumps(schema))
    config = journey.path / "gitexport.toml"
    head = "[entities.users]"
    config.write_text(config.read_text().replace(head, f'{head}\nschema = "schemas/users.json"'))
    journey.git("add", ".")
    journey.git("commit", "-q", "-m", "a schema")
    journey.sql("UPDATE users SET name = 'much too long' WHERE id = 41")

    other = journey.run("restore", first, "--database", "--yes", "--only", "users:7")
    whole = journey.run("restore", first, "--database", "--yes")

    assert (other.code, whole.code) == (3, 3)
    for result in (other, whole):
        assert "quarantined, not overwritten: users:41" in result.out
        assert "quarantined users:41" in result.err
        assert "schemas/users.json" in result.err
