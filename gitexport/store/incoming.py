"""What a push brings: commits that the other side lacks, tag objects, objects in quarantine.

While `pre-receive` runs, the objects of the push stand in a directory of their own, which git
names in GIT_QUARANTINE_PATH. Source: githooks(5), git-receive-pack(1) "QUARANTINE ENVIRONMENT".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import SortMode

from gitexport.errors import CorruptRepositoryError
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store.git_errors import translated
from gitexport.store.refs import read_commit
from gitexport.store.repository import DataRepository

REMOTE_PREFIX = "refs/remotes/"
NO_OBJECT = ObjectId("0" * 40)
"""What stands in a hook's input for a ref that is not there."""


@dataclass(frozen=True, slots=True)
class TagObject:
    """An annotated tag: the name inside of it, and the commit it leads to, if to one."""

    name: str
    commit: ObjectId | None


def see_objects(repository: DataRepository, directory: Path) -> None:
    """Makes the objects of a further directory readable for the handle that is kept open.

    Raises:
        CorruptRepositoryError: The directory cannot be used.
    """
    with translated(f"the objects in '{directory}' cannot be read"):
        repository.pygit().odb.add_disk_alternate(str(directory))


def read_tag(repository: DataRepository, object_id: ObjectId) -> TagObject | None:
    """Reads an annotated tag; None where the object is none.

    Raises:
        CorruptRepositoryError: The object is missing or damaged.
    """
    found = _object(repository, object_id)
    if not isinstance(found, pygit2.Tag):
        return None
    return TagObject(found.name or "", peel(repository, object_id))


def peel(repository: DataRepository, object_id: ObjectId) -> ObjectId | None:
    """Follows tags to a commit; None where they lead to something else.

    Raises:
        CorruptRepositoryError: An object is missing or damaged.
    """
    found = _object(repository, object_id)
    while isinstance(found, pygit2.Tag):
        found = _object(repository, ObjectId(str(found.target)))
    return ObjectId(str(found.id)) if isinstance(found, pygit2.Commit) else None


def ref_commits(repository: DataRepository, prefix: str = "refs/") -> set[ObjectId]:
    """Gives the commits to which the refs below a prefix lead."""
    handle = repository.pygit()
    with translated("the refs cannot be listed"):
        names = [name for name in handle.references if name.startswith(prefix)]
        found = [handle.references.get(name) for name in names]
    targets = {ObjectId(str(ref.target)) for ref in found if ref and not _is_alias(ref)}
    return {commit for target in targets if (commit := peel(repository, target)) is not None}


def commits_beyond(
    repository: DataRepository, new: Iterable[ObjectId], known: Iterable[ObjectId]
) -> Iterator[Commit]:
    """Yields the commits that some commits lead to and others do not, newest first.

    Known commits that are not in this repository count as leading nowhere.

    Raises:
        CorruptRepositoryError: A commit is missing or damaged.
    """
    handle = repository.pygit()
    with translated("the new commits cannot be listed"):
        walker = handle.walk(None, SortMode.TIME)
        for commit in new:
            walker.push(pygit2.Oid(hex=commit))
        for commit in known:
            if pygit2.Oid(hex=commit) in handle:
                walker.hide(pygit2.Oid(hex=commit))
        for found in walker:
            yield read_commit(repository, ObjectId(str(found.id)))


def is_here(repository: DataRepository, object_id: ObjectId) -> bool:
    """Tells whether the repository holds an object."""
    return object_id != NO_OBJECT and pygit2.Oid(hex=object_id) in repository.pygit()


def _object(repository: DataRepository, object_id: ObjectId) -> object:
    with translated(f"the object '{object_id}' cannot be read"):
        found = repository.pygit().get(pygit2.Oid(hex=object_id))
    if found is None:
        message = f"the object '{object_id}' is missing"
        raise CorruptRepositoryError(message, where=object_id, hint="run 'git fsck --full'")
    return found


def _is_alias(reference: pygit2.Reference) -> bool:
    return not isinstance(reference.target, pygit2.Oid)
