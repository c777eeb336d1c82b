"""Joins what other people pushed with our own snapshots, in one merge commit.

Its first parent is ours, so that the branch's first parents and all tags stay as they are; it
carries no snapshot's trailer. Managed paths stay ours, as they follow the database.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime

import pygit2

from gitexport.errors import CorruptRepositoryError, DecisionNeededError
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs
from gitexport.store.commits import commit_bytes, identity_of, installed, release
from gitexport.store.git_errors import translated
from gitexport.store.git_program import GitCall, run_git
from gitexport.store.pack import FragmentWriter, ObjectKind, assemble
from gitexport.store.repository import DataRepository
from gitexport.store.status_check import edited_files
from gitexport.store.tree_diff import changed_files
from gitexport.store.tree_merge import IsManaged, TreeMerge
from gitexport.store.trees import TreeReader

_NAMED = 3
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class RemoteMerge:
    """A merge commit, and the managed paths on which the other side did not count.

    `stale` says why the working tree does not show it, where it should.
    """

    commit: ObjectId
    overridden: tuple[str, ...] = ()
    stale: str | None = None


@dataclass(frozen=True, slots=True)
class TheirSide:
    """What other people pushed: the remote's name, its branch and the tip of it."""

    remote: str
    branch: str
    commit: ObjectId


def merge_remote(
    repository: DataRepository, ours: ObjectId, side: TheirSide, is_managed: IsManaged, at: datetime
) -> RemoteMerge:
    """Moves our branch to a merge of it and the remote's, and the working tree with it.

    Called by who holds the lock, after the remote's branch was fetched.

    Raises:
        DecisionNeededError: The two share no history, both changed one file of people, the
            remote one that is edited here, or it holds a snapshot that was made elsewhere
            after our last one.
        HeadMovedError: The branch moved meanwhile.
        CorruptRepositoryError: An object is missing or damaged.
    """
    theirs = side.commit
    base = _base(repository, ours, side)
    _refuse_newer_snapshot(repository, ours, side)
    writer = FragmentWriter(repository.state_dir / f"objects-merge-{os.getpid()}", 0)
    merge = TreeMerge(
        repository.read_tree, lambda raw: writer.add(ObjectKind.TREE, raw), is_managed
    )
    trees = (repository.tree_of(commit_id) for commit_id in (base, ours, theirs))
    tree = merge.merge(*trees)
    if merge.conflicts:
        writer.abandon()
        raise _conflict(side, merge.conflicts)
    edited = _edited_here(repository, base, ours, side, is_managed)
    if edited is not None:
        writer.abandon()
        raise _edit_in_the_way(side, edited)
    message = f"merge {side.remote}/{side.branch}\n\nDocuments stay as this repository has them."
    content = commit_bytes(tree, (ours, theirs), identity_of(repository), at, message)
    commit = ObjectId(writer.add(ObjectKind.COMMIT, content).hex())
    sealed = assemble([writer.close()], repository.state_dir)
    note = f"merge {side.remote}/{side.branch}"
    with installed(repository, sealed, commit):
        refs.move_branch(repository, side.branch, ours, commit, note)
    release(repository, sealed)
    stale = _show(repository, side.branch, ours, commit)
    return RemoteMerge(commit, tuple(merge.overridden), stale)


def _base(repository: DataRepository, ours: ObjectId, side: TheirSide) -> ObjectId:
    with translated(f"the history of '{side.remote}/{side.branch}' cannot be read"):
        found: object = repository.pygit().merge_base(
            pygit2.Oid(hex=ours), pygit2.Oid(hex=side.commit)
        )
    if found is not None:
        return ObjectId(str(found))
    message = f"the branch of the remote '{side.remote}' shares no history with ours"
    hint = f"look with 'git log {side.remote}/{side.branch}'; publish to another remote or branch"
    raise DecisionNeededError(message, where=f"{side.remote}/{side.branch}", hint=hint)


def _refuse_newer_snapshot(repository: DataRepository, ours: ObjectId, side: TheirSide) -> None:
    """Keeps an older copy of the data from being laid over a newer one."""
    newest = refs.last_snapshot(repository, side.commit)
    own = refs.last_snapshot(repository, ours)
    if newest is None or newest.snapshot is None or _is_known(repository, newest, ours):
        return
    if own is not None and (own.snapshot or "") > newest.snapshot:
        return
    message = f"the remote '{side.remote}' holds the snapshot '{newest.snapshot}', made elsewhere"
    hint = f"run 'git merge {side.remote}/{side.branch}', then 'gitexport export'"
    raise DecisionNeededError(message, where=newest.snapshot, hint=hint)


def _edited_here(
    repository: DataRepository,
    base: ObjectId,
    ours: ObjectId,
    side: TheirSide,
    is_managed: IsManaged,
) -> str | None:
    """Names a file with a person's uncommitted edit that the other side changed."""
    if repository.worktree is None or repository.checked_out_branch() != side.branch:
        return None
    try:
        edited = set(edited_files(repository.gitdir, repository.worktree, limit=_ALL) or [])
    except CorruptRepositoryError:
        # What keeps git from telling is told when the files are brought along.
        return None
    trees = repository.tree_of(base), repository.tree_of(side.commit)
    reader = TreeReader(repository.read_tree, repository.tree_of(ours))
    for change in changed_files(repository.read_tree, *trees):
        path = os.fsdecode(change.path)
        is_untracked = reader.entry(change.path) is None and (repository.worktree / path).is_file()
        if not is_managed(path) and (path in edited or is_untracked):
            return path
    return None


def _edit_in_the_way(side: TheirSide, path: str) -> DecisionNeededError:
    # As `git merge` does: beside the merge, to commit the edit would take theirs back.
    message = f"'{path}' changed at the remote '{side.remote}', and has edits here"
    hint = "commit them, or move the file away; then run 'gitexport push'"
    return DecisionNeededError(message, where=path, hint=hint)


def _is_known(repository: DataRepository, snapshot: Commit, ours: ObjectId) -> bool:
    return refs.is_ancestor(repository, snapshot.commit_id, ours)


def _conflict(side: TheirSide, conflicts: list[str]) -> DecisionNeededError:
    named = ", ".join(f"'{path}'" for path in conflicts[:_NAMED])
    more = f" and {len(conflicts) - _NAMED} more" if len(conflicts) > _NAMED else ""
    message = f"{named}{more} changed here and at the remote '{side.remote}'"
    hint = f"run 'git merge {side.remote}/{side.branch}', then 'gitexport push'"
    return DecisionNeededError(message, where=conflicts[0], hint=hint)


def _show(repository: DataRepository, branch: str, old: ObjectId, new: ObjectId) -> str | None:
    """Brings a checked-out working tree from one commit to the other; edits stay.

    git itself does it, as other people's files may be links, programs or submodules.
    """
    if repository.checked_out_branch() != branch:
        return None
    call = GitCall(gitdir=repository.gitdir)
    run_git(repository.path, ["update-index", "-q", "--refresh"], call)
    output = run_git(repository.path, ["read-tree", "-m", "-u", old, new], call)
    return None if output.returncode == 0 else output.reason
