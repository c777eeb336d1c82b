"""What is staged for the next commit of a person, and mending it in place.

A commit in progress may use an index of its own, which git names to its hooks in
GIT_INDEX_FILE. Source: githooks(5), git-diff-index(1) "RAW OUTPUT FORMAT".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitexport.store.git_program import GitCall, check_git
from gitexport.store.repository import DataRepository

_DIFF = ("diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=ACMT")
_FILE_MODES = ("100644", "100755")


def staged_files(repository: DataRepository, index: Path | None = None) -> dict[str, bytes]:
    """Gives the 20-byte blob ids of the files that the next commit adds or changes.

    `index` is another index file than the repository's own.

    Raises:
        MachineError: git failed.
    """
    fields = check_git(repository.path, _DIFF, _call(index)).split(b"\0")
    staged = {}
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob, _ = meta.decode("ascii").split(" ")
        if mode in _FILE_MODES:
            staged[path.decode("utf-8", "surrogateescape")] = bytes.fromhex(blob)
    return staged


def staged_tree(repository: DataRepository, index: Path | None = None) -> bytes:
    """Gives the 20-byte id of the tree that the next commit will have.

    git writes the trees that are new, as it does for the commit itself.

    Raises:
        MachineError: git failed, as where files are left unmerged.
    """
    arguments = ["write-tree", "--missing-ok"]
    return bytes.fromhex(check_git(repository.path, arguments, _call(index)).decode().strip())


def has_unmerged(repository: DataRepository, index: Path | None = None) -> bool:
    """Tells whether a merge left files for which somebody has to choose.

    Raises:
        MachineError: git failed.
    """
    return bool(check_git(repository.path, ["ls-files", "--unmerged", "-z"], _call(index)))


def stage_contents(
    repository: DataRepository, contents: Mapping[str, bytes], index: Path | None = None
) -> None:
    """Stages other contents for some files; the working tree stays as it is.

    Raises:
        MachineError: git failed.
    """
    lines = b""
    for path, content in contents.items():
        call = GitCall(stdin=content)
        blob = check_git(repository.path, ["hash-object", "-w", "--stdin"], call).strip()
        lines += b"100644 " + blob + b"\t" + path.encode("utf-8", "surrogateescape") + b"\0"
    if lines:
        arguments = ["update-index", "-z", "--index-info"]
        check_git(repository.path, arguments, _call(index, lines))


def _call(index: Path | None, stdin: bytes | None = None) -> GitCall:
    environment = () if index is None else (("GIT_INDEX_FILE", str(index)),)
    return GitCall(stdin=stdin, environment=environment)
