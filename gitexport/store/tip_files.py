"""Single files and directories of a branch's last commit."""

from __future__ import annotations

from gitexport.store import refs
from gitexport.store.repository import DataRepository
from gitexport.store.trees import TreeReader


def read_tip_file(repository: DataRepository, branch: str, path: str) -> bytes | None:
    """Reads a file of a branch's last commit; None where it does not exist.

    Raises:
        CorruptRepositoryError: The commit or the file is missing from the repository.
    """
    entry = _reader(repository, branch).entry(path.encode())
    return None if entry is None or entry.is_tree else repository.read_blob(entry.object_id)


def list_tip_directory(repository: DataRepository, branch: str, path: str) -> list[str]:
    """Lists the names in a directory of a branch's last commit; empty where it has none.

    Raises:
        CorruptRepositoryError: The commit or a tree is missing from the repository.
    """
    names = _reader(repository, branch).tree(path.encode())
    return [name.decode("utf-8", "replace") for name in names]


def _reader(repository: DataRepository, branch: str) -> TreeReader:
    commit = refs.tip(repository, branch)
    tree = None if commit is None else repository.tree_of(commit)
    return TreeReader(repository.read_tree, tree)
