"""A data repository with one snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.store.repository import DataRepository
from tests.fixtures.snapshots import FIRST, add_snapshot


@pytest.fixture
def repository(repository_path: Path) -> DataRepository:
    repository = DataRepository.create(repository_path)
    add_snapshot(repository, FIRST, {"a": "1"})
    return repository
