"""Checks what is staged for a commit, as the pre-commit hook does."""

from __future__ import annotations

from pathlib import Path

from gitexport.compare.manifest_counts import counted_manifest
from gitexport.inspect.document_rules import (
    CheckReport,
    DocumentRules,
    RulesOfTrees,
    count_offences,
)
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from gitexport.store.staged import staged_tree
from gitexport.store.tree_diff import changed_files


def check_staged(
    repository: DataRepository, rules_of: RulesOfTrees, index: Path | None = None
) -> CheckReport:
    """Judges the files that the next commit changes, and whether its manifest counts them.

    `index` is another index file than the repository's own.

    Raises:
        ConfigError: The staged configuration says something that cannot be.
        CorruptRepositoryError: The staged manifest or a relation's file cannot be read.
        MachineError: git failed.
    """
    report = CheckReport()
    target = staged_tree(repository, index)
    rules = rules_of.at(target)
    if rules is None:
        return report
    head = refs.head(repository)
    base = None if head is None else repository.tree_of(head)
    for change in changed_files(rules.history.read_tree, base, target):
        if rules.is_judged(change.path):
            report.checked += 1
            if change.new is not None:
                report.add(rules.judge(change.path, change.new))
    if report.checked and head is not None:
        _count(report, rules, base)
    return report


def _count(report: CheckReport, rules: DocumentRules, base: bytes | None) -> None:
    counted = counted_manifest(rules.history, rules.history.at(base), rules.tree)
    stated = {name: known.count for name, known in rules.tree.manifest.entities.items()}
    counts = {name: known.count for name, known in counted.entities.items()}
    for offence in count_offences(stated, counts):
        report.add(offence)
