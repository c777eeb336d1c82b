"""Counts the documents of the tip anew, where its manifest need not say the truth.

A run adds to the counts that it finds. People who add, edit or remove documents by a commit
of theirs mostly leave the manifest as it was.
"""

from __future__ import annotations

from dataclasses import replace

from gitexport.canonical.manifest import EntityManifest
from gitexport.export.context import Base
from gitexport.export.scope import EntityPlan
from gitexport.store.repository import DataRepository
from gitexport.store.trees import FILE_MODE, TreeReader


def recount(
    repository: DataRepository, base: Base, plans: tuple[EntityPlan, ...]
) -> tuple[Base, tuple[EntityPlan, ...]]:
    """Gives base and plans with the counts and bytes that the tip's documents have.

    Reads every tree of the entities, and the header of every document.

    Raises:
        CorruptRepositoryError: An object is missing or damaged.
    """
    entities = dict(base.manifest.entities)
    counted = []
    for plan in plans:
        known = plan.known or EntityManifest.initial(plan.entity)
        count, size = _documents(repository, TreeReader(repository.read_tree, base.tree), plan)
        now = replace(known, count=count, size_bytes=size)
        former = plan.entity.renamed_from
        is_renamed = plan.entity.name not in entities and former in entities
        entities[former if former and is_renamed else plan.entity.name] = now
        counted.append(plan._replace(known=plan.known and now))
    manifest = replace(base.manifest, entities=entities)
    return base._replace(manifest=manifest), tuple(counted)


def _documents(repository: DataRepository, reader: TreeReader, plan: EntityPlan) -> tuple[int, int]:
    count = size = 0
    for directory, names in reader.walk(plan.directory):
        for name, entry in names.items():
            is_document = plan.parse(directory + b"/" + name) is not None
            if entry.mode == FILE_MODE and is_document:
                count += 1
                size += repository.blob_size(entry.object_id)
        reader.forget(directory)
    return count, size
