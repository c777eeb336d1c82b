"""What follows a snapshot: acknowledge its rows, then refresh the working tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha1
from pathlib import Path
from typing import Any

from gitexport.export.build import Built
from gitexport.export.context import Context
from gitexport.export.encode import ShareResult
from gitexport.export.prepare import Prepared
from gitexport.model import faults
from gitexport.model.entity import (
    CONFIG_PATH,
    MANIFEST_PATH,
    RELATIONS_DIRECTORY,
    Entity,
    Tracking,
)
from gitexport.model.ports import AcknowledgedCounts, Acknowledgement
from gitexport.model.snapshot import ObjectId
from gitexport.store.changes import FileChange
from gitexport.store.journal import MachineState, read_state, write_state
from gitexport.store.quarantine import write_quarantine
from gitexport.store.tree_diff import changed_files
from gitexport.store.trees import TreeReader
from gitexport.store.worktree import ViewReport, refresh

BATCH_ROWS = 10_000
EMPTY = ObjectId("")
"""Stands for the commit before the first one, with no files."""


def acknowledge(
    context: Context, prepared: Prepared, encoded: Sequence[ShareResult], tip: ObjectId
) -> dict[str, AcknowledgedCounts]:
    """Marks the row versions that the tip holds; gives counts by entity.

    Raises:
        LockedError: Another run has taken the fence meanwhile.
    """
    faults.point("S9.before")
    entities = {plan.entity.name: plan.entity for plan in prepared.plans}
    tombstones: dict[str, list[int]] = {}
    for share in encoded:
        # Among the hints of an entity whose flags are void is the one that says so: only a
        # run that has read every row settles it.
        is_settled = not share.is_cut or share.name in prepared.fence.tracked
        if share.tombstones and is_settled:
            tombstones.setdefault(share.name, []).extend(share.tombstones)
    told = tip if settles_flags(context, prepared) else prepared.fence.tip
    is_empty = not tombstones and not any(
        share.acknowledgements and share.acknowledgements.count for share in encoded
    )
    counts: dict[str, AcknowledgedCounts] = {}
    is_known = told == prepared.fence.tip or not prepared.fence.value
    if not (is_empty and is_known):
        counts = context.source.acknowledge(
            context.publication.repository_id,
            prepared.fence,
            told,
            _batches(context, entities, encoded),
            tombstones,
        )
    faults.point("S9.after")
    return counts


def settles_flags(context: Context, prepared: Prepared) -> bool:
    """Tells whether all flags speak of the tip after this run.

    A run that reconciled only a part leaves the flags of the rest void.
    """
    lineage = prepared.lineage
    return not context.is_partial or (lineage.is_trusted and not lineage.foreign)


def _batches(
    context: Context, entities: dict[str, Entity], encoded: Sequence[ShareResult]
) -> Iterator[tuple[Entity, Sequence[Acknowledgement]]]:
    for share in encoded:
        entity = entities[share.name]
        if share.acknowledgements is None or entity.tracking is Tracking.COMPARE:
            continue
        for batch in share.acknowledgements.batches(BATCH_ROWS):
            faults.point("S9.batch")
            yield entity, batch
            context.progress.advance(len(batch))


def remember_refused(context: Context, built: Built) -> None:
    """Lists what this run refused where people and their tools find it."""
    refused: list[dict[str, Any]] = [
        {"entity": name, "key": list(row.key), "column": row.column, "reason": row.reason}
        for name, report in built.reports.items()
        for row in report.quarantined
    ]
    refused += [
        {"document": path, "reason": reason}
        for path, reason in sorted(built.documents.refused.items())
    ]
    looked_at = None
    if context.is_partial:
        looked_at = () if context.options.limit else tuple(built.reports)
    write_quarantine(context.repository, refused, looked_at=looked_at)


def is_shown(context: Context) -> bool:
    """Tells whether the working tree shows the branch that the snapshot goes to."""
    return why_hidden(context) is None


def why_hidden(context: Context) -> str | None:
    """Says why the working tree does not show the branch; None where it does."""
    repository = context.repository
    if repository.worktree is None:
        return "the repository is bare"
    if repository.checked_out_branch() != context.branch:
        return f"'{context.branch}' is not checked out"
    operation = repository.operation_in_progress()
    return None if operation is None else f"'git {operation}' is unfinished"


def catch_up(context: Context, state: MachineState, tip: ObjectId | None) -> ViewReport | None:
    """Finishes the refresh that an earlier run could not finish; None where all is well."""
    if state.shown is None or state.shown == tip or tip is None or not is_shown(context):
        return None
    repository = context.repository
    base = None
    if state.shown != EMPTY:
        if state.shown not in repository.pygit():
            return None
        base = repository.tree_of(state.shown)
    changes = changed_files(repository.read_tree, base, repository.tree_of(tip))
    return show(context, changes, tip, None)


def remember_shown(context: Context, tip: ObjectId | None) -> None:
    """Writes down what the working tree shows, where that is not known yet.

    To be called before the branch moves for the first time on this machine: a run that dies
    behind the move would otherwise leave files of which nobody knows that they are behind.
    """
    state = read_state(context.repository)
    if state.shown is None and is_shown(context):
        write_state(context.repository, replace(state, shown=tip or EMPTY))


def show(
    context: Context,
    changes: Iterable[FileChange],
    tip: ObjectId,
    stage: Path | None,
    *,
    discard_edits: bool = False,
) -> ViewReport:
    """Brings the working tree and the index to the tip, and remembers that it is there."""
    repository = context.repository
    assert repository.worktree is not None  # noqa: S101 - `is_shown` was asked
    report = refresh(
        repository.worktree,
        repository.gitdir,
        _passed(changes),
        read_blob=repository.read_blob,
        stage=stage,
        on_progress=context.progress.advance,
        discard_edits=discard_edits,
    )
    faults.point("S10.index")
    if report.stale is None:
        state = read_state(repository)
        kept = (path for path in report.kept if _is_ours(context, path))
        left = tuple(sorted({*state.edits_left, *kept}))
        # What the machine refused is tried again: the next run catches up from there.
        shown = tip if not report.refused_count else state.shown
        write_state(repository, replace(state, shown=shown, edits_left=left))
    return report


def _is_ours(context: Context, path: str) -> bool:
    # A file of people's that they commit and go on editing is no affair of an export.
    publication = context.publication
    places = [RELATIONS_DIRECTORY, *(entity.directory for entity in publication.entities)]
    single = {MANIFEST_PATH, CONFIG_PATH, *(document.path for document in publication.documents)}
    return path in single or any(path.startswith(f"{place}/") for place in places)


def _passed(changes: Iterable[FileChange]) -> Iterator[FileChange]:
    for change in changes:
        yield change
        faults.point("S10.files")


def edits_still_left(context: Context, tip: ObjectId) -> list[str]:
    """Looks which of the edits that were left alone are still there; forgets the others."""
    repository = context.repository
    state = read_state(repository)
    if not state.edits_left or repository.worktree is None or not is_shown(context):
        return []
    reader = TreeReader(repository.read_tree, repository.tree_of(tip))
    still = [
        path for path in state.edits_left if _differs(repository.worktree / path, reader, path)
    ]
    if len(still) != len(state.edits_left):
        write_state(repository, replace(state, edits_left=tuple(still)))
    return still


def overwrite_edits(context: Context, tip: ObjectId, paths: Sequence[str]) -> None:
    """Brings files with a person's edit to the tip."""
    repository = context.repository
    reader = TreeReader(repository.read_tree, repository.tree_of(tip))
    changes = []
    for path in sorted(os.fsencode(path) for path in paths):
        entry = reader.entry(path)
        blob = entry.object_id if entry else None
        changes.append(FileChange(path, None, blob))
    show(context, changes, tip, None, discard_edits=True)
    edits_still_left(context, tip)


def _differs(file: Path, reader: TreeReader, path: str) -> bool:
    entry = reader.entry(os.fsencode(path))
    try:
        content = file.read_bytes()
    except OSError:
        return entry is not None
    digest = sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).digest()
    return entry is None or digest != entry.object_id
