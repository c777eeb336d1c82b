"""A person's unfinished merge, revert or the like stops what would go below it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gitexport.errors import DecisionNeededError
from tests.fixtures.journey import Journey
from tests.fixtures.workbench import Workbench


def begin_merge(bench: Workbench) -> None:
    """Leaves the repository with a merge that has a conflict in a person's file."""
    readme = bench.path / "NOTES.md"
    for branch, text in (("topic", "theirs\n"), ("main", "ours\n")):
        bench.git("checkout", "-q", *(("-b",) if branch == "topic" else ()), branch)
        readme.write_text(text)
        bench.git("add", "NOTES.md")
        bench.git("commit", "-qm", branch)
    command = ["git", "-C", str(bench.path), "merge", "-q", "topic"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1


def test_merge_is_concluded_before_an_export(users: Workbench) -> None:
    """Its commit has the index for its tree: it would take back what went below it."""
    users.export()
    begin_merge(users)
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    tip = users.git("rev-parse", "main")

    for is_dry_run in (False, True):
        with pytest.raises(DecisionNeededError, match="'git merge' is unfinished") as caught:
            users.export(is_dry_run=is_dry_run)
        assert "git merge --continue" in (caught.value.hint or "")
        assert "git merge --abort" in (caught.value.hint or "")

    assert users.git("rev-parse", "main") == tip
    assert users.pending("users") == 1
    (users.path / "NOTES.md").write_text("both\n")
    users.git("add", "NOTES.md")
    users.git("commit", "-qm", "merged")
    assert users.export().entities["users"].modified == 1
    assert users.export().snapshot is None
    assert users.git("status", "--porcelain") == ""


def test_unfinished_revert_stops_an_export(users: Workbench) -> None:
    users.export()
    users.git("commit", "-q", "--allow-empty", "-m", "nothing")
    (users.path / "NOTES.md").write_text("hello\n")
    users.git("add", "NOTES.md")
    users.git("commit", "-qm", "notes")
    users.git("revert", "--no-commit", "HEAD")

    with pytest.raises(DecisionNeededError, match="'git revert' is unfinished"):
        users.export()

    users.git("revert", "--abort")
    assert users.export().exit_code == 0


def test_merge_on_another_branch_stops_nothing(users: Workbench) -> None:
    users.export()
    users.git("checkout", "-q", "-b", "mine")
    users.git("checkout", "-q", "-b", "other")
    for branch in ("other", "mine"):
        users.git("checkout", "-q", branch)
        (users.path / "NOTES.md").write_text(branch)
        users.git("add", "NOTES.md")
        users.git("commit", "-qm", branch)
    command = ["git", "-C", str(users.path), "merge", "-q", "other"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()

    assert (report.exit_code, report.left_alone) == (0, "'main' is not checked out")
    assert users.pending("users") == 0


def test_merge_stops_restore_and_relayout_and_is_told_by_doctor(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'x' WHERE id = 7")
    first = journey.git("describe", "--tags", "--abbrev=0")
    journey.export()
    (journey.path / "notes.md").write_text("theirs\n")
    journey.git("checkout", "-q", "-b", "topic")
    journey.git("add", "notes.md")
    journey.git("commit", "-qm", "topic")
    journey.git("checkout", "-q", "main")
    journey.git("merge", "-q", "--no-ff", "--no-commit", "topic")
    tip = journey.git("rev-parse", "main")

    for command in (("restore", first), ("restore", first, "--database", "--yes"), ("relayout",)):
        stopped = journey.run(*command)
        assert stopped.code == 6, stopped.err
        assert "'git merge' is unfinished" in stopped.err
    examined = journey.run("doctor")

    assert examined.code == 6
    assert "a merge is unfinished, and exports wait" in examined.out
    assert journey.git("rev-parse", "main") == tip


@pytest.mark.parametrize("backend", ["--merge", "--apply"])
def test_rebase_of_the_branch_is_concluded_before_an_export(users: Workbench, backend: str) -> None:
    """Git moves the branch when it ends, and cannot where somebody else has moved it."""
    users.export()
    begin_merge(users)
    users.git("merge", "--abort")
    command = ["git", "-C", str(users.path), "rebase", backend, "topic"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    with pytest.raises(DecisionNeededError, match="'git rebase' is unfinished") as caught:
        users.export()

    assert "git rebase --abort" in (caught.value.hint or "")
    users.git("rebase", "--abort")
    assert users.export().entities["users"].modified == 1
    assert users.git("status", "--porcelain") == ""


def test_rebase_in_another_working_tree_keeps_the_branch(users: Workbench, tmp_path: Path) -> None:
    users.export()
    begin_merge(users)
    users.git("merge", "--abort")
    users.git("checkout", "-q", "--detach")
    users.git("worktree", "add", "-q", str(tmp_path / "other"), "main")
    command = ["git", "-C", str(tmp_path / "other"), "rebase", "topic"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1

    with pytest.raises(DecisionNeededError, match="in another working tree"):
        users.export()


def test_bisection_that_only_begins_leaves_no_file_behind(users: Workbench) -> None:
    users.export()
    users.git("bisect", "start")
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    assert users.export().left_alone is None
    assert users.git("status", "--porcelain") == ""
