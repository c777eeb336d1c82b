"""The tree of a plan: its documents, the files made by queries, and the manifest that counts."""

from __future__ import annotations

from dataclasses import replace

from gitexport.canonical.manifest import Manifest
from gitexport.compare.manifest_counts import counted_manifest
from gitexport.model.entity import MANIFEST_PATH
from gitexport.restore.plan import DocumentTarget, Plan
from gitexport.restore.tip import Tip
from gitexport.store import refs
from gitexport.store.pack import FragmentWriter, ObjectKind
from gitexport.store.trees import file_edits, rewrite_directories


def write_tree(tip: Tip, plan: Plan, writer: FragmentWriter) -> bytes:
    """Writes the objects that no commit holds yet; gives the root's id."""
    files: dict[bytes, bytes | None] = {}
    for target in plan.targets:
        if target.content is not None:
            writer.add(ObjectKind.BLOB, target.content)
        files[target.path] = target.wanted
    for file in plan.files:
        files[file.path.encode()] = file.wanted
    manifest = next_manifest(tip, plan).to_bytes()
    files[MANIFEST_PATH.encode()] = writer.add(ObjectKind.BLOB, manifest)
    return rewrite_directories(
        tip.tree.reader, file_edits(files), {}, lambda raw: writer.add(ObjectKind.TREE, raw)
    )


def next_manifest(tip: Tip, plan: Plan) -> Manifest:
    """Gives the tip's manifest with the plan's difference in documents and bytes."""
    manifest = _counted(tip)
    entities = dict(manifest.entities)
    for target in plan.targets:
        old = entities[target.entity]
        count = (target.wanted is not None) - (target.current is not None)
        size = _size(tip, target) - _size_now(tip, target)
        entities[target.entity] = replace(
            old, count=old.count + count, size_bytes=old.size_bytes + size
        )
    return replace(manifest, entities=entities)


def _counted(tip: Tip) -> Manifest:
    """Counts what people's commits added and removed, as they mostly leave the manifest alone."""
    last = (
        None if tip.commit_id is None else refs.last_snapshot(tip.history.repository, tip.commit_id)
    )
    if last is None or last.commit_id == tip.commit_id:
        return tip.tree.manifest
    before = tip.history.at(bytes.fromhex(last.tree_id))
    return counted_manifest(tip.history, before, tip.tree)


def _size(tip: Tip, target: DocumentTarget) -> int:
    if target.content is not None:
        return len(target.content)
    return 0 if target.wanted is None else tip.history.repository.blob_size(target.wanted)


def _size_now(tip: Tip, target: DocumentTarget) -> int:
    return 0 if target.current is None else tip.history.repository.blob_size(target.current)
