"""Looking for uncommitted edits, in a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.store.status_check import edited_files
from tests.fixtures.repositories import git
from tests.integration.store.viewed import ViewedRepository


@pytest.fixture
def viewed(repository_path: Path) -> ViewedRepository:
    """A repository of three files in step with its branch."""
    made = ViewedRepository(repository_path)
    made.move({"a.json": b"a\n", "b.json": b"b\n", "c/ä d.json": b"c\n"})
    return made


def test_a_clean_tree_has_no_edits(viewed: ViewedRepository) -> None:
    (viewed.path / "untracked").write_bytes(b"")

    assert edited_files(viewed.gitdir, viewed.path) == []


def test_edited_deleted_and_staged_files_are_named(viewed: ViewedRepository) -> None:
    (viewed.path / "a.json").write_bytes(b"A\n")
    (viewed.path / "b.json").unlink()
    (viewed.path / "c/ä d.json").write_bytes(b"C\n")
    git(viewed.path, "add", "c")

    assert edited_files(viewed.gitdir, viewed.path) == ["a.json", "b.json", "c/ä d.json"]
    assert edited_files(viewed.gitdir, viewed.path, limit=1) == ["a.json"]


def test_a_large_tree_is_not_looked_at(viewed: ViewedRepository) -> None:
    (viewed.path / "a.json").write_bytes(b"A\n")

    assert edited_files(viewed.gitdir, viewed.path, most=2) is None


def test_looking_takes_no_lock_and_writes_nothing(viewed: ViewedRepository) -> None:
    before = (viewed.gitdir / "index").stat().st_ino
    (viewed.gitdir / "index.lock").touch()

    assert edited_files(viewed.gitdir, viewed.path) == []
    assert (viewed.gitdir / "index").stat().st_ino == before
