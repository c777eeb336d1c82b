"""Rewritten trees are those that git would write for the same files."""

import random
import subprocess
from pathlib import Path

import pytest

from gitexport.errors import CorruptRepositoryError
from gitexport.store.pack import ObjectKind, object_id
from gitexport.store.tree_diff import changed_files
from gitexport.store.trees import (
    TreeEntry,
    TreeReader,
    ancestors,
    file_edits,
    format_tree,
    parse_tree,
    rewrite_directories,
)
from tests.fixtures.repositories import git

EMPTY_BLOB = object_id(ObjectKind.BLOB, b"")


class Trees:
    """Keeps trees by id."""

    def __init__(self) -> None:
        self.contents: dict[bytes, bytes] = {}

    def add(self, raw: bytes) -> bytes:
        """Keeps a tree."""
        name = object_id(ObjectKind.TREE, raw)
        self.contents[name] = raw
        return name

    def read(self, name: bytes) -> bytes:
        """Gives a kept tree."""
        return self.contents[name]

    def write(self, base: bytes | None, files: dict[str, bytes | None]) -> bytes:
        """Rewrites a tree with edits of files."""
        edits = file_edits({path.encode(): blob for path, blob in files.items()})
        return rewrite_directories(TreeReader(self.read, base), edits, {}, self.add)

    def paths(self, root: bytes) -> dict[str, bytes]:
        """Lists all files of a tree."""
        return {
            change.path.decode(): change.new
            for change in changed_files(self.read, None, root)
            if change.new
        }


def blob(text: str) -> bytes:
    return object_id(ObjectKind.BLOB, text.encode())


def test_tree_of_random_edits_is_the_one_git_writes(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - a repeatable choice
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    names = ["a", "a-b", "a.json", "ab", "b/c", "b.d/e", "b/c-d", "z/y/x", "b-/q"]
    trees = Trees()
    root: bytes | None = None
    expected: dict[str, bytes] = {}
    for _round in range(60):
        edits: dict[str, bytes | None] = {}
        for name in chance.sample(names, 4):
            edits[name] = EMPTY_BLOB if chance.random() < 0.6 else None
        root = trees.write(root, edits)
        expected = {**expected, **{n: b for n, b in edits.items() if b}}
        expected = {n: b for n, b in expected.items() if edits.get(n, b) is not None}

        assert trees.paths(root) == expected
        lines = "".join(f"100644 {b.hex()}\t{n}\n" for n, b in expected.items())
        git(tmp_path, "read-tree", "--empty")
        subprocess.run(
            ["git", "update-index", "--index-info"],
            input=lines.encode(),
            cwd=tmp_path,
            check=True,
        )
        assert git(tmp_path, "write-tree", "--missing-ok").strip() == root.hex()


def test_leaves_and_single_files_meet_in_one_directory() -> None:
    trees = Trees()
    base = trees.write(None, {"data/u/1.json": blob("1"), "data/u/note.txt": blob("n")})
    reader = TreeReader(trees.read, base)
    leaf = reader.tree(b"data/u")
    leaf[b"2.json"] = TreeEntry(b"100644", blob("2"))
    raw = format_tree(leaf)
    edits = file_edits({b"data/u/index.json": blob("i"), b"manifest.json": blob("m")})
    watched = ancestors(edits)

    root = rewrite_directories(
        reader, edits, {b"data/u": trees.add(raw)}, trees.add, {b"data/u": raw}
    )

    assert b"data/u" in watched
    assert set(trees.paths(root)) == {
        "data/u/1.json",
        "data/u/2.json",
        "data/u/note.txt",
        "data/u/index.json",
        "manifest.json",
    }


def test_emptied_directories_vanish_up_to_the_root() -> None:
    trees = Trees()
    base = trees.write(None, {"a/b/c": blob("1"), "d": blob("2")})

    root = rewrite_directories(TreeReader(trees.read, base), {}, {b"a/b": None}, trees.add)

    assert set(trees.paths(root)) == {"d"}


def test_no_edit_gives_the_same_tree() -> None:
    trees = Trees()
    base = trees.write(None, {"a/b": blob("1")})

    assert rewrite_directories(TreeReader(trees.read, base), {}, {}, trees.add) == base


def test_file_where_a_directory_has_to_be_is_refused() -> None:
    trees = Trees()
    base = trees.write(None, {"data": blob("a file")})

    with pytest.raises(CorruptRepositoryError, match="is not a directory"):
        TreeReader(trees.read, base).raw(b"data/users")


def test_diff_reads_only_what_differs() -> None:
    trees = Trees()
    base = trees.write(None, {f"d{n}/f": blob(str(n)) for n in range(50)})
    target = trees.write(base, {"d7/f": blob("new"), "d9/f": None, "x": blob("x")})
    read: list[bytes] = []

    def reading(name: bytes) -> bytes:
        read.append(name)
        return trees.read(name)

    changes = list(changed_files(reading, base, target))

    assert [(c.path, c.old is None, c.new is None) for c in changes] == [
        (b"d7/f", False, False),
        (b"d9/f", False, True),
        (b"x", True, False),
    ]
    assert len(read) == 5


def test_parse_is_the_inverse_of_format() -> None:
    tree = {
        b"a": TreeEntry(b"40000", blob("1")),
        b"a.json": TreeEntry(b"100644", blob("2")),
        b"a-b": TreeEntry(b"120000", blob("3")),
    }

    raw = format_tree(tree)

    assert parse_tree(raw) == tree
    assert raw.index(b"a-b") < raw.index(b"a.json") < raw.index(b"40000 a\0")


@pytest.mark.parametrize("files", [0, 3, 60, 2_000])
def test_a_file_is_found_by_its_name_in_directories_of_any_size(files: int) -> None:
    trees = Trees()
    chance = random.Random(files)  # noqa: S311 - to repeat the same
    blobs = {b"%d.json" % n: chance.randbytes(20) for n in range(1, 2 * files, 2)}
    others = {b"run.json": b"100755", b"link.json": b"120000", b"7": b"40000"}
    raw = format_tree(
        {name: TreeEntry(b"100644", blob) for name, blob in blobs.items()}
        | {name: TreeEntry(mode, chance.randbytes(20)) for name, mode in others.items()}
    )
    inner = trees.add(raw)
    reader = TreeReader(trees.read, trees.add(format_tree({b"d": TreeEntry(b"40000", inner)})))

    assert {name: reader.blob(b"d", name) for name in blobs} == blobs
    for name in (*others, b"0.json", b"4.json", b"json", b"1.jso"):
        assert reader.blob(b"d", name) is None
    assert reader.blob(b"e", b"1.json") is None


def test_few_large_directories_are_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitexport.store.trees._LARGE_FILES", 1_000)
    trees = Trees()
    raw = format_tree({b"%d.json" % n: TreeEntry(b"100644", EMPTY_BLOB) for n in range(600)})
    inner = TreeEntry(b"40000", trees.add(raw))
    reader = TreeReader(trees.read, trees.add(format_tree({b"%d" % n: inner for n in range(10)})))

    for n in range(10):
        assert reader.blob(b"%d" % n, b"599.json") == EMPTY_BLOB
        assert len(reader._large) <= 2
