"""Tree objects: reading a commit's directories and rewriting only those that change.

Source: the tree format as `git cat-file tree` shows it: mode, space, name, NUL, 20-byte id,
sorted by name, where a directory's name counts as if it ended in a slash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from gitexport.errors import CorruptRepositoryError

FILE_MODE = b"100644"
TREE_MODE = b"40000"
_REMEMBERED = 256
_REMEMBERED_BYTES = 65_536
# Directories of more files than a layout is made for, and how many of their files are listed.
_LARGE_BYTES = 8_192
_LARGE_FILES = 200_000
ID_BYTES = 20
_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % ID_BYTES, re.DOTALL)


class TreeEntry(NamedTuple):
    """One entry of a tree."""

    mode: bytes
    object_id: bytes

    @property
    def is_tree(self) -> bool:
        """Tells whether the entry is a directory."""
        return self.mode == TREE_MODE

    @property
    def is_file(self) -> bool:
        """Tells whether the entry is a regular file, as documents are."""
        return self.mode == FILE_MODE


Tree = dict[bytes, TreeEntry]
"""A directory: entries by name."""

NamedEntry = tuple[bytes, bytes, bytes]
"""The mode, name and id of an entry."""

ReadTree = Callable[[bytes], bytes]
"""Gives the content of a tree object by its 20-byte id."""


def parse_tree(raw: bytes) -> Tree:
    """Reads a tree object's content."""
    tree: Tree = {}
    at = 0
    end = len(raw)
    while at < end:
        space = raw.index(b" ", at)
        nul = raw.index(b"\0", space)
        stop = nul + 1 + ID_BYTES
        tree[raw[space + 1 : nul]] = TreeEntry(raw[at:space], raw[nul + 1 : stop])
        at = stop
    return tree


def tree_entries(raw: bytes) -> list[NamedEntry]:
    """Reads a tree object's content in its order, several times as fast as `parse_tree`."""
    return _ENTRY.findall(raw)


_read_only_tree = lru_cache(_REMEMBERED)(parse_tree)


def format_tree(tree: Tree) -> bytes:
    """Writes a tree object's content."""
    ordered = sorted(
        (name + b"/" if entry.mode == TREE_MODE else name, name, entry)
        for name, entry in tree.items()
    )
    return b"".join(
        b"%s %s\0%s" % (entry.mode, name, entry.object_id) for _order, name, entry in ordered
    )


class TreeReader:
    """Reads the directories of one commit's tree, each at most once.

    `root` is the tree's 20-byte id, None for no commit. Directories that do not exist read
    as empty. Raw contents stay in memory: about 35 bytes for each file looked at.
    """

    def __init__(self, read: ReadTree, root: bytes | None) -> None:
        self._read = read
        self._root = root
        self._raw: dict[bytes, bytes] = {}
        self._parsed: dict[bytes, Tree] = {}
        self._large: dict[bytes, dict[bytes, bytes]] = {}

    def raw(self, directory: bytes) -> bytes:
        """Gives the content of a directory's tree object, empty where it does not exist."""
        known = self._raw.get(directory)
        if known is None:
            known = self._raw[directory] = self._load(directory)
        return known

    def tree(self, directory: bytes) -> Tree:
        """Gives the entries of a directory."""
        return parse_tree(self.raw(directory))

    def blob(self, directory: bytes, name: bytes) -> bytes | None:
        """Gives the id of a regular file; None where there is none."""
        raw = self.raw(directory)
        if len(raw) > _LARGE_BYTES:
            return self._files(directory, raw).get(name)
        # That an id holds such a text is as unlikely as two contents with one id.
        head = b"%b %b\0" % (FILE_MODE, name)
        at = raw.find(head)
        return None if at < 0 else raw[at + len(head) : at + len(head) + ID_BYTES]

    def entry(self, path: bytes) -> TreeEntry | None:
        """Finds a file or directory by its path."""
        directory, _, name = path.rpartition(b"/")
        return self._inner(directory).get(name)

    def walk(self, directory: bytes) -> Iterator[tuple[bytes, Tree]]:
        """Yields a directory and all below it that exist, sorted as git sorts their files."""
        tree = self.tree(directory)
        if tree:
            yield directory, tree
        for name in sorted(name for name, entry in tree.items() if entry.is_tree):
            yield from self.walk(directory + b"/" + name if directory else name)

    def walk_entries(self, directory: bytes) -> Iterator[tuple[bytes, list[NamedEntry]]]:
        """Yields what `walk` does, each directory's entries as `tree_entries` gives them.

        A directory is forgotten as soon as its entries were taken.
        """
        entries = tree_entries(self.raw(directory))
        if entries:
            yield directory, entries
        for mode, name, _object_id in entries:
            if mode == TREE_MODE:
                yield from self.walk_entries(directory + b"/" + name if directory else name)
        self.forget(directory)

    def forget(self, directory: bytes) -> None:
        """Drops a directory that will not be looked at again."""
        self._raw.pop(directory, None)

    def _files(self, directory: bytes, raw: bytes) -> dict[bytes, bytes]:
        """Gives the ids of a large directory's files by name: to search it costs its length."""
        known = self._large.get(directory)
        if known is None:
            if sum(map(len, self._large.values())) > _LARGE_FILES:
                self._large.clear()
            found = tree_entries(raw)
            known = {name: object_id for mode, name, object_id in found if mode == FILE_MODE}
            self._large[directory] = known
        return known

    def _inner(self, directory: bytes) -> Tree:
        known = self._parsed.get(directory)
        if known is None:
            # Commits that are looked at one after the other share most of their directories.
            raw = self.raw(directory)
            parse = _read_only_tree if len(raw) <= _REMEMBERED_BYTES else parse_tree
            known = self._parsed[directory] = parse(raw)
        return known

    def _load(self, directory: bytes) -> bytes:
        if not directory:
            return self._read(self._root) if self._root else b""
        parent, _, name = directory.rpartition(b"/")
        entry = self._inner(parent).get(name)
        if entry is None:
            return b""
        if not entry.is_tree:
            path = directory.decode("utf-8", "replace")
            message = f"'{path}' is not a directory in the last commit"
            raise CorruptRepositoryError(message, where=path, hint=f"git rm -- {path}")
        return self._read(entry.object_id)


