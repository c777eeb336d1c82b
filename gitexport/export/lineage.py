"""Decides whether the source's flags speak of the branch's tip, and who made its commits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from gitexport.errors import DecisionNeededError
from gitexport.export.message import MODE, ORIGINS, SETUP, SNAPSHOT
from gitexport.export.options import Override
from gitexport.model.entity import MANIFEST_PATH, RELATIONS_DIRECTORY
from gitexport.model.ports import Fence
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from gitexport.store.tree_diff import changed_files

IsManaged = Callable[[bytes], bool]
"""Tells whether a path belongs to gitexport."""


class Lineage(NamedTuple):
    """How the branch's tip came about.

    `is_trusted` says that a row which is not pending is in the tip as it is in the source.
    `last` is the newest snapshot. `foreign` are commits on managed paths that were not made
    from rows, newest first.
    """

    is_trusted: bool
    last: Commit | None
    foreign: tuple[Commit, ...] = ()


def is_managed_path(path: bytes, documents: Collection[str], parse: Sequence[IsManaged]) -> bool:
    """Tells whether a path belongs to gitexport: a document, or what describes documents."""
    text = path.decode("utf-8", "replace")
    if text == MANIFEST_PATH or text in documents:
        return True
    return text.startswith(RELATIONS_DIRECTORY + "/") or any(test(path) for test in parse)


def trace_lineage(
    repository: DataRepository,
    tip: ObjectId | None,
    fence: Fence,
    acknowledged: ObjectId | None,
    is_managed: IsManaged,
) -> Lineage:
    """Walks back from the tip to the last snapshot made from rows.

    Flags mean "is in commit `fence.tip`". They still hold where that commit is the tip, or
    where it is the one that this machine last acknowledged and only our own snapshots came
    after it, as after a crash between commit and acknowledgement. They are void in every
    other case: a reset, another clone, a restored database.
    """
    if tip is None:
        return Lineage(is_trusted=False, last=None)
    foreign: list[Commit] = []
    last: Commit | None = None
    for commit in refs.first_parents(repository, tip):
        if _is_from_rows(commit):
            last = commit
            break
        if last is None and commit.snapshot is not None:
            last = commit
        if _is_foreign(repository, commit, is_managed) and not _only_joins(
            repository, commit, is_managed
        ):
            foreign.append(commit)
    is_known = fence.tip is not None and fence.value > 0
    is_trusted = (
        is_known
        and not foreign
        and (
            fence.tip == tip
            or (fence.tip == acknowledged and _leads_to(repository, fence.tip, tip))
        )
    )
    return Lineage(is_trusted, last, tuple(foreign))


def guard_edits(lineage: Lineage, overrides: Collection[Override], *, is_partial: bool) -> None:
    """Stops where people committed to managed paths, unless they said that rows win.

    Raises:
        DecisionNeededError: The commits are named, and the ways on.
    """
    if not lineage.foreign or (Override.EDITS in overrides and not is_partial):
        return
    names = ", ".join(
        f"{commit.commit_id[:10]} '{commit.subject[:60]}'" for commit in lineage.foreign[:3]
    )
    more = f" and {len(lineage.foreign) - 3} more" if len(lineage.foreign) > 3 else ""  # noqa: PLR2004
    message = "commits on managed paths were not made from database rows"
    newest = lineage.foreign[0]
    hint = (
        "to let the database win: gitexport export --override edits"
        + (" (without --entity and --limit)" if is_partial else "")
        + "; to change the rows: "
        f"gitexport restore {newest.snapshot or newest.commit_id} --database"
    )
    raise DecisionNeededError(message, where=names + more, hint=hint)


def _is_from_rows(commit: Commit) -> bool:
    if commit.trailer(SNAPSHOT) is None or commit.trailer(SETUP) is not None:
        return False
    # A restore that wrote rows ends in an export, which says how it read them.
    is_derived = any(commit.trailer(name) for name in ORIGINS.values())
    return not is_derived or commit.trailer(MODE) is not None


def _is_foreign(repository: DataRepository, commit: Commit, is_managed: IsManaged) -> bool:
    if commit.trailer(SETUP) is not None:
        return False
    base = commit.parents[0] if commit.parents else None
    return _differ(repository, base, commit.commit_id, is_managed)


def _only_joins(repository: DataRepository, commit: Commit, is_managed: IsManaged) -> bool:
    """Tells whether a merge adds nothing to snapshots made from rows, as after a review.

    Then it is what a fast-forward would have been: its managed files are the other side's, that
    side is snapshots and nothing else, and ours stood still on managed paths since they parted.
    """
    for other in commit.parents[1:]:
        if _differ(repository, other, commit.commit_id, is_managed):
            continue
        for step in refs.first_parents(repository, other):
            if refs.is_ancestor(repository, step.commit_id, commit.parents[0]):
                return not _differ(repository, step.commit_id, commit.parents[0], is_managed)
            if not _is_from_rows(step) and _is_foreign(repository, step, is_managed):
                break
    return False


def _differ(
    repository: DataRepository, old: ObjectId | None, new: ObjectId, is_managed: IsManaged
) -> bool:
    base = None if old is None else repository.tree_of(old)
    changes = changed_files(repository.read_tree, base, repository.tree_of(new))
    return any(is_managed(change.path) for change in changes)


def _leads_to(repository: DataRepository, old: ObjectId | None, tip: ObjectId) -> bool:
    return old is not None and refs.is_ancestor(repository, old, tip)
