"""Makes a built tree a snapshot: objects, branch, tag, in an order that survives a crash."""

from __future__ import annotations

from pathlib import Path

from gitexport.export.build import Built
from gitexport.export.context import Context
from gitexport.export.guards import source_text
from gitexport.export.message import SnapshotMessage
from gitexport.export.options import Override
from gitexport.export.prepare import Prepared
from gitexport.model import faults
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.commits import (
    commit_bytes,
    identity_of,
    installed,
    release,
    tag_bytes,
)
from gitexport.store.journal import Journal
from gitexport.store.pack import ObjectKind, assemble


def snapshot_message(context: Context, prepared: Prepared, built: Built) -> SnapshotMessage:
    """Gathers what the commit says."""
    changes = [text for plan in prepared.plans for text in plan.change.sentences]
    overrides = {override.value for override in context.options.overrides}
    if context.options.rows_win and prepared.lineage.foreign:
        overrides.add(Override.EDITS.value)
    return SnapshotMessage(
        tag=prepared.tag,
        mode="partial" if context.is_partial else prepared.mode,
        source=source_text(prepared.identity),
        version=context.publication.version,
        counts=built.counts,
        note=context.options.message,
        schema_changes=changes,
        documents=sorted(built.documents.contents),
        quarantined=built.quarantined,
        documents_refused=sorted(built.documents.refused),
        overrides=sorted(overrides),
        origin=context.options.origin,
    )


def seal_snapshot(
    context: Context, prepared: Prepared, built: Built, journal: Journal, directory: Path
) -> ObjectId:
    """Writes the commit and its tag, moves the branch, and gives the commit's id.

    Nothing is visible before the branch moves; after that, everything can be done again.

    Raises:
        HeadMovedError: The branch moved since the run began; nothing was changed.
        CorruptRepositoryError: An object did not read back as it was written.
        MachineError: The disk is full or refused.
    """
    repository = context.repository
    message = snapshot_message(context, prepared, built)
    commit, tag_id = _write_objects(context, prepared, built, message)
    faults.point("S5.objects")
    # The largest fragment becomes the pack, and the others are copied behind it.
    sealed = assemble(sorted(built.fragments, key=lambda part: -part.count), directory)
    journal.note_pack(sealed.name, commit)
    faults.point("S5.sealed")
    with installed(repository, sealed, commit):
        faults.point("S5.installed")
        _read_back(context, commit, built.tree)
        faults.point("S6.verified")
        faults.point("S7.before")
        is_new = refs.tip(repository, context.branch) is None
        expected = None if is_new else prepared.base.tip
        refs.move_branch(repository, context.branch, expected, commit, message.subject)
    faults.point("S7.after")
    refs.create_tag_ref(repository, prepared.tag, tag_id)
    faults.point("S8.tagged")
    release(repository, sealed)
    return commit


def _write_objects(
    context: Context, prepared: Prepared, built: Built, message: SnapshotMessage
) -> tuple[ObjectId, ObjectId]:
    """Writes commit and tag behind the other objects; gives their ids."""
    writer = built.writer
    assert writer is not None  # noqa: S101 - only a dry run has no writer, and seals nothing
    identity = identity_of(context.repository)
    parents = (prepared.base.tip,) if prepared.base.tip else ()
    content = commit_bytes(built.tree, parents, identity, prepared.instant, message.commit_text())
    commit = ObjectId(writer.add(ObjectKind.COMMIT, content).hex())
    tag = tag_bytes(commit, prepared.tag, identity, prepared.instant, message.tag_text())
    tag_id = ObjectId(writer.add(ObjectKind.TAG, tag).hex())
    built.writer = None
    built.fragments.append(writer.close())
    return commit, tag_id


def _read_back(context: Context, commit: ObjectId, tree: bytes) -> None:
    """Reads the new commit and its root with a handle that has seen nothing yet."""
    if context.repository.tree_of(commit) != tree:
        message = f"the commit '{commit}' does not read back as it was written"
        raise AssertionError(message)
    context.repository.read_tree(tree)
