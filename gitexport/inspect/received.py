"""Checks what a server is about to accept, as the pre-receive hook does.

Every pushed snapshot has to be well-formed by itself: its trailers, its documents, its counts.
Tags of snapshots say what their commits say, and never move.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gitexport.compare.changes import document_changes
from gitexport.compare.manifest_counts import counted_manifest
from gitexport.compare.stored import StoredEntity, StoredTree
from gitexport.errors import GitExportError
from gitexport.export.message import COUNTS, SETUP
from gitexport.inspect.document_rules import (
    CheckReport,
    DocumentRules,
    Offence,
    RulesOfTrees,
    count_offences,
)
from gitexport.inspect.pushed import RefUpdate
from gitexport.model.changeset import ChangeKind
from gitexport.model.snapshot import TAG_PATTERN, Commit, EntityCounts, format_tag, parse_tag
from gitexport.store import refs
from gitexport.store.incoming import (
    NO_OBJECT,
    commits_beyond,
    peel,
    read_tag,
    ref_commits,
)
from gitexport.store.refs import TAG_PREFIX
from gitexport.store.repository import DataRepository
from gitexport.store.tree_diff import changed_files

_AGAIN = "export again with gitexport, and push its snapshot"
_KEEP = "keep the tag as it is; make a new snapshot instead"


def check_received(
    repository: DataRepository, rules_of: RulesOfTrees, updates: Sequence[RefUpdate]
) -> CheckReport:
    """Judges tags and new snapshots; commits of people are theirs, and not judged.

    Raises:
        CorruptRepositoryError: An object is missing or damaged.
    """
    report = CheckReport()
    for update in updates:
        for offence in _tag_offences(repository, update):
            report.add(offence)
    tips = [peel(repository, update.new) for update in updates if update.new != NO_OBJECT]
    new = [tip for tip in tips if tip is not None]
    for commit in commits_beyond(repository, new, ref_commits(repository)):
        if commit.snapshot is not None:
            report.checked += 1
            _judge(report, repository, rules_of, commit)
    return report


def _tag_offences(repository: DataRepository, update: RefUpdate) -> Iterator[Offence]:
    name = update.name.removeprefix(TAG_PREFIX)
    if name == update.name or not TAG_PATTERN.fullmatch(name):
        return
    if update.new == NO_OBJECT:
        yield Offence(update.name, "the tag of a snapshot is never deleted", _KEEP)
    elif update.old not in {NO_OBJECT, update.new}:
        yield Offence(update.name, "the tag of a snapshot is never moved", _KEEP)
    else:
        tag = read_tag(repository, update.new)
        if tag is None:
            mend = f"git tag -d {name}, then 'gitexport doctor --repair'"
            yield Offence(update.name, "the tag of a snapshot is an annotated one", mend)
        elif tag.name != name:
            yield Offence(update.name, f"the tag object calls itself '{tag.name}'", _KEEP)
        else:
            commit = None if tag.commit is None else refs.read_commit(repository, tag.commit)
            said = None if commit is None else commit.snapshot
            if said != name:
                reason = f"its commit is the snapshot '{said}'" if said else "it is on no snapshot"
                yield Offence(update.name, reason, _KEEP)


def _judge(
    report: CheckReport, repository: DataRepository, rules_of: RulesOfTrees, commit: Commit
) -> None:
    name = f"snapshot {commit.snapshot}"
    for reason in _trailer_faults(repository, commit):
        report.add(Offence(name, reason, _AGAIN))
    try:
        rules = rules_of.at(bytes.fromhex(commit.tree_id))
        if rules is None:
            report.add(Offence(name, "it holds no gitexport.toml", _AGAIN))
            return
        for offence in _content_offences(repository, rules, commit):
            report.add(Offence(f"{name}: {offence.path}", offence.reason, _AGAIN))
    except GitExportError as error:
        report.add(Offence(name, error.message, error.hint or _AGAIN))


def _trailer_faults(repository: DataRepository, commit: Commit) -> Iterator[str]:
    name = commit.snapshot or ""
    try:
        parse_tag(name)
    except ValueError:
        yield f"'{name}' is not the name of a snapshot"
        return
    if format_tag(commit.committed_at) != name:
        yield f"the commit was made at {format_tag(commit.committed_at)}"
    tagged = refs.tagged_commit(repository, name)
    if tagged not in {None, commit.commit_id}:
        yield f"the tag '{name}' is here already, on another commit"


def _content_offences(
    repository: DataRepository, rules: DocumentRules, commit: Commit
) -> Iterator[Offence]:
    parent = repository.tree_of(commit.parents[0]) if commit.parents else None
    target = bytes.fromhex(commit.tree_id)
    for change in changed_files(rules.history.read_tree, parent, target):
        if change.new is not None and rules.is_judged(change.path):
            offence = rules.judge(change.path, change.new)
            if offence is not None:
                yield offence
    before = rules.history.at(parent)
    stated = {name: known.count for name, known in rules.tree.manifest.entities.items()}
    counted = counted_manifest(rules.history, before, rules.tree)
    counts = {name: known.count for name, known in counted.entities.items()}
    yield from count_offences(stated, counts)
    if commit.trailer(SETUP) is None:
        yield from _told_counts(rules, before, commit)


def _told_counts(rules: DocumentRules, before: StoredTree, commit: Commit) -> Iterator[Offence]:
    """Holds the counts of the commit's trailers against the documents that differ."""
    found: dict[str, Counter[ChangeKind]] = {}
    for change in document_changes(rules.history, commit):
        found.setdefault(change.entity, Counter())[change.kind] += 1
    told = dict(_split(value) for token, value in commit.trailers if token == COUNTS)
    for name in sorted({*found, *told}):
        if _has_moved(before.entity(name), rules.tree.entity(name)):
            continue
        kinds = found.get(name, Counter())
        counts = EntityCounts(
            kinds[ChangeKind.ADDED],
            kinds[ChangeKind.MODIFIED] + kinds[ChangeKind.REWRITTEN],
            kinds[ChangeKind.DELETED],
        )
        if str(counts) != told.get(name, str(EntityCounts())):
            reason = f"the trailer counts '{told.get(name, 'nothing')}', the documents {counts}"
            yield Offence(name, reason, _AGAIN)


def _split(value: str) -> tuple[str, str]:
    name, _, counts = value.partition(" ")
    return name, counts


def _has_moved(old: StoredEntity | None, new: StoredEntity | None) -> bool:
    if old is None or new is None:
        return False
    places = [(one.name, one.manifest.directory, one.manifest.shard) for one in (old, new)]
    return places[0] != places[1]
