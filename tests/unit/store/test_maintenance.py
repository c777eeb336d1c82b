"""Maintenance joins packs without losing anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.store import refs
from gitexport.store.maintenance import maintain, pack_count
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import fsck, git
from tests.fixtures.snapshots import add_snapshot


@pytest.mark.parametrize("bare", [False, True])
def test_many_packs_become_few_and_refs_are_packed(repository_path: Path, *, bare: bool) -> None:
    repository = DataRepository.create(repository_path, bare=bare)
    names = [f"20250101-{number:06d}" for number in range(6)]
    for name in names:
        add_snapshot(repository, name, {f"data/{name}.json": name})
        git(repository.path, "repack", "-dq")
    assert pack_count(repository) == 6
    assert not maintain(repository, maximum_packs=6)

    assert maintain(repository, maximum_packs=5)

    assert pack_count(repository) < 6
    assert refs.snapshot_tags(repository) == names
    tip = refs.tip(repository, "main")
    assert tip is not None
    assert len(list(refs.snapshots(repository, tip))) == 6
    assert not list((repository.common_dir / "refs" / "tags").iterdir())
    fsck(repository.path)


def test_kept_packs_do_not_count_and_stay(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path)
    add_snapshot(repository, "20250101-000000", {"a": "1"})
    git(repository.path, "repack", "-dq")
    pack = next((repository.objects / "pack").glob("*.pack"))
    pack.with_suffix(".keep").touch()
    add_snapshot(repository, "20250101-000001", {"a": "2"})
    git(repository.path, "repack", "-dq")

    assert pack_count(repository) == 1
    assert maintain(repository, maximum_packs=0)
    assert pack.exists()


def test_an_empty_repository_needs_none(repository_path: Path) -> None:
    assert not maintain(DataRepository.create(repository_path))
