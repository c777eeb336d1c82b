"""The logs of refs: which commits a person made in this clone, and what never came to be.

A log is written by git on this machine only; nothing that is fetched reaches it.
Source: git-reflog(1); the messages are those of builtin/commit.c.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gitexport.model.snapshot import ObjectId
from gitexport.store.durable import write_durably
from gitexport.store.git_errors import machine_error, translated
from gitexport.store.refs import BRANCH_PREFIX
from gitexport.store.repository import DataRepository

_MADE_HERE = ("commit: ", "commit (initial): ", "commit (amend): ")


def commits_made_here(
    repository: DataRepository, branch: str, messages: tuple[str, ...] = ()
) -> frozenset[ObjectId]:
    """Lists the commits that `git commit` made here, and those logged with other messages.

    Merges, pulls, fetches, rebases and resets do not count: their commits may be others'.

    Raises:
        CorruptRepositoryError: A log cannot be read.
    """
    handle = repository.pygit()
    made = set()
    with translated("the log of the branch cannot be read"):
        for name in ("HEAD", BRANCH_PREFIX + branch):
            reference = handle.references.get(name)
            if reference is None:
                continue
            made |= {
                ObjectId(str(entry.oid_new))
                for entry in reference.log()
                if entry.message.startswith((*_MADE_HERE, *messages))
            }
    return frozenset(made)


def forget_in_logs(repository: DataRepository, commit_id: ObjectId) -> None:
    """Removes what the logs of branches say of a commit that no branch came to hold.

    libgit2 writes the log before it moves the ref, so that a run which ends in between
    leaves an entry for a commit that is about to be removed.

    Raises:
        DecisionNeededError: Another git process holds a ref.
        MachineError: A log cannot be written.
    """
    for name, path in _logs(repository):
        try:
            if commit_id.encode() in path.read_bytes():
                _filter(repository, name, path, commit_id.encode())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise machine_error(error, path) from error


def _logs(repository: DataRepository) -> Iterator[tuple[str, Path]]:
    yield "HEAD", repository.gitdir / "logs" / "HEAD"
    top = repository.common_dir / "logs"
    for directory, _names, files in os.walk(top / BRANCH_PREFIX):
        for name in files:
            path = Path(directory, name)
            yield str(path.relative_to(top)), path


def _filter(repository: DataRepository, name: str, path: Path, commit: bytes) -> None:
    # Whoever adds to a log holds the lock of its ref.
    subject = f"the log of '{name}' cannot be mended"
    with translated(subject), repository.pygit().transaction() as transaction:
        transaction.lock_ref(name)
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if commit not in line.split(b" ", 2)[:2]]
        write_durably(path, b"".join(kept), mode=path.stat().st_mode & 0o777)
