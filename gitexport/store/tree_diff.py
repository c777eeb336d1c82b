"""Files that differ between two trees, without visiting equal subtrees."""

from __future__ import annotations

from collections.abc import Iterator

from gitexport.store.changes import FileChange
from gitexport.store.trees import FILE_MODE, ReadTree, Tree, TreeEntry, tree_entries


def changed_files(
    read: ReadTree, base: bytes | None, target: bytes | None, prefix: bytes = b""
) -> Iterator[FileChange]:
    """Yields the files that differ between two trees, sorted as the git index sorts them.

    `base` and `target` are tree ids, None for an empty tree. Anything that is not a regular
    file (a symbolic link, a submodule) counts as absent, so that it is never written through.
    """
    if base == target:
        return
    entries = [set(tree_entries(read(tree))) if tree else set() for tree in (base, target)]
    old, new = _by_name(entries[0] - entries[1]), _by_name(entries[1] - entries[0])
    for _order, name in sorted(_ordered_names(old) | _ordered_names(new)):
        before, after = old.get(name), new.get(name)
        path = prefix + name
        blobs = _blob(before), _blob(after)
        trees = _subtree(before), _subtree(after)
        if blobs != (None, None):
            yield FileChange(path, *blobs)
        if trees != (None, None):
            yield from changed_files(read, *trees, prefix=path + b"/")


def _by_name(entries: set[tuple[bytes, bytes, bytes]]) -> Tree:
    return {name: TreeEntry(mode, object_id) for mode, name, object_id in entries}


def _ordered_names(tree: Tree) -> set[tuple[bytes, bytes]]:
    return {(name + b"/" if entry.is_tree else name, name) for name, entry in tree.items()}


def _blob(entry: TreeEntry | None) -> bytes | None:
    return entry.object_id if entry is not None and entry.mode == FILE_MODE else None


def _subtree(entry: TreeEntry | None) -> bytes | None:
    return entry.object_id if entry is not None and entry.is_tree else None
