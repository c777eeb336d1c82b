"""A branch that another working tree of the repository shows is not moved under it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gitexport.errors import DecisionNeededError
from gitexport.export.deriving import deriving
from gitexport.export.view import View
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git
from tests.fixtures.workbench import Workbench


@pytest.fixture
def elsewhere(users: Workbench, tmp_path: Path) -> Path:
    """A second working tree that shows the branch of snapshots; the first shows another one."""
    users.export()
    users.git("checkout", "-qb", "mine")
    place = tmp_path / "else where"
    users.git("worktree", "add", "-q", str(place), "main")
    users.sql("UPDATE users SET name = 'changed' WHERE id = 3")
    return place


@pytest.mark.parametrize("options", [{}, {"is_dry_run": True}])
def test_an_export_names_the_working_tree_that_shows_the_branch(
    users: Workbench, elsewhere: Path, options: dict[str, bool]
) -> None:
    before = users.git("rev-parse", "main")

    with pytest.raises(DecisionNeededError, match="checked out in another working tree") as caught:
        users.export(**options)

    assert caught.value.where == str(elsewhere)
    assert f"-C '{elsewhere}'" in str(caught.value.hint)
    assert users.git("rev-parse", "main") == before
    assert git(elsewhere, "status", "--porcelain") == ""
    assert users.pending("users") == 1


def test_snapshots_without_rows_stop_as_well(users: Workbench, elsewhere: Path) -> None:
    view = View(users.repository, "main", users.progress, users.publication)

    with pytest.raises(DecisionNeededError), deriving(view):
        pytest.fail("the branch was about to move")

    assert elsewhere.is_dir()


def test_there_the_export_goes_on(users: Workbench, elsewhere: Path) -> None:
    there = replace(users, repository=DataRepository.open(elsewhere))

    report = there.export()

    assert report.entities["users"].modified == 1
    assert "changed" in (elsewhere / "data/users/3.json").read_text()
    assert git(elsewhere, "status", "--porcelain") == ""


def test_the_first_working_tree_is_another_one_too(users: Workbench, tmp_path: Path) -> None:
    users.export()
    place = tmp_path / "second"
    users.git("worktree", "add", "-q", "-b", "mine", str(place))
    users.sql("UPDATE users SET name = 'changed' WHERE id = 3")
    there = replace(users, repository=DataRepository.open(place))

    with pytest.raises(DecisionNeededError) as caught:
        there.export()

    assert caught.value.where == str(users.path)
    users.check()


def test_working_trees_of_other_branches_and_lost_ones_are_no_obstacle(
    users: Workbench, elsewhere: Path, tmp_path: Path
) -> None:
    users.git("worktree", "add", "-q", "-b", "third", str(tmp_path / "third"))
    shutil.rmtree(elsewhere)

    assert users.export().snapshot is not None


def test_a_bare_repository_is_no_working_tree(users: Workbench, tmp_path: Path) -> None:
    """Some keep a bare `.git` with all working trees beside it."""
    users.export()
    users.git("checkout", "-qb", "mine")
    home = tmp_path / "home"
    git(tmp_path, "clone", "-q", "--bare", str(users.path), str(home / ".git"))
    git(home / ".git", "symbolic-ref", "HEAD", "refs/heads/main")
    git(home / ".git", "worktree", "add", "-q", str(home / "mine"), "mine")
    users.sql("UPDATE users SET name = 'changed' WHERE id = 3")
    there = replace(users, repository=DataRepository.open(home / "mine"))

    assert there.export().snapshot is not None
