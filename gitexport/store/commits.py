"""Commit and tag objects as bytes, and commits of a few files.

The bytes depend on nothing but the arguments: the same tree, parents, identity, time and
message give the same id on every machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import NamedTuple

import pygit2
import pygit2.enums

from gitexport.errors import GitExportError, UsageError
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs
from gitexport.store.git_errors import translated
from gitexport.store.pack import (
    FragmentWriter,
    ObjectKind,
    SealedPack,
    assemble,
    install,
    uninstall,
    verify_installed,
)
from gitexport.store.reflog import forget_in_logs
from gitexport.store.repository import DataRepository
from gitexport.store.trees import TreeReader, file_edits, rewrite_directories

_FORBIDDEN = re.compile(r"[\x00-\x1f<>]")


class Identity(NamedTuple):
    """Who makes a commit."""

    name: str
    email: str

    def line(self, at: datetime) -> bytes:
        """Writes the identity and a time in UTC, as commits hold them."""
        return f"{self.name} <{self.email}> {int(at.timestamp())} +0000".encode()


def identity_of(repository: DataRepository) -> Identity:
    """Tells who makes commits here: git's own variables and settings, else gitexport itself."""
    config = repository.pygit().config

    def setting(name: str) -> str:
        return (config[name] or "") if name in config else ""

    name = os.environ.get("GIT_COMMITTER_NAME") or setting("user.name") or "gitexport"
    email = os.environ.get("GIT_COMMITTER_EMAIL") or setting("user.email") or "gitexport@localhost"
    return Identity(_FORBIDDEN.sub("", name).strip(), _FORBIDDEN.sub("", email).strip())


def commit_bytes(
    tree: bytes, parents: Sequence[ObjectId], identity: Identity, at: datetime, message: str
) -> bytes:
    """Writes a commit object's content."""
    lines = [b"tree " + tree.hex().encode()]
    lines += [b"parent " + parent.encode() for parent in parents]
    lines += [b"author " + identity.line(at), b"committer " + identity.line(at)]
    return b"\n".join(lines) + b"\n\n" + _text(message)


def tag_bytes(target: ObjectId, name: str, identity: Identity, at: datetime, message: str) -> bytes:
    """Writes an annotated tag's content, for a commit."""
    head = (
        f"object {target}\ntype commit\ntag {name}\n".encode()
        + b"tagger "
        + identity.line(at)
        + b"\n\n"
    )
    return head + _text(message)


def remake_tag(repository: DataRepository, commit: Commit) -> ObjectId:
    """Writes the annotated tag object of a snapshot's commit again, byte for byte the same.

    Raises:
        CorruptRepositoryError: The object database refused.
    """
    name, _, email = commit.author.rpartition(" <")
    identity = Identity(name, email.rstrip(">"))
    content = tag_bytes(
        commit.commit_id,
        commit.snapshot or "",
        identity,
        commit.committed_at,
        commit.subject + "\n",
    )
    with translated(f"the tag '{commit.snapshot}' cannot be written"):
        return ObjectId(str(repository.pygit().odb.write(pygit2.enums.ObjectType.TAG, content)))


def release(repository: DataRepository, sealed: SealedPack) -> None:
    """Removes a pack's keep file, once a ref reaches its objects."""
    (repository.objects / "pack" / f"{sealed.name}.keep").unlink(missing_ok=True)


@contextmanager
def installed(
    repository: DataRepository, sealed: SealedPack, commit_id: ObjectId
) -> Iterator[None]:
    """Brings a commit's pack into the repository, reads it back, and lets a block move a ref.

    Where the block fails, the pack is removed again, so that nothing dangles; not so where a
    branch holds the commit all the same, as after an interruption behind the move. Where it
    succeeds, the keep file stays until `release`.
    """
    try:
        install(sealed, repository.objects)
        verify_installed(sealed, repository.objects)
        repository.forget()
        yield
    except BaseException:
        repository.forget()
        if not refs.is_reached(repository, commit_id):
            # Where a log cannot be mended, what it names stays.
            with suppress(GitExportError):
                forget_in_logs(repository, commit_id)
                uninstall(sealed, repository.objects)
            repository.forget()
        raise


def commit_files(
    repository: DataRepository,
    branch: str,
    files: Mapping[str, bytes | None],
    message: str,
    at: datetime,
) -> ObjectId | None:
    """Commits the contents of a few files (None removes one) on top of a branch.

    Gives None, and makes no commit, where nothing changes. The branch is made where it does
    not exist. Neither index nor working tree is touched.

    Raises:
        HeadMovedError: The branch moved meanwhile.
    """
    parent = refs.tip(repository, branch)
    base = repository.tree_of(parent) if parent else None
    reader = TreeReader(repository.read_tree, base)
    directory = repository.state_dir
    writer = FragmentWriter(directory / f"objects-{os.getpid()}", 0)
    blobs = {
        path.encode(): None if data is None else writer.add(ObjectKind.BLOB, data)
        for path, data in files.items()
    }
    tree = rewrite_directories(
        reader, file_edits(blobs), {}, lambda raw: writer.add(ObjectKind.TREE, raw)
    )
    if tree == base:
        writer.abandon()
        return None
    identity = identity_of(repository)
    parents = (parent,) if parent else ()
    content = commit_bytes(tree, parents, identity, at, message)
    commit = ObjectId(writer.add(ObjectKind.COMMIT, content).hex())
    sealed = assemble([writer.close()], directory)
    with installed(repository, sealed, commit):
        refs.move_branch(repository, branch, parent, commit, message.partition("\n")[0])
    release(repository, sealed)
    return commit


def _text(message: str) -> bytes:
    if "\0" in message:
        error = "a commit message cannot hold a NUL character"
        raise UsageError(error)
    return message.strip("\n").encode("utf-8", "replace") + b"\n"
