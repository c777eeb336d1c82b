"""Updates the index with the git program: right for every index that git can read.

`git update-index --index-info` takes blob ids as they are, so that nothing of the working
tree gets into the index; it knows no stat data, so the next `git status` reads each such file
once.

Source: Documentation/git-update-index.txt, git-ls-files.txt of git.
"""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gitexport.errors import CorruptRepositoryError, MachineError
from gitexport.store.git_errors import machine_error
from gitexport.store.git_program import GitCall, git_environment, run_git
from gitexport.store.index_edit import MEND_INDEX, IndexEdit, IndexLockedError, KeptPaths

_CHUNK = 1 << 18
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO, errno.ENOMEM)
_NO_BLOB = b"0" * 40
# A line of `ls-files --stage`: mode, id, stage, path.
_ID, _PATH = slice(7, 47), slice(50, None)
_LOCK_SECONDS = 5.0


def update_with_git(
    gitdir: Path, worktree: Path, edits: Iterable[IndexEdit], kept: KeptPaths
) -> None:
    """Updates the index; `edits` are taken one by one while the index is locked.

    Paths whose staged content is left alone are added to `kept`.

    Raises:
        IndexLockedError: Another process holds the lock; no edit was taken.
        CorruptRepositoryError: The git program cannot read the index.
        MachineError: The git program cannot be started.
    """
    if os.path.lexists(gitdir / "index.lock"):
        raise IndexLockedError
    if not (gitdir / "index").exists():
        _read_head(gitdir, worktree)
    with (
        _running(gitdir, worktree, "ls-files", "--stage", "-z", output=True) as listing,
        _running(gitdir, worktree, "update-index", "-z", "--index-info") as update,
    ):
        held = _HeldBlobs(_lines(listing))
        for edit in edits:
            if all(map(edit.may_replace, held.at(edit.path))):
                update.write(_info(edit))
            else:
                kept.add(edit.path)


def _read_head(gitdir: Path, worktree: Path) -> None:
    # An index that starts empty would look as if everything else had been deleted.
    call = GitCall(gitdir=gitdir)
    if run_git(worktree, ["rev-parse", "--quiet", "--verify", "HEAD^{commit}"], call).returncode:
        return
    command = "read-tree"
    done = run_git(worktree, [f"--work-tree={worktree}", command, "HEAD"], call)
    if done.returncode:
        raise _failure(command, gitdir, done.stderr)


class _HeldBlobs:
    """The blobs that index entries hold, looked up in path order."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._line = next(lines, None)

    def at(self, path: bytes) -> list[bytes]:
        """Gives the blobs of all stages of a path; paths come sorted."""
        line = self._line
        while line is not None and line[_PATH] < path:
            line = next(self._lines, None)
        found: list[bytes] = []
        while line is not None and line[_PATH] == path:
            found.append(bytes.fromhex(line[_ID].decode("ascii")))
            line = next(self._lines, None)
        self._line = line
        # Several stages are a conflict that a person is about to solve: none of them fits.
        return found if len(found) < 2 else [*found, b""]  # noqa: PLR2004 - one stage is normal


def _info(edit: IndexEdit) -> bytes:
    if edit.blob is None:
        return b"0 %b\t%b\0" % (_NO_BLOB, edit.path)
    return b"100644 %b\t%b\0" % (edit.blob.hex().encode("ascii"), edit.path)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\0")
        yield from lines


def _git(gitdir: Path, worktree: Path, *arguments: str) -> list[str]:
    return [
        "git",
        "-c",
        "protocol.ext.allow=never",
        f"--git-dir={gitdir}",
        f"--work-tree={worktree}",
        *arguments,
    ]


@contextmanager
def _running(
    gitdir: Path, worktree: Path, name: str, *arguments: str, output: bool = False
) -> Iterator[IO[bytes]]:
    """Runs a git command and gives its output, or else its input, as a stream.

    A command that fails while nothing else does is an error; one that fails because its
    stream was left early is not.
    """
    command = _git(gitdir, worktree, name, *arguments)
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if output else subprocess.PIPE,
                stdout=subprocess.PIPE if output else subprocess.DEVNULL,
                stderr=complaints,
                env=git_environment(),
            )
        except OSError as error:
            raise machine_error(error, "git") from error
        stream = process.stdout if output else process.stdin
        if stream is None:  # pragma: no cover - a pipe was asked for
            raise AssertionError
        try:
            yield stream
            _finish(stream, drain=output)
        except BrokenPipeError:
            # It ended before its input did; the reason is in its exit status.
            process.wait()
            _close(process)
        except BaseException:
            _end(process, None if output else gitdir / "index.lock")
            raise
        if process.wait():
            complaints.seek(0)
            said = complaints.read().decode("utf-8", "replace")
            raise _failure(name, gitdir, said)


def _end(process: subprocess.Popen[bytes], lock: Path | None) -> None:
    """Ends git; one that is to make `lock` not before it holds it.

    Killed by SIGTERM, git removes its lock and leaves the index as it was, but for the
    microseconds between making the lock and minding signals.
    """
    if lock is not None:
        deadline = time.monotonic() + _LOCK_SECONDS
        while process.poll() is None and not os.path.lexists(lock):
            if time.monotonic() > deadline:
                break
            time.sleep(0.005)
        time.sleep(0.05)
    process.terminate()
    process.wait()
    _close(process)


def _finish(stream: IO[bytes], *, drain: bool) -> None:
    if drain:
        while stream.read(_CHUNK):
            pass
    stream.close()


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                continue


def _failure(command: str, gitdir: Path, complaint: str) -> Exception:
    said = complaint.strip().splitlines() or ["no reason given"]
    if any("index.lock" in line for line in said):
        return IndexLockedError(said[0])
    if any(os.strerror(number) in line for line in said for number in _MACHINE):
        return MachineError(f"'git {command}' failed: {said[0]}", where=str(gitdir / "index"))
    return CorruptRepositoryError(
        f"'git {command}' failed: {said[0]}", where=str(gitdir / "index"), hint=MEND_INDEX
    )
