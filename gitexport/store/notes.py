"""Notes on commits: git's own, in `refs/notes/commits`, where `git log` shows them.

Written by the git program, read here: a notes tree holds a blob named like the commit, the
name split into directories of two digits where there are many.

Source: Documentation/git-notes.txt of git; notes.c for the fan-out.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from gitexport.errors import MachineError, UsageError
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.commits import identity_of
from gitexport.store.git_program import GitCall, run_git
from gitexport.store.repository import DataRepository
from gitexport.store.trees import TreeReader

NOTES_REF = "refs/notes/commits"


class Notes:
    """The notes of a repository as they are when the first one is asked for."""

    def __init__(self, repository: DataRepository) -> None:
        self._repository = repository

    def of(self, commit: ObjectId) -> str | None:
        """Gives the note on a commit without its final newline; None where there is none.

        Raises:
            CorruptRepositoryError: An object of the notes is missing or damaged.
        """
        reader = self._reader
        if reader is None:
            return None
        directory, rest = "", commit[:]
        while rest:
            entries = reader.tree(directory.encode())
            found = entries.get(rest.encode())
            if found is not None and not found.is_tree:
                content = self._repository.read_blob(found.object_id)
                return content.decode("utf-8", "replace").rstrip("\n")
            below = entries.get(rest[:2].encode())
            if below is None or not below.is_tree:
                return None
            directory = f"{directory}/{rest[:2]}".lstrip("/")
            rest = rest[2:]
        return None

    @cached_property
    def _reader(self) -> TreeReader | None:
        tip = refs.ref_target(self._repository, NOTES_REF)
        if tip is None:
            return None
        return TreeReader(self._repository.read_tree, self._repository.tree_of(tip))


def write_note(repository: DataRepository, commit: ObjectId, text: str, at: datetime) -> None:
    """Sets the note on a commit, in place of the one that is there. Called under the lock.

    Raises:
        UsageError: The text is empty, or holds a NUL character.
        MachineError: git could not write it.
    """
    if not text.strip():
        message = "a note needs a text"
        raise UsageError(message, hint="to take a note away: gitexport note REV --remove")
    if "\0" in text:
        message = "a note cannot hold a NUL character"
        raise UsageError(message)
    _notes(repository, ["add", "--force", "--file=-", commit], at, text)


def remove_note(repository: DataRepository, commit: ObjectId, at: datetime) -> None:
    """Takes the note on a commit away. Called under the lock.

    Raises:
        MachineError: There is none, or git could not write.
    """
    _notes(repository, ["remove", commit], at)


def _notes(
    repository: DataRepository, arguments: list[str], at: datetime, text: str | None = None
) -> None:
    identity = identity_of(repository)
    seconds = f"@{int(at.timestamp())} +0000"
    environment = tuple(
        (f"GIT_{role}_{what}", value)
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", identity.name), ("EMAIL", identity.email), ("DATE", seconds))
    )
    stdin = None if text is None else text.encode("utf-8", "replace")
    call = GitCall(gitdir=repository.gitdir, stdin=stdin, environment=environment)
    output = run_git(repository.path, ["notes", f"--ref={NOTES_REF}", *arguments], call)
    if output.returncode != 0:
        message = f"the note cannot be written: {output.reason}"
        raise MachineError(message, where=NOTES_REF)
