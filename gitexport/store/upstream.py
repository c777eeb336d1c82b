"""How far a branch is from what its remote holds, as far as is known here."""

from __future__ import annotations

from dataclasses import dataclass

import pygit2

from gitexport.errors import UsageError
from gitexport.model.snapshot import ObjectId
from gitexport.store.git_errors import translated
from gitexport.store.journal import read_state
from gitexport.store.refs import BRANCH_PREFIX
from gitexport.store.remote import ls_remote, remote_url
from gitexport.store.repository import DataRepository

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """A remote's branch beside ours.

    `tip` is None where the remote has no such branch, or where none was seen yet. `ahead` and
    `behind` count commits, None where the remote's are not known here.
    """

    remote: str
    tip: ObjectId | None
    ahead: int | None
    behind: int | None


def known_upstream(
    repository: DataRepository, remote: str, branch: str, tip: ObjectId
) -> Upstream | None:
    """Compares a branch with what the remote was last seen to hold, without asking it.

    Gives None where there is no such remote.

    Raises:
        CorruptRepositoryError: The history cannot be read.
    """
    names = [f"refs/remotes/{remote}/{branch}"]
    handle = repository.pygit()
    with translated(f"the refs of the remote '{remote}' cannot be read"):
        if f"remote.{remote}.url" not in handle.config:
            return None
        found = [handle.references.get(name) for name in names]
    seen = _remembered(repository, remote, branch)
    tracked = [reference.target for reference in found if reference is not None]
    tips = [ObjectId(str(target)) for target in tracked if isinstance(target, pygit2.Oid)]
    return _compare(repository, remote, tip, _newest(repository, [*tips, *seen]))


def asked_upstream(repository: DataRepository, remote: str, branch: str, tip: ObjectId) -> Upstream:
    """Asks the remote for its branch, for half a minute at most, and fetches nothing.

    Raises:
        PublishError: The remote gave no answer.
        UsageError: There is no such remote.
    """
    name = BRANCH_PREFIX + branch
    listed = ls_remote(repository, remote, [name], timeout_seconds=_PATIENCE_SECONDS)
    return _compare(repository, remote, tip, listed.get(name))


def _remembered(repository: DataRepository, remote: str, branch: str) -> list[ObjectId]:
    try:
        memory = f"{remote_url(repository, remote)} {BRANCH_PREFIX}{branch}"
    except UsageError:
        # A URL that no push would use says nothing of what was pushed.
        return []
    seen = read_state(repository).remote_tips.get(memory)
    return [] if seen is None else [seen]


def _newest(repository: DataRepository, tips: list[ObjectId]) -> ObjectId | None:
    """Chooses the tip that the other one leads to; git and gitexport each remember one."""
    handle = repository.pygit()
    known = [tip for tip in dict.fromkeys(tips) if pygit2.Oid(hex=tip) in handle]
    if len(known) > 1 and handle.descendant_of(known[1], known[0]):
        return known[1]
    return next(iter(known or tips), None)


def _compare(
    repository: DataRepository, remote: str, ours: ObjectId, theirs: ObjectId | None
) -> Upstream:
    handle = repository.pygit()
    if theirs is None or pygit2.Oid(hex=theirs) not in handle:
        return Upstream(remote, theirs, None, None)
    with translated(f"the history of '{theirs}' cannot be read"):
        ahead, behind = handle.ahead_behind(ours, theirs)
    return Upstream(remote, theirs, ahead, behind)
