"""Every form of a REV, and what the errors name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gitexport.errors import SnapshotNotFoundError
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from gitexport.store.revisions import resolve
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import add_commit, add_snapshot, import_snapshots, write_commit

NAMES = ["20250621-235959", "20250622-072114", "20250622-101500", "20250701-000000"]


@pytest.fixture
def repository(repository_path: Path) -> DataRepository:
    repository = DataRepository.create(repository_path)
    for number, name in enumerate(NAMES):
        add_snapshot(repository, name, {"a": name})
        add_commit(repository, f"a person's commit {number}\n", {"a": name, "b": str(number)})
    return repository


@pytest.mark.parametrize(
    ("rev", "name"),
    [
        ("20250622-072114", "20250622-072114"),
        ("latest", "20250701-000000"),
        ("latest~0", "20250701-000000"),
        ("latest~3", "20250621-235959"),
        ("202507", "20250701-000000"),
        ("20250622-0", "20250622-072114"),
        ("20250621", "20250621-235959"),
        ("2025-06-22", "20250622-101500"),
        ("2025-06-21", "20250621-235959"),
        ("2025-06-25", "20250622-101500"),
        ("2025-06-22T07:21Z", "20250621-235959"),
        ("2025-06-22T07:21:14Z", "20250622-072114"),
        ("2025-06-22T07:21:13.999Z", "20250621-235959"),
        ("2025-06-22T09:21:14+02:00", "20250622-072114"),
        ("2025-06-22T07:22", "20250622-072114"),
        ("2099-01-01", "20250701-000000"),
    ],
)
def test_each_form_finds_its_snapshot(repository: DataRepository, rev: str, name: str) -> None:
    assert resolve(repository, "main", rev).snapshot == name


@pytest.mark.parametrize(
    ("rev", "hint"),
    [
        ("20250622-072115", "20250622-072114, 20250622-101500"),
        ("latest~4", "20250621-235959"),
        ("20250622", "20250622-072114, 20250622-101500"),
        ("2024", "20250621-235959"),
        ("2025-06-20", "20250621-235959"),
        ("2025-13-01", "a date"),
        ("HEAD", "a date"),
        ("main", "a date"),
        ("latest~-1", "a date"),
        ("latest^", "a date"),
        ("HEAD^{/(a+)+$}", "a date"),
        ("../main", "a date"),
        ("-20250622", "a date"),
        ("", "a date"),
        ("٢٠٢٥", "a date"),
        ("HEAD", "20250701-000000"),
        ("v20250622-072115", "20250622-072114, 20250622-101500"),
        ("1" * 40, "20250701-000000"),
        ("1" * 40, "gitexport log"),
    ],
)
def test_what_names_no_snapshot_is_refused_with_the_nearest(
    repository: DataRepository, rev: str, hint: str
) -> None:
    with pytest.raises(SnapshotNotFoundError) as caught:
        resolve(repository, "main", rev)

    assert hint in (caught.value.hint or "")


def test_a_full_commit_id_needs_the_branch_to_reach_it(repository: DataRepository) -> None:
    tip = refs.tip(repository, "main")
    assert tip is not None
    private = write_commit(repository, "private\n", {"secret": "x"})

    assert resolve(repository, "main", tip).commit_id == tip
    with pytest.raises(SnapshotNotFoundError):
        resolve(repository, "main", private)


def test_the_beginning_of_a_commit_id_is_refused_with_the_whole(repository: DataRepository) -> None:
    whole = resolve(repository, "main", NAMES[1]).commit_id

    with pytest.raises(SnapshotNotFoundError) as caught:
        resolve(repository, "main", whole[:30])

    assert whole in (caught.value.hint or "")


def test_a_clone_without_tags_still_knows_its_snapshots(
    repository: DataRepository, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "--no-tags", str(repository.path), "clone")
    clone = DataRepository.open(tmp_path / "clone")

    assert resolve(clone, "main", NAMES[1]).snapshot == NAMES[1]
    assert resolve(clone, "main", "202507").snapshot == NAMES[3]


def test_a_tag_named_like_a_snapshot_is_not_one(repository: DataRepository) -> None:
    git(repository.path, "tag", "20250801-000000", "main")

    with pytest.raises(SnapshotNotFoundError, match="not on a snapshot"):
        resolve(repository, "main", "20250801-000000")


def test_without_any_snapshot_the_way_on_is_named(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path)

    with pytest.raises(SnapshotNotFoundError, match="no commit"):
        resolve(repository, "main", "latest")
    add_commit(repository, "init\n", {"gitexport.toml": ""})
    for rev in ("latest", "2025", "20250101-000000", "2025-01-01"):
        with pytest.raises(SnapshotNotFoundError) as caught:
            resolve(repository, "main", rev)
        assert caught.value.hint == "run 'gitexport export'"


def test_work_grows_with_tags_only_where_their_names_are_needed(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path, bare=True)
    names = import_snapshots(repository.path, 20_000)

    assert _calls(lambda: resolve(repository, "main", names[100])) < 1_000
    assert _calls(lambda: resolve(repository, "main", "latest")) < 1_000
    assert 20_000 < _calls(lambda: resolve(repository, "main", names[100][:14])) < 400_000


def _calls(call: Callable[[], object]) -> int:
    """Counts the calls of functions, which is the same on every machine."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        with suppress(SnapshotNotFoundError):
            call()
    finally:
        sys.setprofile(None)
    return count
