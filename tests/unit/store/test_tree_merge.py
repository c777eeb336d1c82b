"""Merging trees: ours on managed paths, three-way elsewhere, checked against git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitexport.store.git_program import require_git
from gitexport.store.repository import DataRepository
from gitexport.store.tree_merge import TreeMerge
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import write_commit, write_tree

Files = dict[str, str]


@pytest.fixture
def repository(repository_path: Path) -> DataRepository:
    return DataRepository.create(repository_path, bare=True)


def merge(
    repository: DataRepository, base: Files, ours: Files, theirs: Files
) -> tuple[Files, TreeMerge]:
    handle = repository.pygit()

    def add_tree(raw: bytes) -> bytes:
        return handle.odb.write(2, raw).raw

    run = TreeMerge(repository.read_tree, add_tree, lambda path: path.startswith("data/"))
    ids = [write_tree(handle, files).raw for files in (base, ours, theirs)]
    return read_files(repository, run.merge(*ids)), run


def read_files(repository: DataRepository, tree: bytes) -> Files:
    names = git(repository.path, "ls-tree", "-r", "--name-only", tree.hex()).splitlines()
    return {name: git(repository.path, "show", f"{tree.hex()}:{name}") for name in names}


BASE = {"data/1": "a", "data/2": "b", "README": "r", "docs/x": "x"}


def test_their_files_come_and_managed_ones_stay(repository: DataRepository) -> None:
    theirs = {"data/1": "evil", "data/9": "new", "README": "better", "docs/x": "x", "z/z": "z"}

    files, run = merge(repository, BASE, BASE | {"data/2": "c"}, theirs)

    assert files == BASE | {"data/2": "c", "README": "better", "z/z": "z"}
    assert sorted(run.overridden) == ["data/1", "data/2", "data/9"]
    assert run.conflicts == []


def test_both_sides_changes_of_people_meet(repository: DataRepository) -> None:
    ours = BASE | {"docs/x": "ours"}
    theirs = BASE | {"docs/x": "theirs", "README": "theirs"}

    _files, run = merge(repository, BASE, ours, theirs)

    assert run.conflicts == ["docs/x"]


def test_a_deletion_of_theirs_is_taken_outside_only(repository: DataRepository) -> None:
    files, run = merge(repository, BASE, BASE, {"README": "r"})

    assert files == {"data/1": "a", "data/2": "b", "README": "r"}
    assert run.conflicts == []


def test_a_file_that_became_a_directory_is_taken(repository: DataRepository) -> None:
    theirs = {name: text for name, text in BASE.items() if name != "README"} | {"README/a": "1"}

    files, run = merge(repository, BASE, BASE, theirs)

    assert files == theirs
    assert run.conflicts == []


def test_a_directory_that_became_a_file_needs_a_person(repository: DataRepository) -> None:
    theirs = {"data": "a file", "README": "r", "docs/x": "x"}

    _files, run = merge(repository, BASE, BASE, theirs)

    assert run.conflicts == ["data"]


def test_an_equal_side_costs_no_reading(repository: DataRepository) -> None:
    tree = write_tree(repository.pygit(), BASE).raw
    other = write_tree(repository.pygit(), BASE | {"data/3": "c"}).raw

    def never(_id: bytes) -> bytes:
        raise AssertionError

    run = TreeMerge(never, never, lambda _path: False)

    assert run.merge(tree, other, tree) == other
    assert run.merge(tree, tree, tree) == tree


WRITE_TREE = (2, 38)
NAMES = st.sampled_from(["a", "b", "docs/x", "docs/y", "deep/er/z"])
# Contents differ from name to name: `git merge-tree` finds renames whatever it is told.
SIDES = st.dictionaries(NAMES, st.sampled_from(["1", "2", "3"])).map(
    lambda files: {name: f"{name} has {text}" for name, text in files.items()}
)


@pytest.mark.skipif(require_git() < WRITE_TREE, reason="git merge-tree --write-tree is new")
@settings(max_examples=25)
@given(SIDES, SIDES, SIDES)
def test_outside_managed_paths_the_result_is_git_s(
    tmp_path_factory: pytest.TempPathFactory, base: Files, ours: Files, theirs: Files
) -> None:
    repository = DataRepository.create(tmp_path_factory.mktemp("merge"), bare=True)
    root = write_commit(repository, "base\n", base)
    sides = [write_commit(repository, "side\n", files, (root,)) for files in (ours, theirs)]
    files, run = merge(repository, base, ours, theirs)

    command = ["git", "-C", str(repository.path), "-c", "merge.renames=false"]
    done = subprocess.run(
        [*command, "merge-tree", "--write-tree", *sides], capture_output=True, check=False
    )

    assert (done.returncode != 0) == bool(run.conflicts)
    if not run.conflicts:
        assert files == read_files(repository, bytes.fromhex(done.stdout.decode().strip()))
