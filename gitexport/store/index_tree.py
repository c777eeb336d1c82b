"""Keeps the index's cached trees true: those of changed directories lose their ids.

The TREE extension says which tree object each directory of the index would become, so that
`git status` and `git commit` need not compare or write it again. A node is its name, a NUL,
the number of index entries below it (-1: not known), the number of its subtrees, and the id
where the number is known; subtrees follow their parent.

Source: Documentation/gitformat-index.txt of git, "Cache tree".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NODE = re.compile(rb"([^\0]*)\0(-?[0-9]+) ([0-9]+)\n")
_ID_SIZE = 20


def invalidate(tree: bytes, directories: Iterable[bytes]) -> bytes | None:
    """Takes the ids from changed directories and all above them; None for a damaged extension.

    Directories are paths without slashes at their ends, the root is empty.
    """
    changed = _with_parents(directories)
    kept: list[bytes] = []
    # How many subtrees of each open directory are still to come, and the path in front of them.
    open_nodes: list[tuple[bytes, int]] = []
    at = copied = 0
    while at < len(tree):
        node = _NODE.match(tree, at)
        if node is None:
            return None
        prefix, left = open_nodes.pop() if open_nodes else (b"", 1)
        if left > 1:
            open_nodes.append((prefix, left - 1))
        path = prefix + node[1]
        behind = node.end() if node[2].startswith(b"-") else node.end() + _ID_SIZE
        if path not in changed:
            at = _behind_subtrees(tree, behind, int(node[3]))
            if at < 0:
                return None
            continue
        kept.append(tree[copied:at])
        kept.append(b"%b\x00-1 %b\n" % (node[1], node[3]))
        at = copied = behind
        if subtrees := int(node[3]):
            open_nodes.append((path + b"/" if path else b"", subtrees))
    kept.append(tree[copied:])
    return b"".join(kept)


def _with_parents(directories: Iterable[bytes]) -> set[bytes]:
    found = {b""}
    for directory in directories:
        above = directory
        while above not in found:
            found.add(above)
            above = above.rpartition(b"/")[0]
    return found


def _behind_subtrees(tree: bytes, at: int, left: int) -> int:
    """Gives the offset behind a number of subtrees, -1 where they are damaged."""
    match = _NODE.match
    while left:
        node = match(tree, at)
        if node is None:
            return -1
        at = node.end()
        if not node[2].startswith(b"-"):
            at += _ID_SIZE
        left += int(node[3]) - 1
    return at
