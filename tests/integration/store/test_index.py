"""The patched index, judged by the git program."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from gitexport.errors import CorruptRepositoryError
from gitexport.store.index import update_index
from gitexport.store.index_edit import IndexEdit, KeptPaths
from gitexport.store.index_file import patch_index
from gitexport.store.index_format import NotPlainIndexError, open_plain
from tests.fixtures.repositories import git
from tests.integration.store.viewed import ViewedRepository, blob_id

FILES = {f"data/{key % 16:x}/{key}.json": b"%d\n" % key for key in range(600)}
BLOB = blob_id(b"1\n")
EDIT = IndexEdit(b"data/1/1.json", BLOB)


@pytest.fixture
def viewed(repository_path: Path) -> ViewedRepository:
    """A repository with a plain index that holds cached trees."""
    made = ViewedRepository(repository_path)
    made.move(FILES)
    git(made.path, "status")
    git(made.path, "write-tree")
    return made


def _patch(viewed: ViewedRepository, edits: list[IndexEdit]) -> KeptPaths:
    kept = KeptPaths()
    patch_index(viewed.gitdir, edits, kept)
    return kept


def _listing(viewed: ViewedRepository) -> list[str]:
    return git(viewed.path, "ls-files", "-s", "-z").split("\0")[:-1]


def test_cached_trees_of_other_directories_stay_valid(
    viewed: ViewedRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    _patch(viewed, [IndexEdit(b"data/1/1.json", blob_id(b"2\n"))])

    with_trees = open_plain(viewed.gitdir).extensions[b"TREE"]

    assert with_trees.startswith(b"\x00-1 1\ndata\x00-1 16\n0\x0038 0\n")
    assert b"1\x00-1 0\n2\x0038 0\n" in with_trees
    # What git computes from what is left is what it computes from nothing.
    tree = git(viewed.path, "write-tree")
    listing = "\n".join(_listing(viewed)) + "\n"
    monkeypatch.setenv("GIT_INDEX_FILE", str(viewed.gitdir / "other"))
    git(viewed.path, "update-index", "--index-info", stdin=listing)
    assert git(viewed.path, "write-tree") == tree


def test_an_executable_file_that_loses_its_mode_changes_its_tree(viewed: ViewedRepository) -> None:
    git(viewed.path, "update-index", "--chmod=+x", "data/1/1.json")
    with_mode = git(viewed.path, "write-tree")

    _patch(viewed, [EDIT])

    assert (
        git(viewed.path, "write-tree") == git(viewed.path, "rev-parse", "HEAD^{tree}") != with_mode
    )


def _merging(viewed: ViewedRepository) -> None:
    (viewed.gitdir / "MERGE_HEAD").write_text(git(viewed.path, "rev-parse", "HEAD"))


def _unchecked(viewed: ViewedRepository) -> None:
    data = (viewed.gitdir / "index").read_bytes()
    (viewed.gitdir / "index").write_bytes(data[:-20] + bytes(20))


def _extended(viewed: ViewedRepository, name: bytes) -> None:
    data = (viewed.gitdir / "index").read_bytes()
    content = data[:-20] + name + (4).to_bytes(4, "big") + b"1234"
    (viewed.gitdir / "index").write_bytes(content + blob_id(content))


def _miscounted(viewed: ViewedRepository) -> None:
    data = bytearray((viewed.gitdir / "index").read_bytes())
    data[8:12] = (len(FILES) - 1).to_bytes(4, "big")
    (viewed.gitdir / "index").write_bytes(data)


def _linked(viewed: ViewedRepository) -> None:
    (viewed.gitdir / "index").rename(viewed.gitdir / "elsewhere")
    (viewed.gitdir / "index").symlink_to("elsewhere")


@pytest.mark.parametrize(
    "make_special",
    [
        pytest.param(lambda v: git(v.path, "update-index", "--index-version", "4"), id="v4"),
        pytest.param(lambda v: git(v.path, "update-index", "--split-index"), id="split"),
        pytest.param(lambda v: git(v.path, "update-index", "--force-untracked-cache"), id="UNTR"),
        pytest.param(
            lambda v: git(v.path, "update-index", "--skip-worktree", "data/1/1.json"), id="v3"
        ),
        pytest.param(lambda v: _extended(v, b"FSMN"), id="FSMN"),
        pytest.param(lambda v: _extended(v, b"link"), id="link"),
        pytest.param(lambda v: _extended(v, b"sdir"), id="sdir"),
        pytest.param(lambda v: _extended(v, b"NEWX"), id="unknown"),
        pytest.param(_merging, id="merge"),
        pytest.param(lambda v: (v.gitdir / "rebase-merge").mkdir(), id="rebase"),
        pytest.param(_unchecked, id="no checksum"),
        pytest.param(_miscounted, id="miscounted"),
        pytest.param(_linked, id="symbolic link"),
        pytest.param(lambda v: (v.gitdir / "index").unlink(), id="missing"),
        pytest.param(lambda v: (v.gitdir / "index").write_bytes(b"DIRC"), id="short"),
        pytest.param(
            lambda v: git(v.path, "config", "extensions.objectFormat", "sha256"), id="sha256"
        ),
    ],
)
def test_what_is_not_plain_is_refused_before_any_edit_is_taken(
    viewed: ViewedRepository, make_special: object
) -> None:
    assert callable(make_special)
    make_special(viewed)
    edits = iter([EDIT])

    with pytest.raises(NotPlainIndexError):
        patch_index(viewed.gitdir, edits, KeptPaths())

    assert next(edits) is EDIT
    assert not (viewed.gitdir / "index.lock").exists()


def test_index_entry_offsets_may_be_noted(viewed: ViewedRepository) -> None:
    git(viewed.path, "-c", "index.threads=4", "-c", "index.recordEndOfIndexEntries=true",
        "-c", "index.recordOffsetTable=true", "update-index", "--force-write-index")  # fmt: skip
    assert b"EOIE" in open_plain(viewed.gitdir).extensions

    _patch(viewed, [IndexEdit(b"data/1/1.json", None)])

    assert open_plain(viewed.gitdir).extensions.keys() == {b"TREE"}
    assert len(_listing(viewed)) == len(FILES) - 1


def _edit_unseen_by_stat(viewed: ViewedRepository, data: bytes, at: int) -> None:
    path = viewed.path / "data/1/1.json"
    before = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(at, at))
    # Stands for a git that compares whole seconds, and an edit in the second of the entry.
    git(viewed.path, "config", "core.trustctime", "false")
    assert (path.stat().st_size, path.stat().st_ino) == (before.st_size, before.st_ino)


def test_an_edit_in_the_second_of_the_index_is_still_seen(viewed: ViewedRepository) -> None:
    """A younger index must not make a racily clean entry look settled."""
    at = 1_700_000_000 * 10**9
    os.utime(viewed.path / "data/1/1.json", ns=(at, at))
    git(viewed.path, "update-index", "data/1/1.json")
    os.utime(viewed.gitdir / "index", ns=(at, at))
    _edit_unseen_by_stat(viewed, b"X\n", at)

    _patch(viewed, [IndexEdit(b"data/2/2.json", blob_id(b"2\n"))])

    assert viewed.status() == [" M data/1/1.json"]


def test_a_file_that_was_saved_just_now_is_read_again(viewed: ViewedRepository) -> None:
    """Somebody who writes what the snapshot holds, and goes on writing, is not overlooked."""
    path = viewed.path / "data/1/1.json"
    path.write_bytes(b"X\n")
    at = path.stat().st_mtime_ns
    viewed.move({**viewed.files, "data/1/1.json": b"X\n"})
    later = at + 5 * 10**9
    os.utime(viewed.gitdir / "index", ns=(later, later))

    _edit_unseen_by_stat(viewed, b"Y\n", at)

    assert viewed.status() == [" M data/1/1.json"]


def test_staged_files_of_people_do_not_stop_new_directories(viewed: ViewedRepository) -> None:
    other = blob_id(b"2\n").hex()
    git(viewed.path, "update-index", "--add", "--cacheinfo", f"100644,{other},new")
    before = _listing(viewed)

    kept = _patch(viewed, [IndexEdit(b"new/1.json", BLOB), IndexEdit(b"new/2.json", BLOB)])

    assert kept.names == [b"new/1.json", b"new/2.json"]
    assert _listing(viewed) == before


def test_a_file_replaces_what_was_staged_below_its_name(viewed: ViewedRepository) -> None:
    other = blob_id(b"2\n").hex()
    for name in ("new/a", "new/b", "new-x"):
        git(viewed.path, "update-index", "--add", "--cacheinfo", f"100644,{other},{name}")

    _patch(viewed, [IndexEdit(b"new", BLOB), IndexEdit(b"zoo", BLOB)])

    names = [line.partition("\t")[2] for line in _listing(viewed)]
    assert names[-3:] == ["new", "new-x", "zoo"]
    git(viewed.path, "write-tree")


def test_unsorted_edits_are_a_bug(viewed: ViewedRepository) -> None:
    before = (viewed.gitdir / "index").read_bytes()

    with pytest.raises(ValueError, match="not sorted"):
        _patch(viewed, [IndexEdit(b"b", BLOB), IndexEdit(b"a", BLOB)])

    assert (viewed.gitdir / "index").read_bytes() == before
    assert not (viewed.gitdir / "index.lock").exists()


def test_a_damaged_index_is_reported(viewed: ViewedRepository) -> None:
    data = (viewed.gitdir / "index").read_bytes()
    (viewed.gitdir / "index").write_bytes(b"DIRX" + data[4:])

    with pytest.raises(CorruptRepositoryError):
        update_index(viewed.gitdir, viewed.path, [EDIT])
    assert not (viewed.gitdir / "index.lock").exists()


def test_random_large_rounds_agree_with_the_git_program(repository_path: Path) -> None:
    """Long and short names, all modes, thousands of entries: the search by halves is used."""
    dice = random.Random(7)  # noqa: S311 - reproducible, no secret
    git(repository_path.parent, "init", "--quiet", str(repository_path))
    gitdir = repository_path / ".git"
    git(repository_path, "commit", "-q", "--allow-empty", "-m", "empty")
    blobs = [git(repository_path, "hash-object", "-w", "--stdin", stdin=text) for text in "abc"]
    held: dict[bytes, tuple[str, str]] = {}
    lines = []
    for key in range(9000):
        text = f"{key % 7}/{key % 31:x}/{'n' * dice.choice([1, 1, 1, 90, 700])}{key}"
        mode = dice.choice(["100644"] * 8 + ["100755", "120000"])
        held[text.encode()] = (mode, blobs[0])
        lines.append(f"{mode} {blobs[0]} 0\t{text}")
    git(repository_path, "update-index", "--index-info", stdin="\n".join(lines) + "\n")
    for _ in range(30):
        edits: dict[bytes, IndexEdit] = {}
        for name in dice.sample(sorted(held), 30):
            blob = dice.choice([None, *blobs])
            edits[name] = IndexEdit(name, None if blob is None else bytes.fromhex(blob))
        for _ in range(20):
            name = b"%d/%x/%d" % (dice.randrange(9), dice.randrange(40), dice.randrange(10**6))
            edits.setdefault(name, IndexEdit(name, bytes.fromhex(dice.choice(blobs))))
        for name, edit in edits.items():
            held.pop(name, None)
            if edit.blob is not None:
                held[name] = ("100644", edit.blob.hex())
        patch_index(gitdir, [edits[name] for name in sorted(edits)], KeptPaths())
        git(repository_path, "write-tree")

    expected = [f"{mode} {blob} 0\t{name.decode()}" for name, (mode, blob) in sorted(held.items())]
    assert git(repository_path, "ls-files", "-s", "-z").split("\0")[:-1] == expected


_MEMORY = """
import sys, tracemalloc
from pathlib import Path
from gitexport.store.index_edit import IndexEdit, KeptPaths
from gitexport.store.index_file import patch_index
gitdir = Path(sys.argv[1])
for count in (2_000, 20_000, 20_001):
    tracemalloc.start()
    blob = b"%020d" % count
    edits = (IndexEdit(b"data/%03x/%09d.json" % (k // 1000, k), blob) for k in range(count))
    patch_index(gitdir, edits, KeptPaths())
    print(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
"""


def test_memory_does_not_grow_with_the_number_of_edits(viewed: ViewedRepository) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(viewed.gitdir)], capture_output=True, check=True
    )

    peaks = [int(line) for line in done.stdout.split()]
    assert len(peaks) == 3
    assert max(peaks) < peaks[0] + 500_000
