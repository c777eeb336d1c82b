"""Failures that are expected."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from gitexport.errors import GitExportError, PatchConflictError, RowRefusedError

MORE: dict[type[GitExportError], dict[str, Any]] = {
    RowRefusedError: {"entity": "users", "key": ("1",), "sqlstate": "23505"},
    PatchConflictError: {"pointer": "/a", "expected": 1, "found": None},
}


def kinds(base: type[GitExportError] = GitExportError) -> Iterator[type[GitExportError]]:
    """Yields all kinds of expected failures."""
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_failure_travels_between_processes(kind: type[GitExportError]) -> None:
    error = kind("it failed", **MORE.get(kind, {}))
    error.where, error.hint = "here", "do this"

    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(arrived) is kind
    assert str(arrived) == "it failed"
    assert arrived.__dict__ == error.__dict__
