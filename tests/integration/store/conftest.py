"""Repositories in step with their branch, and one with a remote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitexport.store import refs
from tests.fixtures.repositories import fsck, git
from tests.integration.store.publishing import Site
from tests.integration.store.viewed import PEOPLE, USERS, ViewedRepository


@pytest.fixture(params=["plain", "version 4", "split index", "untracked cache", "fsmonitor"])
def viewed(request: pytest.FixtureRequest, repository_path: Path) -> ViewedRepository:
    """A repository in step with its branch, with every kind of index that git writes."""
    made = ViewedRepository(repository_path)
    made.move({**PEOPLE, **USERS})
    command = {
        "plain": [],
        "version 4": ["--index-version", "4"],
        "split index": ["--split-index"],
        "untracked cache": ["--force-untracked-cache"],
        "fsmonitor": ["--force-write-index"],
    }[request.param]
    if request.param == "fsmonitor":
        hook = made.gitdir / "fsmonitor-test"
        hook.write_text("#!/bin/sh\nprintf '/\\0'\n")
        hook.chmod(0o755)
        git(made.path, "config", "core.fsmonitor", str(hook))
    if command:
        git(made.path, "update-index", *command)
        git(made.path, "status")
    return made


@pytest.fixture
def plain(repository_path: Path) -> ViewedRepository:
    """A repository in step with its branch."""
    made = ViewedRepository(repository_path)
    made.move({**PEOPLE, **USERS})
    return made


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    if refs.tip(site.repository, "main") is not None:
        fsck(site.path)
