"""Lock files of git that a killed run left behind.

git's lock files name no owner, so one may be removed only with proof: our own journal shows a
run that never ended, the file was made while that run was alive, and no git process works in
this repository now. Everything else is a person's, and is named, not touched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitexport.errors import LockedError
from gitexport.store.git_errors import locked_file, machine_error
from gitexport.store.journal import HEARTBEAT_SECONDS, Run, boot_id, booted_at
from gitexport.store.repository import DataRepository

# File systems stamp files with a coarser clock than the one that runs write down.
_CLOCK_SLACK = timedelta(seconds=1)
# A run that hangs in the system for a moment misses a beat or two.
_LONGEST_SILENCE = timedelta(seconds=3 * HEARTBEAT_SECONDS)
_WAIT_FOR_GIT_SECONDS = 5.0
_ROOT_LOCKS = ("HEAD.lock", "index.lock", "ORIG_HEAD.lock", "MERGE_HEAD.lock")
_COMMON_LOCKS = ("HEAD.lock", "packed-refs.lock", "config.lock", "packed-refs.new")


def remove_stale_locks(repository: DataRepository, branch: str, run: Run) -> list[str]:
    """Removes the lock files that an unfinished run left; says which.

    Those of others are left alone where an export can do without: a locked index only delays
    the working tree.

    Raises:
        LockedError: Git is at work, so that a lock file may be its own or the dead run's.
        DecisionNeededError: A lock file that stops an export may be somebody else's.
        MachineError: A lock file cannot be removed.
    """
    found = list(_lock_files(repository))
    if not found:
        return []
    _wait_for_git(repository)
    first, last = _lifetime(run)
    left_by = f"left by the run of {run.started_at:%Y-%m-%d %H:%M:%S}Z"
    stopping = {
        repository.common_dir / "packed-refs.lock",
        repository.common_dir / "refs" / "heads" / f"{branch}.lock",
    }
    removed = []
    for path in found:
        try:
            made_at = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
            is_ours = first <= made_at <= last
            at_work = git_processes(repository) if is_ours else []
            if is_ours and not at_work:
                path.unlink()
                removed.append(f"removed '{path}', {left_by}")
            elif path in stopping:
                raise locked_file(path)
            elif at_work:
                # Not to be passed over: after this run, nothing would tell whose it was.
                raise _maybe_ours(path, at_work[0])
        except FileNotFoundError:
            continue
        except OSError as error:
            raise machine_error(error, path) from error
    return removed


def git_processes(repository: DataRepository) -> list[int]:
    """Lists the git processes that work in a repository now, as far as the system tells."""
    proc = Path("/proc")
    if not (proc / "self" / "cwd").exists():
        return []
    places = tuple({os.path.realpath(repository.path), os.path.realpath(repository.common_dir)})
    return [int(entry.name) for entry in proc.iterdir() if _is_git_in(entry, places)]


def _is_git_in(entry: Path, places: tuple[str, ...]) -> bool:
    if not entry.name.isdigit():
        return False
    try:
        if not (entry / "comm").read_text().startswith("git"):
            return False
        here = os.readlink(entry / "cwd")  # noqa: PTH115 - text, compared as text
    except OSError:
        # It ended meanwhile, or belongs to another user.
        return False
    return any(here == place or here.startswith(f"{place}/") for place in places)


def _wait_for_git(repository: DataRepository) -> None:
    # A git that the dead run had started may still be at work, and ends by itself.
    deadline = time.monotonic() + _WAIT_FOR_GIT_SECONDS
    while git_processes(repository) and time.monotonic() < deadline:
        time.sleep(0.05)


def _maybe_ours(path: Path, process: int) -> LockedError:
    message = f"'{path}' was left by a run that died, or belongs to the git process {process}"
    return LockedError(message, where=str(path), hint="try again when that process has ended")


def _lifetime(run: Run) -> tuple[datetime, datetime]:
    last = run.touched_at + _LONGEST_SILENCE
    if run.boot_id and run.boot_id != boot_id():
        # No process outlives a restart, so the machine's start bounds the run as well.
        last = max(last, booted_at())
    return run.started_at - _CLOCK_SLACK, last + _CLOCK_SLACK


def _lock_files(repository: DataRepository) -> Iterator[Path]:
    named = [repository.gitdir / name for name in _ROOT_LOCKS]
    named += [repository.common_dir / name for name in _COMMON_LOCKS]
    yield from {path: None for path in named if os.path.lexists(path)}
    # Lock files are files by definition, unlike the refs beside them.
    for directory, _names, files in os.walk(repository.common_dir / "refs"):
        for name in files:
            if name.endswith(".lock"):
                yield Path(directory, name)
