"""Runs that died, as they leave a repository, and their recovery."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import journal as journals
from gitexport.store.journal import Run
from gitexport.store.recovery import recover
from gitexport.store.repository import DataRepository
from tests.fixtures.snapshots import write_tag

HOUR = timedelta(hours=1)


def repair(repository: DataRepository) -> list[str]:
    """Recovers the repository; gives what was repaired."""

    def make_tag(commit: Commit) -> ObjectId:
        assert commit.snapshot is not None
        return write_tag(repository, commit.snapshot, commit.commit_id)

    return recover(repository, "main", make_tag)


def dead_run(repository: DataRepository, packs: dict[str, ObjectId] | None = None) -> Run:
    """A run that began an hour ago, said last just now that it is alive, and was killed."""
    now = datetime.now(UTC)
    known = packs or {}
    names, commits = tuple(known), tuple(known.values())
    run = Run("dead", 1, journals.boot_id(), now - HOUR, now, names, commits)
    journals._write_json(repository.state_dir / "run.json", run._asdict())
    return run


def age(path: Path, by: timedelta) -> None:
    """Makes a file older."""
    at = time.time() - by.total_seconds()
    os.utime(path, (at, at), follow_symlinks=False)
