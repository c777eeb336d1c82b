"""Facts about a repository's surroundings, for people who look for trouble."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pygit2

from gitexport.model.snapshot import ObjectId
from gitexport.store.git_errors import machine_error, translated
from gitexport.store.git_program import GitCall, check_git
from gitexport.store.repository import DataRepository
from gitexport.store.stale_locks import git_processes

_WANTED = (("gc.auto", ("0",)), ("core.autocrlf", ("false",)))
_LOCKS = ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock")
_OLD_SECONDS = 60.0


def libgit2_version() -> str:
    """Names the version of libgit2."""
    return str(pygit2.LIBGIT2_VERSION)


def unwanted_settings(repository: DataRepository) -> list[tuple[str, str, str]]:
    """Lists git settings that endanger data: name, value as it is, value as it should be."""
    config = repository.pygit().config
    found = []
    with translated("the configuration cannot be read"):
        for name, values in _WANTED:
            value = str(config[name]) if name in config else ""
            if value not in values:
                found.append((name, value, values[0]))
    return found


def old_locks(repository: DataRepository) -> list[Path]:
    """Lists lock files of git that are older than a minute while no git works here."""
    if git_processes(repository):
        return []
    places = {repository.gitdir / name for name in _LOCKS}
    places |= {repository.common_dir / name for name in _LOCKS}
    places |= set((repository.common_dir / "refs").rglob("*.lock"))
    now = time.time()
    found = []
    for path in sorted(places):
        try:
            if now - path.lstat().st_mtime > _OLD_SECONDS:
                found.append(path)
        except FileNotFoundError:
            continue
    return found


def hooks_directory(repository: DataRepository) -> Path:
    """Gives the directory of the repository's hooks, as git finds it.

    Raises:
        MachineError: git failed.
    """
    call = GitCall(gitdir=repository.gitdir)
    text = check_git(repository.path, ["rev-parse", "--git-path", "hooks"], call)
    return repository.path / os.fsdecode(text.rstrip(b"\n"))


def normalises_text(repository: DataRepository, path: str) -> bool:
    """Tells whether git may change the line ends of a file on its way in or out.

    Raises:
        MachineError: git failed.
    """
    call = GitCall(gitdir=repository.gitdir)
    where = [] if repository.worktree is None else [f"--work-tree={repository.worktree}"]
    command = [*where, "check-attr", "-z", "text", "--", path]
    return check_git(repository.path, command, call).split(b"\0")[2] != b"unset"


def object_bytes(repository: DataRepository) -> int:
    """Adds up the sizes of all packs.

    Raises:
        MachineError: The object database cannot be read.
    """
    try:
        return sum(path.stat().st_size for path in (repository.objects / "pack").glob("*.pack"))
    except OSError as error:
        raise machine_error(error, repository.objects) from error


def mend_index(repository: DataRepository, commit_id: ObjectId) -> None:
    """Moves an unreadable index aside and makes a new one from a commit; files stay.

    Raises:
        MachineError: git failed.
    """
    index = repository.gitdir / "index"
    try:
        index.replace(repository.gitdir / "index.damaged")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise machine_error(error, index) from error
    call = GitCall(gitdir=repository.gitdir)
    where = [] if repository.worktree is None else [f"--work-tree={repository.worktree}"]
    check_git(repository.path, [*where, "read-tree", commit_id], call)
    check_git(repository.path, [*where, "update-index", "-q", "--refresh"], call)
