"""A repository that several users share stays writable for all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitexport.store.lock import RepositoryLock
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import add_commit


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The umask of most machines."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("value", "directory", "file"),
    [
        (None, 0o755, 0o644),
        ("umask", 0o755, 0o644),
        ("group", 0o775, 0o664),
        ("true", 0o775, 0o664),
        ("all", 0o775, 0o664),
        ("0660", 0o775, 0o664),
        ("odd", 0o755, 0o644),
    ],
)
def test_logs_and_directories_are_for_all_who_share_it(
    repository_path: Path, value: str | None, directory: int, file: int
) -> None:
    repository = DataRepository.create(repository_path)
    if value is not None:
        git(repository_path, "config", "core.sharedRepository", value)

    with RepositoryLock(repository):
        add_commit(repository, "one\n", {"a": "1"})

    logs = repository.gitdir / "logs"
    assert (logs / "refs").stat().st_mode & 0o777 == directory
    assert (logs / "HEAD").stat().st_mode & 0o777 == file
    assert repository.state_dir.stat().st_mode & 0o777 == 0o700
    assert os.umask(0o022) == 0o022


def test_a_tight_umask_still_gives_the_group_what_is_shared(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path)
    git(repository_path, "config", "core.sharedRepository", "0640")
    os.umask(0o077)

    with RepositoryLock(repository):
        add_commit(repository, "one\n", {"a": "1"})

    logs = repository.gitdir / "logs"
    assert (logs / "refs").stat().st_mode & 0o777 == 0o750
    assert (logs / "HEAD").stat().st_mode & 0o777 == 0o640
