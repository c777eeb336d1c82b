"""Merges two trees by path: ours on managed paths, three-way on all others.

A managed path is a function of the database, so the other side's version of it never counts.
On every other path a change of one side is taken, and different changes of both are a
conflict. Only directories that the other side changed are visited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gitexport.store.trees import (
    TREE_MODE,
    ReadTree,
    Tree,
    TreeEntry,
    format_tree,
    parse_tree,
)

IsManaged = Callable[[str], bool]
"""Tells whether a file's path is one that an export writes."""

_NO_TREE: Tree = {}


@dataclass(frozen=True, slots=True)
class TreeSides:
    """Three states of one path; None where it does not exist."""

    base: TreeEntry | None
    ours: TreeEntry | None
    theirs: TreeEntry | None

    @property
    def any_tree(self) -> bool:
        """Whether one of the two sides is a directory."""
        return any(side is not None and side.is_tree for side in (self.ours, self.theirs))

    @property
    def meets_file(self) -> bool:
        """Whether one of the two sides is a file."""
        return any(side is not None and not side.is_tree for side in (self.ours, self.theirs))


@dataclass(slots=True)
class TreeMerge:
    """One merge. `conflicts` and `overridden` (managed paths that they changed) fill up."""

    read: ReadTree
    add_tree: Callable[[bytes], bytes]
    is_managed: IsManaged
    conflicts: list[str] = field(default_factory=list)
    overridden: list[str] = field(default_factory=list)

    def merge(self, base: bytes | None, ours: bytes, theirs: bytes) -> bytes:
        """Gives the id of the merged tree; meaningless where there are conflicts."""
        sides = TreeSides(
            None if base is None else TreeEntry(TREE_MODE, base),
            TreeEntry(TREE_MODE, ours),
            TreeEntry(TREE_MODE, theirs),
        )
        merged = self._path(sides, b"")
        return self.add_tree(b"") if merged is None else merged.object_id

    def _path(self, sides: TreeSides, path: bytes) -> TreeEntry | None:
        if sides.theirs in {sides.base, sides.ours}:
            return sides.ours
        if not sides.any_tree:
            return self._file(sides, path)
        if sides.meets_file:
            return self._file_and_directory(sides, path)
        return self._directory(sides, path)

    def _file(self, sides: TreeSides, path: bytes) -> TreeEntry | None:
        name = path.decode("utf-8", "surrogateescape")
        if self.is_managed(name):
            self.overridden.append(name)
            return sides.ours
        if sides.ours != sides.base:
            self.conflicts.append(name)
        return sides.theirs

    def _file_and_directory(self, sides: TreeSides, path: bytes) -> TreeEntry | None:
        name = path.decode("utf-8", "surrogateescape")
        if sides.ours is not None and not sides.ours.is_tree:
            if self.is_managed(name):
                self.overridden.append(name)
                return sides.ours
            if sides.ours == sides.base:
                return self._directory(TreeSides(None, None, sides.theirs), path)
        self.conflicts.append(name)
        return sides.ours

    def _directory(self, sides: TreeSides, path: bytes) -> TreeEntry | None:
        base, ours, theirs = (self._entries(s) for s in (sides.base, sides.ours, sides.theirs))
        prefix = path + b"/" if path else b""
        merged: Tree = {}
        for name in base.keys() | ours.keys() | theirs.keys():
            inner = TreeSides(base.get(name), ours.get(name), theirs.get(name))
            entry = self._path(inner, prefix + name)
            if entry is not None:
                merged[name] = entry
        if merged == ours:
            return sides.ours
        return TreeEntry(TREE_MODE, self.add_tree(format_tree(merged))) if merged else None

    def _entries(self, entry: TreeEntry | None) -> Tree:
        return parse_tree(self.read(entry.object_id)) if entry and entry.is_tree else _NO_TREE
