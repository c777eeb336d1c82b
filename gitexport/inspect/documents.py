"""Looks at the documents of the last commit: layout, counts, sizes that hosts refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitexport.compare.stored import StoredEntity, StoredTree
from gitexport.errors import GitExportError
from gitexport.export.encode import REFUSED_BYTES, WARNED_BYTES
from gitexport.export.scope import known_entity
from gitexport.inspect.finding import Finding, failed, ok, warning
from gitexport.model.counted import counted
from gitexport.model.entity import Entity
from gitexport.store.repository import DataRepository

_MOST_ENTRIES = 1_000


@dataclass(slots=True)
class _Seen:
    """What a walk over one entity's directories saw."""

    documents: int = 0
    others: int = 0
    widest: int = 0
    widest_at: str = ""
    largest: int = 0
    largest_at: str = ""


def check_documents(
    repository: DataRepository, tree: StoredTree, entity: Entity
) -> Iterator[Finding]:
    """Walks one entity's directories; reads no document.

    Raises:
        CorruptRepositoryError: A directory or its description is missing or damaged.
    """
    name = entity.name
    try:
        known_entity(entity, tree.manifest)
    except GitExportError as failure:
        yield failed("layout", failure)
    stored = tree.entity(name)
    if stored is None:
        yield ok("documents", f"'{name}' was not exported yet")
        return
    seen = _walk(repository, tree, stored)
    if seen.documents != stored.manifest.count:
        message = (
            f"'{name}' has {counted(seen.documents, 'document')}, its manifest says"
            f" {stored.manifest.count:,}"
        )
        yield warning("documents", message, "run 'gitexport export --full'")
    if seen.others:
        yield _others(stored.manifest.directory, seen.others)
    if seen.widest > _MOST_ENTRIES:
        message = f"'{seen.widest_at}' has {seen.widest:,} entries; hosts list {_MOST_ENTRIES:,}"
        fix = f"add a level to 'shard' of [entities.{name}], then run 'gitexport relayout'"
        yield warning("layout", message, fix)
    if seen.largest > WARNED_BYTES:
        message = (
            f"'{seen.largest_at}' has {seen.largest:,} bytes; over {REFUSED_BYTES:,} it would be"
            " refused, as hosts refuse files of 100 MB"
        )
        fix = f"leave its largest column out of 'columns' of [entities.{name}]"
        yield warning("sizes", message, fix)
    yield ok("documents", f"'{name}': {counted(seen.documents, 'document')}")


def _others(directory: str, count: int) -> Finding:
    are = "is no document" if count == 1 else "are no documents"
    message = f"{counted(count, 'file')} in '{directory}' {are} of it"
    return warning("documents", message, "git mv them out of the directory")


def _walk(repository: DataRepository, tree: StoredTree, stored: StoredEntity) -> _Seen:
    seen = _Seen()
    # No document is larger than all of them together.
    needs_sizes = stored.manifest.size_bytes > WARNED_BYTES
    for directory, names in tree.reader.walk(stored.manifest.directory.encode()):
        if len(names) > seen.widest:
            seen.widest, seen.widest_at = len(names), directory.decode("utf-8", "replace")
        for name, entry in names.items():
            if entry.is_tree:
                continue
            if stored.paths.directory_of(name) != directory:
                seen.others += 1
                continue
            seen.documents += 1
            if needs_sizes:
                size = repository.blob_size(entry.object_id)
                if size > seen.largest:
                    path = directory + b"/" + name
                    seen.largest, seen.largest_at = size, path.decode("utf-8", "replace")
        tree.reader.forget(directory)
    return seen
