"""Merges the edits of each directory into its tree, and finds deletions and colliding keys."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter

from gitexport.canonical.entity_paths import key_not_unique
from gitexport.export.scope import EntityPlan
from gitexport.export.spool import (
    AddedFile,
    ChangeSpool,
    Edit,
    EditKind,
    SavedChanges,
    added_files,
    parse_edits,
)
from gitexport.model.entity import Deletes
from gitexport.store.changes import FileChange
from gitexport.store.trees import FILE_MODE, Tree, TreeEntry, TreeReader, format_tree

Blocks = Iterable[tuple[bytes, bytes]]
"""Packed edits by directory, sorted by directory."""


@dataclass(slots=True)
class MergeResult:
    """What merging a range of directories gave for one entity.

    `leaves` are the new tree ids by directory, None where one became empty; `made` holds the
    contents of those that were asked for.
    """

    leaves: dict[bytes, bytes | None] = field(default_factory=dict)
    made: dict[bytes, bytes] = field(default_factory=dict)
    deleted: int = 0
    count: int = 0
    size_bytes: int = 0
    details: list[str] = field(default_factory=list)


class DirectoryMerger:
    """Merges edits into directories; one object for each entity and range.

    `add_tree` stores a tree and gives its id, `size_of` tells the size of a blob. The
    contents of the directories in `watched` are handed back.
    """

    def __init__(  # noqa: PLR0913 - the seams of one hot loop
        self,
        plan: EntityPlan,
        reader: TreeReader,
        changes: ChangeSpool,
        *,
        add_tree: Callable[[bytes], bytes],
        size_of: Callable[[bytes], int],
        watched: frozenset[bytes] = frozenset(),
        with_details: bool = False,
    ) -> None:
        self._plan = plan
        self._reader = reader
        self._changes = changes
        self._add_tree = add_tree
        self._size_of = size_of
        self._watched = watched
        self._with_details = with_details
        self._result = MergeResult()

    def merge(self, blocks: Iterable[Blocks], low: bytes, high: bytes | None) -> MergeResult:
        """Merges all edits of the directories from `low` up to but without `high`.

        Raises:
            KeyNotUniqueError: Two rows of the entity have the same key.
        """
        for directory, parts in self._directories(blocks, low, high):
            self._merge_directory(directory, parts)
            self._reader.forget(directory)
        return self._result

    def _directories(
        self, blocks: Iterable[Blocks], low: bytes, high: bytes | None
    ) -> Iterator[tuple[bytes, list[bytes]]]:
        streams: list[Blocks] = [*blocks]
        if self._plan.is_complete:
            streams.append(self._existing(low, high))
        merged = heapq.merge(*streams, key=itemgetter(0))
        for directory, group in groupby(merged, key=itemgetter(0)):
            yield directory, [block for _directory, block in group if block]

    def _existing(self, low: bytes, high: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        depth = self._plan.directory.count(b"/") + self._plan.paths.leaf_depth
        for directory, tree in self._reader.walk(self._plan.directory):
            # Other people's directories may stand among ours; they hold nothing of ours.
            is_leaf = directory.count(b"/") == depth and any(
                self._plan.parse(directory + b"/" + name) is not None for name in tree
            )
            if is_leaf and directory >= low and (high is None or directory < high):
                yield directory, b""

    def _merge_directory(self, directory: bytes, parts: list[bytes]) -> None:
        if parts and not self._reader.raw(directory) and self._fill(directory, parts):
            return
        tree = self._reader.tree(directory)
        before = dict(tree)
        accounted: set[bytes] = set()
        rows: set[bytes] = set()
        written: list[Edit] = []
        gone: set[bytes] = set()
        for edit in (edit for part in parts for edit in parse_edits(part)):
            if edit.kind is EditKind.DELETED:
                gone.add(edit.name)
                continue
            accounted.add(edit.name)
            if edit.kind is EditKind.LIVING:
                continue
            if edit.name in rows:
                path = (directory + b"/" + edit.name).decode()
                raise key_not_unique(self._plan.entity, path)
            rows.add(edit.name)
            if edit.kind is not EditKind.KEPT:
                tree[edit.name] = TreeEntry(FILE_MODE, edit.blob)
                written.append(edit)
        for name in self._departed(directory, before, accounted, gone):
            del tree[name]
        self._count(directory, before, tree, written)
        self._store(directory, before, tree, written)

    def _fill(self, directory: bytes, parts: list[bytes]) -> bool:
        """Makes a new directory of nothing but added files; False where there is more to do."""
        files: list[AddedFile] = []
        for part in parts:
            added = added_files(part)
            if added is None:
                return False
            files += added
        files.sort()
        for (name, *_), (following, *_) in pairwise(files):
            if name == following:
                path = (directory + b"/" + name).decode()
                raise key_not_unique(self._plan.entity, path)
        raw = b"".join([b"%b %b\0%b" % (FILE_MODE, file[0], file[1]) for file in files])
        self._changes.write_added(directory, files)
        result = self._result
        result.count += len(files)
        result.size_bytes += sum([size for _, _, size, _ in files])
        result.leaves[directory] = self._add_tree(raw)
        if directory in self._watched:
            result.made[directory] = raw
        return True

    def _departed(
        self, directory: bytes, before: Tree, accounted: set[bytes], gone: set[bytes]
    ) -> set[bytes]:
        if self._plan.entity.deletes is Deletes.KEEP:
            return set()
        departed = (gone & before.keys()) - accounted
        if self._plan.is_complete:
            parse = self._plan.parse
            departed |= {
                name
                for name, entry in before.items()
                if name not in accounted
                and entry.mode == FILE_MODE
                and parse(directory + b"/" + name) is not None
            }
        return departed

    def _count(self, directory: bytes, before: Tree, tree: Tree, written: list[Edit]) -> None:
        result = self._result
        for edit in written:
            old = before.get(edit.name)
            result.size_bytes += edit.size - (self._size_of(old.object_id) if old else 0)
            result.count += 0 if old else 1
        for name in before.keys() - tree.keys():
            result.deleted += 1
            result.count -= 1
            result.size_bytes -= self._size_of(before[name].object_id)
            if self._with_details:
                result.details.append(self._deletion(directory, name))

    def _deletion(self, directory: bytes, name: bytes) -> str:
        key = self._plan.parse(directory + b"/" + name)
        named = ",".join(key) if isinstance(key, tuple) else name.decode()
        return f"deleted {self._plan.entity.name}:{named}"

    def _store(self, directory: bytes, before: Tree, tree: Tree, written: list[Edit]) -> None:
        if tree == before:
            return
        stats = {edit.name: edit.stat for edit in written}
        for name in sorted(before.keys() | tree.keys()):
            old, new = before.get(name), tree.get(name)
            if old != new:
                change = FileChange(
                    directory + b"/" + name,
                    old.object_id if old else None,
                    new.object_id if new else None,
                    stats.get(name),
                )
                self._changes.write(change)
        raw = format_tree(tree)
        self._result.leaves[directory] = self._add_tree(raw) if tree else None
        if directory in self._watched:
            self._result.made[directory] = raw


def split_ranges(directories: list[bytes], parts: int) -> list[tuple[bytes, bytes | None]]:
    """Splits sorted directories into ranges of about the same size, which cover everything."""
    bounds = sorted({directories[len(directories) * part // parts] for part in range(1, parts)})
    lows = [b"", *bounds]
    highs: list[bytes | None] = [*bounds, None]
    return list(zip(lows, highs, strict=True))


def joined(changes: Iterable[SavedChanges]) -> Iterator[FileChange]:
    """Merges several sorted sequences of changes into one."""
    return heapq.merge(*changes, key=itemgetter(0))
