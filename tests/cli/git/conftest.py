"""A data repository whose git was told about documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program


@pytest.fixture
def hooked(data: Program, repository_path: Path) -> Path:
    """A data repository with one snapshot of 20 customers and 50 orders, and hooks."""
    data.done("export", "-q")
    data.done("hooks", "install")
    return repository_path


@pytest.fixture
def customers(hooked: Path) -> Path:
    """The directory of the documents `1.json` to `20.json`."""
    return hooked / "data" / "customers"
