"""Publishing to a remote that is ahead: other people's commits are joined, or wait for a person."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gitexport.errors import DecisionNeededError
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import add_commit, add_snapshot
from tests.integration.store.publishing import FIRST, ONE, SECOND, THIRD, TWO, Site


def test_other_people_s_files_are_joined_and_ours_keep(site: Site, tmp_path: Path) -> None:
    first = site.snapshot(FIRST, ONE)
    site.publish()
    clone = site.other_clone(
        tmp_path, {"README.md": "theirs\n", "docs/a.md": "a\n", "data/users/9.json": "9\n"}
    )
    theirs = git(clone, "rev-parse", "HEAD")
    second = site.snapshot(SECOND, TWO)

    report = site.publish()

    merge = refs.read_commit(site.repository, refs.tip(site.repository, "main") or first)
    assert report.merged == report.commit == merge.commit_id
    assert merge.parents == (second, theirs)
    assert merge.trailers == ()
    assert [c.commit_id for c in refs.first_parents(site.repository, merge.commit_id)][1:] == [
        second,
        first,
    ]
    files = git(site.path, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert files == ["README.md", "data/users/1.json", "docs/a.md", "manifest.json"]
    assert git(site.path, "show", "main:data/users/1.json") == "2"
    assert (site.path / "README.md").read_text() == "theirs\n"
    assert git(site.path, "status", "--porcelain") == ""
    assert site.there()["refs/heads/main"] == merge.commit_id
    assert "data/users/9.json" in site.heard.warnings[0]


def test_the_merge_keeps_a_person_s_edits(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    site.other_clone(tmp_path, {"docs/a.md": "a\n"})
    (site.path / "README.md").write_text("my edit\n")
    (site.path / "untracked").write_text("mine\n")

    site.publish()

    assert git(site.path, "status", "--porcelain").split() == ["M", "README.md", "??", "untracked"]
    assert (site.path / "docs" / "a.md").read_text() == "a\n"


@pytest.mark.parametrize("name", ["README.md", "docs/a.md"])
def test_a_file_that_is_edited_here_and_changed_there_needs_a_person(
    site: Site, tmp_path: Path, name: str
) -> None:
    """To commit the edit beside the merge would take back what the others did."""
    first = site.snapshot(FIRST, ONE)
    site.publish()
    site.other_clone(tmp_path, {"README.md": "theirs\n", "docs/a.md": "a\n"})
    (site.path / "docs").mkdir()
    (site.path / name).write_text("mine\n")

    with pytest.raises(DecisionNeededError, match=f"'{name}' changed at the remote 'origin'"):
        site.publish()

    assert git(site.path, "rev-parse", "main") == first
    assert (site.path / name).read_text() == "mine\n"
    (site.path / name).unlink()
    git(site.path, "reset", "-q", "--hard")
    assert site.publish().merged is not None
    assert git(site.path, "status", "--porcelain") == ""


def test_a_working_tree_on_another_branch_is_left_alone(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    git(site.path, "switch", "--quiet", "--create", "draft")
    site.other_clone(tmp_path, {"docs/a.md": "a\n"})

    assert site.publish().merged is not None

    assert not (site.path / "docs").exists()
    assert git(site.path, "status", "--porcelain") == ""


def test_nothing_is_joined_below_an_unfinished_merge(site: Site, tmp_path: Path) -> None:
    """Its commit would have the index for its tree, and so take back what others pushed."""
    site.snapshot(FIRST, ONE)
    site.publish()
    site.other_clone(tmp_path, {"docs/a.md": "a\n"})
    second = site.snapshot(SECOND, TWO)
    for branch, text in (("topic", "theirs\n"), ("main", "ours\n")):
        git(site.path, "checkout", "-q", *(("-b",) if branch == "topic" else ()), branch)
        (site.path / "README.md").write_text(text)
        git(site.path, "commit", "-qam", branch)
    command = ["git", "-C", str(site.path), "merge", "-q", "topic"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1
    tip = git(site.path, "rev-parse", "main")
    assert tip != second

    with pytest.raises(DecisionNeededError, match="'git merge' is unfinished"):
        site.publish()

    assert git(site.path, "rev-parse", "main") == tip
    git(site.path, "merge", "--abort")
    git(site.path, "prune")
    assert site.publish().merged is not None


def test_one_file_changed_on_both_sides_needs_a_person(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    site.other_clone(tmp_path, {"README.md": "theirs\n"})
    ours = add_commit(site.repository, "ours\n", ONE | {"README.md": "ours\n"})

    with pytest.raises(DecisionNeededError, match=r"'README.md' changed here and at the remote"):
        site.publish()

    assert refs.tip(site.repository, "main") == ours


def test_a_newer_snapshot_made_elsewhere_is_not_laid_over(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    git(tmp_path, "clone", "--quiet", str(site.remote), "other")
    other = DataRepository.open(tmp_path / "other")
    newest = add_snapshot(other, THIRD, TWO)
    git(other.path, "push", "--quiet", "origin", "main", THIRD)
    site.snapshot(SECOND, ONE | {"data/users/1.json": "old\n"})

    with pytest.raises(DecisionNeededError, match=THIRD):
        site.publish()

    assert site.there()["refs/heads/main"] == newest


def test_somebody_faster_is_joined_at_the_next_attempt(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    git(tmp_path, "clone", "--quiet", str(site.remote), "other")
    clone = tmp_path / "other"
    git(clone, "commit", "--quiet", "--allow-empty", "--message=fast")
    hook = site.path / ".git" / "hooks" / "pre-push"
    hook.write_text(f"#!/bin/sh\nunset GIT_DIR\ngit -C '{clone}' push --quiet origin main\n")
    hook.chmod(0o755)
    site.snapshot(SECOND, TWO)

    report = site.publish()

    assert report.merged is not None
    assert site.there()["refs/heads/main"] == report.commit
