"""A refresh of the working tree that did not end is finished before anything else is shown.

Until then some of our own files hold what it led to, and would pass for a person's edits.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.errors import LockedError, MachineError
from gitexport.export import view
from gitexport.export.view import View
from gitexport.model import faults
from gitexport.restore.plan import Plan
from gitexport.restore.snapshot import Workplace, make_snapshot
from gitexport.restore.tip import Tip
from gitexport.restore.to_snapshot import plan_restore
from gitexport.store import refs
from gitexport.store.journal import read_state, remember_torn
from tests.fixtures.workbench import Workbench

_RENAME = "UPDATE users SET name = '{}' WHERE id < 9"


@pytest.fixture
def lock(users: Workbench) -> Path:
    """The lock of the index, which nobody holds yet."""
    return users.path / ".git/index.lock"


def tear(users: Workbench, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Exports, and exports a change whose refresh ends after some of its files."""
    users.export()
    users.sql(_RENAME.format("second"))
    passed: list[str] = []

    def point(name: str) -> None:
        passed.append(name)
        if name == "S10.files" and passed.count(name) == 3:
            raise error

    # A block of its own: to undo everything would bring back what fixtures have put aside.
    with monkeypatch.context() as patched:
        patched.setattr(faults, "point", point)
        if isinstance(error, OSError):
            report = users.export()
            assert report.snapshot is not None
            assert report.exit_code == MachineError.exit_code
        else:
            with pytest.raises(type(error)):
                users.export()
    assert len(users.git("diff", "--name-only", "HEAD").splitlines()) > 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_was_interrupted_is_finished_before_the_next_snapshot(
    users: Workbench, monkeypatch: pytest.MonkeyPatch, lock: Path, error: BaseException
) -> None:
    tear(users, monkeypatch, error)
    users.sql(_RENAME.format("third"))
    lock.touch()

    for _again in range(2):
        with pytest.raises(LockedError, match="cannot be brought to the last snapshot"):
            users.export()
    assert users.commits() == 2
    lock.unlink()

    report = users.export()
    assert (report.exit_code, report.kept_edits, report.warnings) == (0, [], [])
    assert not read_state(users.repository).is_torn
    users.check()


def test_without_the_mark_our_own_files_pass_for_edits(
    users: Workbench, monkeypatch: pytest.MonkeyPatch, lock: Path
) -> None:
    monkeypatch.setattr(view, "remember_torn", lambda _repository: None)
    tear(users, monkeypatch, KeyboardInterrupt())
    users.sql(_RENAME.format("third"))
    lock.touch()
    users.export()
    lock.unlink()

    assert len(users.export().kept_edits) == 3


def test_a_restore_finishes_it_as_well_or_does_not_begin(
    users: Workbench, monkeypatch: pytest.MonkeyPatch, lock: Path
) -> None:
    tear(users, monkeypatch, KeyboardInterrupt())
    place = Workplace(users.repository, users.publication, users.clock, users.progress)
    tag = refs.snapshot_tags(users.repository)[0]
    first = refs.tagged_commit(users.repository, tag)
    assert first is not None
    commit = refs.read_commit(users.repository, first)

    def make_plan(tip: Tip) -> Plan:
        return plan_restore(tip, commit)

    lock.touch()
    with pytest.raises(LockedError):
        make_snapshot(place, make_plan)
    lock.unlink()

    report = make_snapshot(place, make_plan)

    assert (report.is_shown, report.warnings) == (True, [])
    assert users.git("status", "--porcelain") == ""


def test_a_mark_that_proves_needless_goes(users: Workbench) -> None:
    users.export()
    remember_torn(users.repository)
    tip = refs.tip(users.repository, "main")

    shown = View(users.repository, "main", users.progress).catch_up(tip)

    assert shown is None
    assert not read_state(users.repository).is_torn
