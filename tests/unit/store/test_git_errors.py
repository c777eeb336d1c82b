"""Every error of libgit2 and the system gets its class, its place and its way on."""

from __future__ import annotations

import errno
import os

import pygit2
import pytest

from gitexport.errors import (
    CorruptRepositoryError,
    DecisionNeededError,
    GitExportError,
    HeadMovedError,
    MachineError,
    UsageError,
)
from gitexport.store.git_errors import translated

ID = "3" * 40


@pytest.mark.parametrize(
    ("error", "kind", "where"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/d/x"), MachineError, "/d/x"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "/d/x"), MachineError, "/d/x"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/d"), MachineError, "/d"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), b"/d"), MachineError, "/d"),
        (OSError("failed to write '/d/y': No space left on device"), MachineError, "/d/y"),
        (pygit2.GitError("cannot open '/d/z': Permission denied"), MachineError, "/d/z"),
        (OSError("failed to lock file '/g/main.lock' for writing: "), DecisionNeededError, None),
        (
            pygit2.GitError("failed to create locked file '/g/main.lock': File exists"),
            DecisionNeededError,
            "/g/main.lock",
        ),
        (KeyError(ID), CorruptRepositoryError, ID),
        (pygit2.GitError(f"{ID}: object hash mismatch"), CorruptRepositoryError, ID),
        (pygit2.GitError("incorrect data check"), CorruptRepositoryError, None),
        (pygit2.GitError("corrupted loose reference file"), CorruptRepositoryError, None),
        (ValueError("the given reference name 'a..b' is not valid"), UsageError, None),
        (pygit2.GitError("something else"), MachineError, None),
    ],
)
def test_each_error_is_translated(
    error: Exception, kind: type[GitExportError], where: str | None
) -> None:
    with pytest.raises(kind) as caught, translated("it cannot be read"):
        raise error

    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
    assert where is None or caught.value.where == where


def test_our_own_errors_pass() -> None:
    with pytest.raises(HeadMovedError), translated("x"):
        raise HeadMovedError("x")  # noqa: EM101 - the class is what counts


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(KeyError), translated("x"):
        raise KeyError(1)
    with pytest.raises(TypeError), translated("x"):
        raise TypeError