FileEdits = dict[bytes, dict[bytes, TreeEntry | None]]
"""Edits of single entries: directory, then name; None removes."""


def file_edits(files: Mapping[bytes, bytes | None]) -> FileEdits:
    """Turns blob ids by path (None removes) into edits by directory."""
    edits: FileEdits = {}
    for path, blob in files.items():
        directory, _, name = path.rpartition(b"/")
        entry = None if blob is None else TreeEntry(FILE_MODE, blob)
        edits.setdefault(directory, {})[name] = entry
    return edits


def ancestors(edits: FileEdits) -> set[bytes]:
    """Gives the directories that hold edited entries, and all above them."""
    found: set[bytes] = set()
    for directory in edits:
        path = directory
        while path not in found:
            found.add(path)
            path = path.rpartition(b"/")[0]
    return found


def rewrite_directories(
    reader: TreeReader,
    edits: FileEdits,
    leaves: Mapping[bytes, bytes | None],
    add_tree: Callable[[bytes], bytes],
    made: Mapping[bytes, bytes] | None = None,
) -> bytes:
    """Rewrites every directory that changes, from the deepest up; gives the root's id.

    `leaves` are directories whose new tree exists already, by path; None where one is gone.
    `made` holds the contents of those among them that `edits` reach into as well (see
    `ancestors`). `add_tree` stores a tree's content and gives its id. A directory that
    becomes empty is removed; the root stays.
    """
    made = made or {}
    pending: FileEdits = {path: dict(names) for path, names in edits.items()}
    finished = dict(leaves)
    for path in [path for path in finished if path in pending]:
        del finished[path]
    for path, tree_id in finished.items():
        _put(pending, path, tree_id)
    while True:
        depth = max((_depth(path) for path in pending), default=0)
        for path in [path for path in pending if _depth(path) == depth]:
            names = pending.pop(path)
            tree = parse_tree(made[path]) if path in made else reader.tree(path)
            tree_id = _rewrite(tree, names, add_tree, keep_empty=not path)
            if not path:
                return tree_id or b""
            _put(pending, path, tree_id)
        pending.setdefault(b"", {})


def _depth(path: bytes) -> int:
    return path.count(b"/") + 1 if path else 0


def _put(pending: FileEdits, path: bytes, tree_id: bytes | None) -> None:
    parent, _, name = path.rpartition(b"/")
    entry = None if tree_id is None else TreeEntry(TREE_MODE, tree_id)
    pending.setdefault(parent, {})[name] = entry


def _rewrite(
    tree: Tree,
    names: Mapping[bytes, TreeEntry | None],
    add_tree: Callable[[bytes], bytes],
    *,
    keep_empty: bool,
) -> bytes | None:
    for name, entry in names.items():
        if entry is None:
            tree.pop(name, None)
        else:
            tree[name] = entry
    return add_tree(format_tree(tree)) if tree or keep_empty else None
