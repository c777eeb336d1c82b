"""Finds documents of another layout: the name of a file depends on its key alone."""

from __future__ import annotations

from functools import lru_cache

from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.store.trees import Tree, parse_tree

_REMEMBERED_LEAVES = 4096


class Placed:
    """The documents of one entity in one tree, by the names of their files.

    Holds a bounded number of directories, whatever the entity's size.
    """

    def __init__(self, history: StoredHistory, tree: StoredTree, entity: StoredEntity) -> None:
        self._history = history
        self._tree = tree
        self._paths = entity.paths
        self._leaf = lru_cache(_REMEMBERED_LEAVES)(self._read)

    def find(self, path: str) -> tuple[str, str] | None:
        """Gives path and blob (40 hex digits) of the document whose file has a path's name."""
        name = path.rpartition("/")[2].encode()
        directory = self._paths.directory_of(name)
        if directory is None:
            return None
        entry = self._leaf(directory).get(name)
        if entry is None or not entry.is_file:
            return None
        return (directory + b"/" + name).decode(), entry.object_id.hex()

    def _read(self, directory: bytes) -> Tree:
        entry = self._tree.reader.entry(directory)
        if entry is None or not entry.is_tree:
            return {}
        return parse_tree(self._history.read_tree(entry.object_id))
