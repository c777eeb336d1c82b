"""Branches, tags and commits: reading them, and moving a branch by compare-and-swap.

Refs are read through libgit2 only, never as files: they may be packed at any time. A tag, once
made, is never moved; a branch moves only from the commit that its caller has seen.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pygit2
from pygit2.enums import SortMode

from gitexport.errors import CorruptRepositoryError, DecisionNeededError, HeadMovedError, UsageError
from gitexport.model.snapshot import TAG_PATTERN, Commit, ObjectId
from gitexport.store.git_errors import translated
from gitexport.store.repository import DataRepository
from gitexport.store.trailers import parse_trailers

TAG_PREFIX = "refs/tags/"
BRANCH_PREFIX = "refs/heads/"
_SNAPSHOT_TRAILER = b"\nGitexport-Snapshot: "
# A last paragraph of nothing but trailers on one line each, one of which names the snapshot.
_PLAIN_TRAILERS = re.compile(
    rb"\S\n\n(?:(?!Gitexport-Snapshot)[A-Za-z0-9-]+: [^\n]+\n)*"
    rb"Gitexport-Snapshot: ([0-9]{8}-[0-9]{6})\n(?:[A-Za-z0-9-]+: [^\n]+\n)*\Z"
)
# A person's git holds a lock for moments; as long as git itself waits, and a little more.
_LOCK_WAITS_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.4)


def tip(repository: DataRepository, branch: str) -> ObjectId | None:
    """Gives the commit that a branch points to, None before its first one.

    Raises:
        CorruptRepositoryError: The ref is damaged.
        UsageError: The name is not a branch's, or the branch is an alias of another.
    """
    return _target(repository.pygit(), BRANCH_PREFIX + branch)


def head(repository: DataRepository) -> ObjectId | None:
    """Gives the commit that is checked out, None before the first one.

    Raises:
        CorruptRepositoryError: HEAD or the branch is damaged.
    """
    handle = repository.pygit()
    with translated("HEAD cannot be read"):
        return None if handle.head_is_unborn else ObjectId(str(handle.head.target))


def ref_target(repository: DataRepository, name: str) -> ObjectId | None:
    """Gives the object that a ref points to, by the ref's full name; None where there is none.

    Raises:
        CorruptRepositoryError: The ref is damaged.
        UsageError: It is an alias of another.
    """
    return _target(repository.pygit(), name)


def read_commit(repository: DataRepository, commit_id: ObjectId) -> Commit:
    """Reads a commit.

    Raises:
        CorruptRepositoryError: It is missing or damaged, or not a commit.
    """
    with translated(f"the commit '{commit_id}' cannot be read"):
        found: object = repository.pygit().get(pygit2.Oid(hex=commit_id))
    if not isinstance(found, pygit2.Commit):
        what = "missing" if found is None else "not a commit"
        message = f"the commit '{commit_id}' is {what}"
        hint = "run 'git fsck --full', then fetch it from the remote or restore a backup"
        raise CorruptRepositoryError(message, where=commit_id, hint=hint)
    return _commit(found)


def move_branch(
    repository: DataRepository, branch: str, old: ObjectId | None, new: ObjectId, message: str
) -> None:
    """Moves a branch from `old` (None: it does not exist yet) to `new`, durably.

    The comparison is made while the ref is locked. `message` goes into the ref's log.

    Raises:
        HeadMovedError: The branch points elsewhere; nothing was changed.
        UsageError: The name is not a branch's.
        DecisionNeededError: Another git process keeps the ref locked.
        CorruptRepositoryError: `new` does not exist.
    """
    name = BRANCH_PREFIX + branch
    if not pygit2.reference_is_valid_name(name):
        error = f"'{branch}' is not a name for a branch"
        raise UsageError(error, where=branch)
    for pause in (*_LOCK_WAITS_SECONDS, None):
        try:
            _swap(repository, name, old, new, message)
        except DecisionNeededError:
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return


def create_tag_ref(repository: DataRepository, name: str, object_id: ObjectId) -> None:
    """Points a new tag to a tag object or commit; to say the same again is no error.

    Raises:
        DecisionNeededError: The tag exists and means something else; it is never moved.
    """
    handle = repository.pygit()
    with translated(f"the tag '{name}' cannot be created"):
        try:
            handle.create_reference_direct(TAG_PREFIX + name, pygit2.Oid(hex=object_id), False)  # noqa: FBT003
        except pygit2.AlreadyExistsError:
            if _target(handle, TAG_PREFIX + name) == object_id:
                return
        else:
            return
    message = f"the tag '{name}' exists and points to another object"
    hint = f"look at it with 'git show {name}'; if nobody needs it, 'git tag -d {name}'"
    raise DecisionNeededError(message, where=name, hint=hint)


def tag_exists(repository: DataRepository, name: str) -> bool:
    """Tells whether a tag of this name exists, whatever it points to."""
    return tag_target(repository, name) is not None


def tag_target(repository: DataRepository, name: str) -> ObjectId | None:
    """Gives the tag object, or the commit of a lightweight tag; None where there is none."""
    return _target(repository.pygit(), TAG_PREFIX + name)


def tagged_commit(repository: DataRepository, name: str) -> ObjectId | None:
    """Gives the commit that a tag means; None where there is no such tag.

    Raises:
        CorruptRepositoryError: The tag's object or its commit is missing.
        UsageError: The tag means something that is not a commit.
    """
    with translated(f"the tag '{name}' cannot be read"):
        reference = repository.pygit().references.get(TAG_PREFIX + name)
        if reference is None:
            return None
        try:
            return ObjectId(str(reference.peel(pygit2.Commit).id))
        except pygit2.InvalidSpecError as error:
            message = f"the tag '{name}' does not mean a commit"
            raise UsageError(message, where=name) from error


def snapshot_tags(repository: DataRepository) -> list[str]:
    """Lists the names of all tags that are named like a snapshot's, in order of time."""
    with translated("the tags cannot be listed"):
        names = repository.pygit().raw_listall_references()
    prefix = TAG_PREFIX.encode()
    tags = (
        name.removeprefix(prefix).decode("ascii", "replace")
        for name in names
        if name.startswith(prefix)
    )
    return sorted(name for name in tags if TAG_PATTERN.fullmatch(name))


