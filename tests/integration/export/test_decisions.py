"""Guards stop a run before anything has changed, and name every way on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gitexport.errors import (
    DecisionNeededError,
)
from gitexport.export.options import Override
from tests.fixtures.workbench import Workbench

EDITS = frozenset({Override.EDITS})


def test_mass_deletion_stops_before_anything_changed(users: Workbench) -> None:
    users.export()
    users.sql("DELETE FROM users")

    with pytest.raises(DecisionNeededError, match="would be deleted"):
        users.export()

    assert users.commits() == 1
    report = users.export(overrides=frozenset({Override.DELETES}))
    assert report.entities["users"].deleted == 20
    assert "Gitexport-Override: deletes" in users.git("log", "-1", "--format=%B")
    users.check()


def test_other_database_stops(users: Workbench) -> None:
    users.export()
    text = users.git("log", "-1", "--format=%B").replace(
        "Gitexport-Source: ", "Gitexport-Source: other"
    )
    users.git("commit", "-q", "--amend", "-m", text[:-1])
    users.git("tag", "-d", users.git("tag", "-l").splitlines()[0])
    amended = users.git("log", "-1", "--format=%B")
    assert "other" in amended
    text = "\n".join(
        line + "0" if line.startswith("Gitexport-Source") else line for line in text.splitlines()
    )
    users.git("commit", "-q", "--amend", "-m", text)

    with pytest.raises(DecisionNeededError, match="not the one"):
        users.export()

    assert users.export(overrides=frozenset({Override.SOURCE})).exit_code == 0
    assert users.export().snapshot is None


def test_clock_behind_takes_the_next_second_for_tag_and_commit(users: Workbench) -> None:
    first = users.export().snapshot
    users.clock.now -= timedelta(minutes=4)
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()
    second = report.snapshot

    assert report.finished_at is not None
    assert report.finished_at >= report.started_at
    assert first is not None
    assert second is not None
    assert int(second[-6:]) == int(first[-6:]) + 1
    assert users.git("log", "-1", "--format=%cd", "--date=format:%Y%m%d-%H%M%S") == second
    users.clock.now -= timedelta(hours=1)
    users.sql("UPDATE users SET name = 'y' WHERE id = 1")
    with pytest.raises(DecisionNeededError, match="clock"):
        users.export()
    assert users.export(overrides=frozenset({Override.CLOCK})).snapshot == (
        f"{second[:-6]}{int(second[-6:]) + 1:06}"
    )


def test_tag_of_another_clone_is_never_taken(users: Workbench) -> None:
    users.export()
    taken = "20260102-030435"
    users.git("tag", taken, "-m", "of another clone")
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()

    assert report.snapshot is not None
    assert report.snapshot > taken
    users.check()
