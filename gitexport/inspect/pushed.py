"""Checks what is about to be published, as the pre-push hook does.

The tip that others will see has to obey every rule. A commit on the way to it can no longer be
mended, only kept back: there, only what must not become public or cannot be stored counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitexport.errors import ConfigError
from gitexport.inspect.document_rules import CheckReport, Offence, RulesOfTrees
from gitexport.model.snapshot import Commit, ObjectId
from gitexport.store import refs
from gitexport.store.incoming import (
    NO_OBJECT,
    REMOTE_PREFIX,
    commits_beyond,
    is_here,
    peel,
    ref_commits,
)
from gitexport.store.repository import DataRepository
from gitexport.store.tree_diff import changed_files
from gitexport.store.trees import FILE_MODE


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A ref that a push makes, moves or (with `NO_OBJECT` as `new`) deletes on the other side."""

    name: str
    old: ObjectId
    new: ObjectId


def check_push(
    repository: DataRepository,
    rules_of: RulesOfTrees,
    remote: str,
    updates: Sequence[RefUpdate],
) -> CheckReport:
    """Judges the files that the remote does not have yet; what it has costs nothing.

    What the remote holds is taken from the updates and from what was last fetched from it.

    Raises:
        ConfigError: A configuration says something that cannot be.
        CorruptRepositoryError: An object is missing or damaged.
    """
    known = ref_commits(repository, f"{REMOTE_PREFIX}{remote}/")
    known |= {update.old for update in updates if is_here(repository, update.old)}
    check = _PushCheck(repository, rules_of)
    for update in updates:
        tip = None if update.new == NO_OBJECT else peel(repository, update.new)
        if tip is not None and tip not in known:
            beyond = {commit.commit_id for commit in commits_beyond(repository, [tip], known)}
            check.run(refs.read_commit(repository, tip), beyond)
            known.add(tip)
    return check.report


class _PushCheck:
    """One push: what its refs share is judged once."""

    def __init__(self, repository: DataRepository, rules_of: RulesOfTrees) -> None:
        self._repository = repository
        self._rules_of = rules_of
        self.report = CheckReport()

    def run(self, tip: Commit, beyond: set[ObjectId]) -> None:
        """Judges the tip against what the remote has, then the commits on the way."""
        base = self._base(tip, beyond)
        self._judge_tip(tip, base)
        for commit_id in beyond:
            if commit_id != tip.commit_id or len(tip.parents) > 1:
                self._judge_history(refs.read_commit(self._repository, commit_id), tip)

    def _base(self, tip: Commit, beyond: set[ObjectId]) -> ObjectId | None:
        """Finds the newest commit, along first parents, that the remote has."""
        for commit in refs.first_parents(self._repository, tip.commit_id):
            if commit.commit_id not in beyond:
                return commit.commit_id
        return None

    def _judge_tip(self, tip: Commit, base: ObjectId | None) -> None:
        target = bytes.fromhex(tip.tree_id)
        rules = self._rules_of.at(target)
        if rules is None:
            return
        before = None if base is None else self._repository.tree_of(base)
        for change in changed_files(rules.history.read_tree, before, target):
            if change.new is not None and rules.is_judged(change.path):
                self.report.checked += 1
                offence = rules.judge(change.path, change.new)
                self.report.add(offence and _mended_by_a_commit(offence))

    def _judge_history(self, commit: Commit, tip: Commit) -> None:
        target = bytes.fromhex(commit.tree_id)
        try:
            rules = self._rules_of.at(target)
        except ConfigError:
            return  # nobody can tell any more what it meant to publish
        if rules is None:
            return
        read = rules.history.read_tree
        shown = rules.history.at(bytes.fromhex(tip.tree_id))
        before = self._repository.tree_of(commit.parents[0]) if commit.parents else None
        for change in changed_files(read, before, target):
            if change.new is None or not rules.is_judged(change.path):
                continue
            entry = shown.reader.entry(change.path)
            if entry is not None and (entry.mode, entry.object_id) == (FILE_MODE, change.new):
                continue  # judged as part of the tip
            self.report.checked += 1
            offence = rules.judge_published(change.path, change.new)
            self.report.add(offence and _in_history(offence, commit))


def _mended_by_a_commit(offence: Offence) -> Offence:
    mend = offence.mend.replace("gitexport fmt --staged", f"gitexport fmt {offence.path}")
    return replace(offence, mend=f"{mend}; then commit")


def _in_history(offence: Offence, commit: Commit) -> Offence:
    reason = f"{offence.reason}, in commit {commit.commit_id[:10]}"
    mend = f"git rebase -i {commit.commit_id[:10]}~ and drop it, before anybody has it"
    return replace(offence, reason=reason, mend=mend)