def branches(repository: DataRepository) -> list[str]:
    """Lists the names of all branches, sorted."""
    with translated("the branches cannot be listed"):
        return sorted(repository.pygit().branches.local)


def first_parents(repository: DataRepository, start: ObjectId) -> Iterator[Commit]:
    """Walks from a commit to the root, along first parents.

    Raises:
        CorruptRepositoryError: A commit on the way is missing or damaged.
    """
    return (_commit(commit) for commit in _walk(repository, start))


def snapshots(repository: DataRepository, start: ObjectId) -> Iterator[Commit]:
    """Walks like `first_parents` and gives only the snapshots, newest first.

    Raises:
        CorruptRepositoryError: A commit on the way is missing or damaged.
    """
    for found in _walk(repository, start):
        if _snapshot_name(found) is not None:
            yield _commit(found)


def snapshot_names(repository: DataRepository, start: ObjectId) -> Iterator[tuple[ObjectId, str]]:
    """Walks like `snapshots` and gives only each commit's id and the snapshot's name.

    Several times as quick, for walks that look for one snapshot among many.

    Raises:
        CorruptRepositoryError: A commit on the way is missing or damaged.
    """
    for found in _walk(repository, start):
        name = _snapshot_name(found)
        if name is not None:
            yield ObjectId(str(found.id)), name


def last_snapshot(repository: DataRepository, start: ObjectId) -> Commit | None:
    """Finds the newest snapshot at or before a commit, along first parents."""
    return next(snapshots(repository, start), None)


def is_ancestor(repository: DataRepository, ancestor: ObjectId, commit_id: ObjectId) -> bool:
    """Tells whether a commit is another one or one of its ancestors; False if unknown here."""
    if ancestor == commit_id:
        return True
    handle = repository.pygit()
    old, new = pygit2.Oid(hex=ancestor), pygit2.Oid(hex=commit_id)
    if old not in handle or new not in handle:
        return False
    with translated(f"the ancestors of '{commit_id}' cannot be read"):
        return bool(handle.descendant_of(new, old))


def is_reached(repository: DataRepository, commit_id: ObjectId) -> bool:
    """Tells whether any branch holds a commit."""
    handle = repository.pygit()
    with translated("the branches cannot be listed"):
        names = [name for name in handle.references if name.startswith(BRANCH_PREFIX)]
    tips = {_target(handle, name) for name in names}
    return any(tip is not None and is_ancestor(repository, commit_id, tip) for tip in tips)


def _swap(
    repository: DataRepository, name: str, old: ObjectId | None, new: ObjectId, message: str
) -> None:
    handle = repository.pygit()
    with translated(f"'{name}' cannot be moved"):
        if pygit2.Oid(hex=new) not in handle:
            raise KeyError(new)
        with handle.transaction() as transaction:
            transaction.lock_ref(name)
            current = _target(handle, name)
            if current != old:
                error = f"'{name}' is at '{current}' and no longer at '{old}'"
                raise HeadMovedError(error, where=name, hint="run again")
            transaction.set_target(name, new, message=message)


def _target(handle: pygit2.Repository, name: str) -> ObjectId | None:
    with translated(f"'{name}' cannot be read"):
        reference = handle.references.get(name)
    if reference is None:
        return None
    if not isinstance(reference.target, pygit2.Oid):
        message = f"'{name}' is only an alias of '{reference.target}'"
        raise UsageError(message, where=name, hint=f"run 'git symbolic-ref -d {name}'")
    return ObjectId(str(reference.target))


def _walk(repository: DataRepository, start: ObjectId) -> Iterator[pygit2.Commit]:
    with translated(f"the history of '{start}' cannot be read"):
        walker = repository.pygit().walk(pygit2.Oid(hex=start), SortMode.NONE)
        walker.simplify_first_parent()
        while True:
            try:
                commit = next(walker)
            except StopIteration:
                return
            yield commit


def _snapshot_name(found: pygit2.Commit) -> str | None:
    message = found.raw_message
    if _SNAPSHOT_TRAILER not in message:
        return None
    plain = _PLAIN_TRAILERS.search(message)
    if plain is not None:
        return plain[1].decode()
    name = _commit(found).snapshot
    return name if name is not None and TAG_PATTERN.fullmatch(name) else None


def _commit(found: pygit2.Commit) -> Commit:
    message = found.raw_message.decode("utf-8", "replace")
    author = found.author
    return Commit(
        commit_id=ObjectId(str(found.id)),
        tree_id=ObjectId(str(found.tree_id)),
        parents=tuple(ObjectId(str(parent)) for parent in found.parent_ids),
        author=f"{author.raw_name.decode('utf-8', 'replace')} "
        f"<{author.raw_email.decode('utf-8', 'replace')}>",
        committed_at=datetime.fromtimestamp(found.commit_time, UTC),
        message=message,
        trailers=parse_trailers(message),
    )
