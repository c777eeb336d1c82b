"""A data repository with a real bare remote."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gitexport.model.entity import Publication
from gitexport.model.report import PushReport
from gitexport.model.snapshot import ObjectId
from gitexport.publish.push import PublishContext, publish
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import add_snapshot
from tests.fixtures.workbench import RecordingProgress

FIRST, SECOND, THIRD = "20250101-000000", "20250101-000001", "20250101-000002"
ONE = {"data/users/1.json": "1\n", "README.md": "read me\n", "manifest.json": "{}\n"}
TWO = ONE | {"data/users/1.json": "2\n"}


class Site:
    """A data repository with a working tree, and its remote."""

    def __init__(self, folder: Path) -> None:
        self.remote = folder / "remote.git"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.repository = DataRepository.create(folder / "data")
        self.path = self.repository.path
        git(self.path, "remote", "add", "origin", str(self.remote))
        self.heard = RecordingProgress()

    def snapshot(self, name: str, files: dict[str, str]) -> ObjectId:
        """Makes a snapshot here that the working tree shows."""
        commit = add_snapshot(self.repository, name, files)
        git(self.path, "reset", "--quiet", "--hard")
        return commit

    def publish(self, remote: str | None = None) -> PushReport:
        """Publishes as the command does."""
        context = PublishContext(
            lambda path: path.startswith("data/") or path == "manifest.json",
            lambda: datetime(2025, 1, 2, tzinfo=UTC),
            self.heard,
        )
        return publish(self.repository, Publication("an-id"), context, remote)

    def there(self) -> dict[str, str]:
        """Reads the remote's refs, with git alone."""
        lines = git(self.path, "ls-remote", "--refs", str(self.remote)).splitlines()
        return {line.partition("\t")[2]: line.partition("\t")[0] for line in lines}

    def hook(self, name: str, script: str) -> Path:
        """Installs a hook at the remote."""
        path = self.remote / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def other_clone(self, folder: Path, files: dict[str, str], *options: str) -> Path:
        """Another person's clone, with one commit pushed."""
        git(folder, "clone", "--quiet", str(self.remote), "other")
        clone = folder / "other"
        for name, text in files.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_text(text)
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--message=theirs", *options)
        git(clone, "push", "--quiet", "origin", "main")
        return clone
