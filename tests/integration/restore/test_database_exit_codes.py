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
