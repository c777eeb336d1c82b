"""Publishes a branch and its snapshots, and says so only when the remote shows them.

In this order: read the remote's refs; compare its branch with what it held when we last saw
it; merge what other people pushed; push the branch and the tags that the remote lacks; read
the refs back; remember the tip. Nothing is ever forced, and a remote whose history was
rewritten is left to a person: perhaps something was purged there on purpose.

Rows and their flags are not touched. Running it again is always safe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gitexport.errors import DecisionNeededError, LockedError, PublishError, UsageError
from gitexport.export.view import View
from gitexport.model.counted import counted
from gitexport.model.entity import Publication
from gitexport.model.ports import Clock, Progress
from gitexport.model.report import PushReport
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.journal import Journal, read_state, write_state
from gitexport.store.lock import RepositoryLock
from gitexport.store.push import push, refuse_foreign_tags, unpublished_tags
from gitexport.store.remote import fetch_branch, ls_remote, remote_url
from gitexport.store.remote_merge import RemoteMerge, TheirSide, merge_remote
from gitexport.store.repository import DataRepository

# As often as somebody else may push between our look at the remote and our push.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class PublishContext:
    """What publishing needs besides the repository and its configuration.

    `is_managed` tells whether a file's path is one that an export writes.
    """

    is_managed: Callable[[str], bool]
    clock: Clock
    progress: Progress


def publish(
    repository: DataRepository,
    publication: Publication,
    context: PublishContext,
    remote: str | None = None,
) -> PushReport:
    """Pushes the branch and the snapshots that the remote lacks; `published` means read back.

    Raises:
        UsageError: There is no such remote, or nothing to publish yet.
        PublishError: The remote refused, gave no answer, or does not show what it accepted.
        DecisionNeededError: The remote was rewritten, or cannot be joined with ours, or not
            while a person's merge or rebase is unfinished.
        LockedError: Another run is at work, and the remote's commits have to be merged.
    """
    name = remote or publication.remote
    run = _Publishing(repository, publication.branch, name, context)
    for _attempt in range(_ATTEMPTS):
        if run.attempt():
            return run.report
    message = f"the remote '{name}' moves on faster than it can be joined"
    raise PublishError(message, where=name, hint="run 'gitexport push' again")


class _Publishing:
    """One call of `publish`: the state that its attempts share."""

    def __init__(
        self, repository: DataRepository, branch: str, remote: str, context: PublishContext
    ) -> None:
        self._repository = repository
        self._branch = branch
        self._remote = remote
        self._context = context
        self._ref = refs.BRANCH_PREFIX + branch
        self._memory = f"{remote_url(repository, remote)} {self._ref}"
        self.report = PushReport(remote, branch)

    def attempt(self) -> bool:
        """Tries once; False where the remote moved on in between."""
        commit = self._tip()
        self._context.progress.stage(f"reading the refs of {self._remote}")
        listed = ls_remote(self._repository, self._remote)
        theirs = listed.get(self._ref)
        self._refuse_rewritten(commit, theirs)
        if theirs is not None and not self._reaches(theirs, commit):
            commit = self._join(commit, theirs)
        refuse_foreign_tags(self._repository, commit, listed)
        tags = unpublished_tags(self._repository, commit, listed)
        if theirs != commit or tags:
            self._context.progress.stage(f"pushing to {self._remote}")
            outcome = push(self._repository, self._remote, self._branch, commit, tags)
            if outcome.is_behind:
                return False
        self._remember(commit)
        self.report.commit = commit
        self.report.tags = tags
        self.report.published = True
        return True

    def _tip(self) -> ObjectId:
        commit = refs.tip(self._repository, self._branch)
        if commit is None:
            message = f"there is nothing to publish: the branch '{self._branch}' has no commit"
            raise UsageError(message, where=self._branch, hint="run 'gitexport export'")
        return commit

    def _reaches(self, ancestor: ObjectId, commit: ObjectId) -> bool:
        return refs.is_ancestor(self._repository, ancestor, commit)

    def _refuse_rewritten(self, commit: ObjectId, theirs: ObjectId | None) -> None:
        seen = read_state(self._repository).remote_tips.get(self._memory)
        if seen is None or theirs == seen:
            return
        where = f"{self._remote}/{self._branch}"
        if theirs is None:
            message = f"the remote '{self._remote}' no longer has the branch '{self._branch}'"
            hint = f"if it shall be there: 'git push {self._remote} {self._branch}'"
            raise DecisionNeededError(message, where=where, hint=hint)
        if not self._reaches(theirs, commit):
            fetch_branch(self._repository, self._remote, self._branch)
        if self._reaches(seen, theirs):
            return
        if self._reaches(theirs, commit) and not self._reaches(seen, commit):
            # A person has taken the new history over.
            return
        message = f"the history of '{where}' was rewritten since it was last seen"
        hint = (
            f"to take it: 'git fetch {self._remote} && git reset --hard {where}', then"
            f" 'gitexport export'; to put ours back: 'git push --force {self._remote}"
            f" {self._branch}'"
        )
        raise DecisionNeededError(message, where=where, hint=hint)

    def _join(self, commit: ObjectId, theirs: ObjectId) -> ObjectId:
        self._context.progress.stage(f"joining what others pushed to {self._remote}")
        view = View(self._repository, self._branch, self._context.progress)
        view.refuse_shown_elsewhere()
        fetch_branch(self._repository, self._remote, self._branch)
        side = TheirSide(self._remote, self._branch, theirs)
        with RepositoryLock(self._repository), Journal(self._repository).short_run():
            view.refuse_unfinished()
            now = self._context.clock()
            merged = merge_remote(self._repository, commit, side, self._context.is_managed, now)
            state = read_state(self._repository)
            if state.shown == commit and merged.stale is None:
                write_state(self._repository, replace(state, shown=merged.commit))
        self._warn(merged)
        self.report.merged = merged.commit
        return merged.commit

    def _warn(self, merged: RemoteMerge) -> None:
        progress = self._context.progress
        if merged.overridden:
            were = counted(
                len(merged.overridden),
                "document changed at the remote was left as it is here,",
                "documents changed at the remote were left as they are here,",
            )
            progress.warn(f"{were} the first: {merged.overridden[0]}")
        if merged.stale is not None:
            progress.warn(f"the working tree does not show the merge yet: {merged.stale}")

    def _remember(self, commit: ObjectId) -> None:
        state = read_state(self._repository)
        if state.remote_tips.get(self._memory) == commit:
            return
        try:
            with RepositoryLock(self._repository):
                state = read_state(self._repository)
                tips = state.remote_tips | {self._memory: commit}
                write_state(self._repository, replace(state, remote_tips=tips))
        except LockedError:
            # An older tip of the same history serves as well, until the next push.
            self._context.progress.detail("another run is at work; the push is not remembered")
