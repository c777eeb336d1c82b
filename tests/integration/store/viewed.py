"""A repository whose branch moves without its working tree, for tests of the refresh."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pygit2

from gitexport.store.changes import FileChange
from gitexport.store.worktree import ViewReport, refresh
from tests.fixtures.repositories import fsck, git

Files = Mapping[str, bytes]

PEOPLE = {"README.md": b"# data\n", "docs/notes.txt": b"notes\n"}
USERS = {f"data/users/{key % 4:x}/{key}.json": b'{"id": %d}\n' % key for key in range(40)}


def blob_id(data: bytes) -> bytes:
    """Computes a blob's id without git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest()


def changes_between(
    old: Files, new: Files, stats: Mapping[str, bytes] | None = None
) -> list[FileChange]:
    """Lists what differs, sorted as the index is."""
    found = []
    for name in sorted({*old, *new}, key=str.encode):
        before, after = (blob_id(side[name]) if name in side else None for side in (old, new))
        if before != after:
            found.append(FileChange(name.encode(), before, after, (stats or {}).get(name)))
    return found


class ViewedRepository:
    """A repository with a working tree; `files` are those of the branch's tip."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.gitdir = path / ".git"
        self.files: dict[str, bytes] = {}
        git(path.parent, "init", "--quiet", str(path))
        self.repository = pygit2.Repository(str(path))

    def commit(self, files: Files) -> None:
        """Moves the branch to a tree of exactly these files; index and files stay behind."""
        index = pygit2.Index()
        for name, data in files.items():
            blob = self.repository.create_blob(data)
            index.add(pygit2.IndexEntry(name, blob, pygit2.enums.FileMode.BLOB))
        who = pygit2.Signature("Test Person", "person@example.org", 1_700_000_000, 0)
        parents = [] if self.repository.head_is_unborn else [self.repository.head.target]
        tree = index.write_tree(self.repository)
        self.repository.create_commit("HEAD", who, who, "snapshot", tree, parents)
        self.files = dict(files)

    def refresh(
        self, changes: list[FileChange], stage: Path | None = None, *, discard: bool = False
    ) -> ViewReport:
        """Refreshes index and files."""
        return refresh(
            self.path,
            self.gitdir,
            changes,
            read_blob=self.read_blob,
            stage=stage,
            discard_edits=discard,
        )

    def move(self, files: Files, *, discard: bool = False) -> ViewReport:
        """Commits and refreshes, as an export does."""
        changes = changes_between(self.files, files)
        self.commit(files)
        return self.refresh(changes, discard=discard)

    def read_blob(self, blob: bytes) -> bytes:
        """Reads an object."""
        found = self.repository[blob.hex()]
        assert isinstance(found, pygit2.Blob)
        return found.data

    def status(self) -> list[str]:
        """Gives what `git status` lists, sorted, renames not guessed."""
        text = git(self.path, "status", "--porcelain", "-z", "--no-renames", "-uall")
        return sorted(line for line in text.split("\0") if line)

    def assert_clean(self) -> None:
        """Asserts that files, index and tip are the same and that git finds no fault."""
        assert self.status() == []
        assert git(self.path, "write-tree") == git(self.path, "rev-parse", "HEAD^{tree}")
        on_disk = {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in self.path.rglob("*")
            if path.is_file() and ".git" not in path.relative_to(self.path).parts
        }
        assert on_disk == self.files
        fsck(self.path)
