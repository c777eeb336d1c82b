"""What people do in the repository is built upon, left alone, or stops a run by name."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from gitexport.errors import ConfigError, DecisionNeededError, UsageError
from gitexport.export.options import Override
from gitexport.store import worktree
from gitexport.store.repository import DataRepository
from gitexport.store.working_file import move_into_place
from tests.fixtures.repositories import fsck, git
from tests.fixtures.workbench import Workbench

EDITS = frozenset({Override.EDITS})


def test_uncommitted_edit_of_a_changed_document_survives(users: Workbench) -> None:
    users.export()
    edited = users.path / "data/users/3.json"
    edited.write_text("mine\n")
    users.sql("UPDATE users SET name = 'theirs' WHERE id IN (3, 4)")

    report = users.export()

    assert report.snapshot is not None
    assert report.exit_code == 6
    assert report.kept_edits == ["data/users/3.json"]
    assert edited.read_text() == "mine\n"
    assert "theirs" in users.files()["data/users/3.json"]
    assert users.git("status", "--porcelain").split() == ["M", "data/users/3.json"]
    assert users.export().exit_code == 6
    users.git("checkout", "--", "data/users/3.json")
    assert users.export().exit_code == 0
    users.check()


def test_override_lets_the_database_win_over_an_edit(users: Workbench) -> None:
    users.export()
    (users.path / "data/users/3.json").write_text("mine\n")
    users.sql("UPDATE users SET name = 'theirs' WHERE id = 3")
    users.export()

    report = users.export(overrides=EDITS)

    assert report.exit_code == 0
    assert "theirs" in (users.path / "data/users/3.json").read_text()
    users.check()


@pytest.mark.parametrize("kind", ["empty directory", "link above", "file above"])
def test_override_clears_what_stands_in_the_way_of_a_file(
    users: Workbench, tmp_path: Path, kind: str
) -> None:
    users.export()
    directory = users.path / "data/users"
    if kind == "empty directory":
        (directory / "3.json").unlink()
        (directory / "3.json").mkdir()
    else:
        directory.rename(tmp_path / "aside")
        if kind == "link above":
            directory.symlink_to(tmp_path / "aside")
        else:
            directory.write_text("x\n")
    users.sql("UPDATE users SET name = 'theirs' WHERE id = 3")
    assert users.export().exit_code == 6

    report = users.export(overrides=EDITS)

    assert report.exit_code == 0
    assert "theirs" in (directory / "3.json").read_text()
    if kind == "link above":
        assert "user 3" in (tmp_path / "aside/3.json").read_text()


def test_override_leaves_a_directory_with_files_and_names_the_way_on(users: Workbench) -> None:
    users.export()
    place = users.path / "data/users/3.json"
    place.unlink()
    place.mkdir()
    (place / "mine").write_text("mine\n")
    users.sql("UPDATE users SET name = 'theirs' WHERE id = 3")
    users.export()

    report = users.export(overrides=EDITS)

    assert report.exit_code == 6
    assert (place / "mine").read_text() == "mine\n"
    assert "data/users/3.json' is a directory with files in it" in report.warnings[-1]


def test_an_edit_that_could_not_be_overwritten_is_no_directory(users: Workbench) -> None:
    users.export()
    (users.path / "data/users/3.json").write_text("mine\n")
    users.sql("UPDATE users SET name = 'theirs' WHERE id = 3")
    users.export()
    (users.path / ".git/index.lock").touch()

    report = users.export(overrides=EDITS)

    assert report.kept_edits == ["data/users/3.json"]
    assert not any("directory" in warning for warning in report.warnings)


def test_a_file_that_cannot_be_replaced_is_no_edit(
    users: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'theirs' WHERE id = 3")

    def refuse(source: Path | bytes, directory: int, name: bytes) -> None:
        if name == b"3.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        move_into_place(source, directory, name)

    monkeypatch.setattr(worktree, "move_into_place", refuse)

    report = users.export()

    (warning,) = report.warnings
    assert warning == "cannot replace data/users/3.json: Permission denied"


def test_persons_commit_on_a_document_stops_the_next_export(users: Workbench) -> None:
    users.export()
    (users.path / "data/users/3.json").write_text("{}\n")
    users.git("commit", "-qam", "mend user 3")

    with pytest.raises(DecisionNeededError, match="not made from database rows") as caught:
        users.export()

    assert "mend user 3" in (caught.value.where or "")
    assert "--override edits" in (caught.value.hint or "")
    report = users.export(overrides=EDITS)
    assert report.entities["users"].modified == 1
    assert "user 3" in users.files()["data/users/3.json"]
    assert users.export().snapshot is None
    users.check()


def test_persons_commit_that_was_taken_back_is_settled_by_a_snapshot(users: Workbench) -> None:
    users.export()
    (users.path / "data/users/3.json").write_text("{}\n")
    users.git("commit", "-qam", "mend user 3")
    users.git("revert", "--no-edit", "HEAD")
    with pytest.raises(DecisionNeededError):
        users.export()

    report = users.export(overrides=EDITS)

    assert report.snapshot is not None
    assert "Gitexport-Override: edits" in users.git("log", "-1", "--format=%B")
    assert users.export().snapshot is None
    users.check()


def test_persons_commit_elsewhere_is_built_upon(users: Workbench) -> None:
    users.export()
    (users.path / "NOTES.md").write_text("hello\n")
    (users.path / "data/users/README.md").write_text("about users\n")
    users.git("add", ".")
    users.git("commit", "-qm", "notes")
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()

    assert report.mode == "incremental"
    assert users.git("log", "--format=%s", "-2").splitlines()[1] == "notes"
    assert users.files("NOTES.md") == {"NOTES.md": "hello"}
    users.export(full=True)
    assert "data/users/README.md" in users.files()
    users.check()


def test_branch_that_is_not_checked_out_is_moved_by_name(users: Workbench) -> None:
    users.export()
    users.git("checkout", "-q", "--detach")
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()

    assert users.git("rev-parse", "main") == report.commit
    assert users.git("rev-parse", "HEAD") != report.commit
    assert report.left_alone == "'main' is not checked out"
    assert "x" not in (users.path / "data/users/1.json").read_text()
    assert users.git("status", "--porcelain") == ""
    users.git("checkout", "-q", "main")
    users.sql("UPDATE users SET name = 'y' WHERE id = 1")
    users.export()
    users.check()


def test_configured_branch_that_nobody_made_is_refused(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    right, users.publication = users.publication, replace(users.publication, branch="mian")

    for options in ({}, {"is_dry_run": True}, {"branch": "review"}):
        with pytest.raises(ConfigError, match="no branch 'mian'") as caught:
            users.export(**options)
        assert "did you mean 'main'?" in (caught.value.hint or "")

    assert users.git("branch", "--format=%(refname:short)") == "main"
    assert users.pending("users") == 1
    users.publication = right
    assert users.export().entities["users"].modified == 1
    users.check()


def test_configured_branch_that_only_the_remote_has_is_to_be_made_from_it(
    users: Workbench, tmp_path: Path
) -> None:
    users.export()
    git(tmp_path, "clone", "-q", str(users.path), "clone")
    git(tmp_path / "clone", "checkout", "-q", "-b", "topic")
    git(tmp_path / "clone", "branch", "-q", "-D", "main")
    clone = replace(users, repository=DataRepository.open(tmp_path / "clone"))

    with pytest.raises(ConfigError) as caught:
        clone.export()

    assert (caught.value.hint or "").endswith("git branch main origin/main")
    git(tmp_path / "clone", "branch", "main", "origin/main")
    assert clone.export().exit_code == 0


def test_orphan_branch_that_is_checked_out_may_begin_a_history(users: Workbench) -> None:
    users.export()
    users.git("checkout", "-q", "--orphan", "anew")
    users.publication = replace(users.publication, branch="anew")

    report = users.export()

    assert users.git("rev-list", "anew") == report.commit
    assert users.commits() == 1


@pytest.mark.parametrize(("other", "name"), [("pub/a", "pub"), ("pub", "pub/a")])
def test_branch_that_git_cannot_hold_beside_another_is_refused(
    users: Workbench, other: str, name: str
) -> None:
    users.export()
    users.git("branch", other)
    users.sql("UPDATE users SET name = 'x' WHERE id = 3")

    with pytest.raises(UsageError, match=f"no branch '{name}' beside '{other}'"):
        users.export(branch=name)


def test_bare_repository_needs_no_index(users: Workbench, tmp_path: Path) -> None:
    bare = replace(users, repository=DataRepository.create(tmp_path / "bare.git", bare=True))

    bare.export()
    bare.sql("UPDATE users SET name = 'x' WHERE id = 1")
    assert bare.export().left_alone == "the repository is bare"

    assert not (tmp_path / "bare.git/index").exists()
    assert len(bare.files()) == 20
    fsck(tmp_path / "bare.git")
    assert bare.commits() == 2


def test_reset_of_the_branch_is_reconciled(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    users.export()
    users.git("reset", "-q", "--hard", "HEAD~")
    assert users.pending("users") == 0

    report = users.export()

    assert report.entities["users"].modified == 1
    assert '"x"' in users.files()["data/users/1.json"]
    assert users.export().snapshot is None
    users.check()


def test_snapshots_of_another_clone_are_reconciled(users: Workbench, tmp_path: Path) -> None:
    users.export()
    git(tmp_path, "clone", "-q", str(users.path), "clone")
    clone = replace(users, repository=DataRepository.open(tmp_path / "clone"))
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    clone.export()
    assert users.pending("users") == 0

    report = users.export()

    assert report.entities["users"].modified == 1
    users.check()


def test_commit_by_a_person_in_mid_run_is_built_upon(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    def commit() -> None:
        (users.path / "NOTES.md").write_text("hello\n")
        users.git("add", "NOTES.md")
        users.git("commit", "-qm", "notes in mid run")

    users.progress.hooks["reading rows"] = commit

    users.export()

    assert users.git("log", "--format=%s", "-2").splitlines()[1] == "notes in mid run"
    users.check()


def test_held_index_lock_defers_only_the_view(users: Workbench) -> None:
    users.export()
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")
    lock = users.path / ".git/index.lock"
    lock.touch()

    report = users.export()

    assert report.snapshot is not None
    (warning,) = report.warnings
    assert "not refreshed" in warning
    lock.unlink()
    users.export()
    users.check()


def test_edit_elsewhere_is_one_warning(users: Workbench) -> None:
    users.export()
    (users.path / "data/users/3.json").write_text("mine\n")
    users.sql("UPDATE users SET name = 'x' WHERE id = 1")

    report = users.export()

    assert report.exit_code == 0
    assert report.warnings == ["'data/users/3.json' has uncommitted edits, left as they are"]
    assert (users.path / "data/users/3.json").read_text() == "mine\n"
