"""Translates what libgit2 and the operating system raise into this project's exceptions.

libgit2's errors are not uniform: a missing object is a `KeyError`, a locked ref an `OSError`
without a number or a bare `GitError`, a full disk an `OSError` whose cause is only in its text.
This is the one place that knows; the rest of the package works under `translated`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pygit2

from gitexport.errors import (
    CorruptRepositoryError,
    DecisionNeededError,
    GitExportError,
    MachineError,
    UsageError,
)

_MACHINE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.EIO,
    errno.EFBIG,
    errno.ENOLCK,
)
_HINTS = {
    errno.ENOSPC: "free some space and run again; nothing was lost",
    errno.EDQUOT: "free some space within the quota and run again; nothing was lost",
    errno.EACCES: "give this user the right to write there",
    errno.EPERM: "give this user the right to write there",
    errno.EROFS: "mount the file system writable",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files of this machine",
}
_TEXTS = {os.strerror(number): number for number in _MACHINE}
_QUOTED = r"'([^']+)'"
# libgit2 says the second where the file appears between its look and its own attempt.
_LOCK = (
    r"failed to (?:lock file '([^']+)' for writing: *|create locked file '([^']+)': File exists)$"
)
_DAMAGE = (
    r"hash mismatch|failed to parse|failed to inflate|corrupt|invalid|truncated|object not found"
    r"|doesn't exist on the repository|no match for id|bad |mismatch"
    # What zlib says of compressed data that is not what it was.
    r"|incorrect (?:data|header|length) check|unknown compression method"
)
_OBJECT_ID = r"\b[0-9a-f]{40}\b"


def machine_error(error: OSError, path: str | os.PathLike[str] | None = None) -> MachineError:
    """Names the path that the operating system refused, and the reason in its own words."""
    named = path if path is not None else error.filename
    reason = (error.strerror or str(error)).lower()
    where = os.fsdecode(named) if isinstance(named, str | bytes | os.PathLike) else None
    subject = f"cannot use '{where}'" if where else "the machine refused"
    return MachineError(f"{subject}: {reason}", where=where, hint=_HINTS.get(error.errno or 0))


def translate(error: Exception, subject: str) -> GitExportError | None:
    """Finds the exception that says what happened to `subject`; None for a bug of our own."""
    if isinstance(error, OSError) and error.errno is not None:
        return machine_error(error)
    text = str(error)
    for reason, number in _TEXTS.items():
        if reason in text:
            quoted = re.search(_QUOTED, text)
            return machine_error(OSError(number, reason), quoted.group(1) if quoted else None)
    if locked := re.search(_LOCK, text):
        return locked_file(locked.group(1) or locked.group(2))
    if isinstance(error, KeyError) and not isinstance(error, pygit2.GitError):
        return _missing(error, subject)
    if isinstance(error, pygit2.GitError | OSError | ValueError):
        return _from_libgit2(text, subject)
    return None


def locked_file(path: str | os.PathLike[str]) -> DecisionNeededError:
    """Says that another git process holds a lock file, or left it behind."""
    name = os.fsdecode(path)
    return DecisionNeededError(
        f"another git process holds '{name}'",
        where=name,
        hint="wait until it is done; if no git process is running here, remove that file",
    )


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Translates whatever libgit2 or the operating system raises inside.

    `subject` says what was being done, as in "the commit '…' cannot be read".

    Raises:
        CorruptRepositoryError: An object or ref is missing or damaged.
        DecisionNeededError: Another git process holds a lock file.
        MachineError: The machine refused, with the path it refused.
        UsageError: A name or id that git does not accept.
    """
    try:
        yield
    except GitExportError:
        raise
    except (pygit2.GitError, OSError, KeyError, ValueError) as error:
        mended = translate(error, subject)
        if mended is None:
            raise
        raise mended from error


def _missing(error: KeyError, subject: str) -> GitExportError | None:
    name = str(error.args[0]) if error.args else ""
    if not re.fullmatch(_OBJECT_ID, name):
        return None
    return _damaged(f"{subject}: object '{name}' is missing", name)


def _from_libgit2(text: str, subject: str) -> GitExportError | None:
    found = re.search(_OBJECT_ID, text)
    name = found.group(0) if found else None
    if "reference name" in text and "not valid" in text:
        return UsageError(f"{subject}: {text}")
    if found and text.strip("'") == name:
        return _damaged(f"{subject}: object '{name}' is missing", name)
    if found or re.search(_DAMAGE, text.lower()):
        return _damaged(f"{subject}: {text}", name)
    if text:
        return MachineError(f"{subject}: {text}")
    return None


def _damaged(message: str, object_id: str | None) -> CorruptRepositoryError:
    return CorruptRepositoryError(
        message,
        where=object_id,
        hint="run 'git fsck --full', then fetch the object from the remote or restore a backup",
    )
