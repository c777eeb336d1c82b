"""Names of hostile keys in a real repository, with every protection of git switched on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gitexport.canonical.blob_id import blob_id
from gitexport.canonical.shards import PathFunction
from gitexport.model.entity import Shard
from tests.fixtures.repositories import fsck, git

PROTECTIONS = ("-c", "core.protectNTFS=true", "-c", "core.protectHFS=true")
HOSTILE = [
    *("", ".", "..", "../../etc/passwd", "/", "\\", "C:\\x", "a/b", ".git", ".GIT", "GIT~1"),
    *(".git\u200c", "git~2", ".gitmodules", ".gitattributes", "GITMOD~1", ".git.", ".git "),
    *(".git::$INDEX_ALLOCATION", "CON", "con", "con.json", "nul", "aux", "com1", "COM1", "com¹"),
    *("prn.txt", "lpt9", "conin$", "a.", "a ", " a", "a\nb", "a\tb", "a\x00b", "a\x7fb", "a:b"),
    *("a*b?", '"q"', "<x>|", "-rf", "--", "-", "~", "a~1", "head", "HEAD", "git", "Git", "gIT"),
    *("é", "e\u0301", "E\u0301", "É", "\ufb01", "fi", "FI", "Fi", "\u212a", "k", "K", "ß", "ss"),
    *("SS", "\u0130", "i", "I", "\u0131", "\u202eabc", "\ufeff", "😀", "x" * 255, "X" * 255),
    *("é" * 300, "desktop.ini", "Thumbs.db", ".DS_Store", "index.lock", "a,b", "a", "b", "=61"),
    *("+a", "A", "%61", "a%2fb", "$(id)", "`id`", "'; drop", "1", "01", "-1", "1.0", "x.json"),
]


@pytest.mark.parametrize("shard", ["flat", "hash/1/1"])
def test_git_takes_every_name_and_gives_it_back(repository_path: Path, shard: str) -> None:
    paths = PathFunction("data/things", Shard.parse(shard), (False,))
    content = {
        b"/".join(paths.path((key,))): f"{place}\n".encode() for place, key in enumerate(HOSTILE)
    }
    assert len(content) == len(HOSTILE)

    git(repository_path.parent, "init", "-q", str(repository_path))
    _commit(repository_path, content)

    fsck(repository_path)
    git(repository_path, *PROTECTIONS, "checkout", "-q", "-f", "main")
    assert git(repository_path, *PROTECTIONS, "status", "--porcelain", "-uall") == ""
    for path, data in content.items():
        assert (repository_path / path.decode()).read_bytes() == data


@pytest.mark.parametrize("name", ["data/.git\u200c/x.json", "data/GIT~1/x.json", "data/../x.json"])
def test_the_protections_would_have_refused(repository_path: Path, name: str) -> None:
    """Without refusals here, the test above would prove nothing."""
    git(repository_path.parent, "init", "-q", str(repository_path))
    blob_id = _blob(repository_path, b"x")

    _index(repository_path, f"100644 {blob_id} 0\t{name}\0")

    # git leaves such a path out with a warning and succeeds.
    assert git(repository_path, "ls-files") == ""


def test_blob_ids_are_those_of_git(repository_path: Path) -> None:
    git(repository_path.parent, "init", "-q", str(repository_path))

    for data in (b"", b"{}\n", b"\x00\r\n\xff" * 1000):
        assert _blob(repository_path, data) == blob_id(data).hex()


def _commit(repository: Path, content: dict[bytes, bytes]) -> None:
    """Commits files through the index, as no path is to pass through a file system."""
    entries = "".join(
        f"100644 {_blob(repository, data)} 0\t{path.decode()}\0" for path, data in content.items()
    )
    _index(repository, entries)
    tree = git(repository, *PROTECTIONS, "write-tree")
    commit = git(repository, "commit-tree", tree, "-m", "names")
    git(repository, "update-ref", "refs/heads/main", commit)


def _index(repository: Path, entries: str) -> None:
    git(repository, *PROTECTIONS, "update-index", "-z", "--index-info", stdin=entries)


def _blob(repository: Path, data: bytes) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), "hash-object", "-w", "--no-filters", "--stdin"],
        input=data,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()
