"""Repairs what a run that died left in a data repository, before the next one begins.

Called by who holds the lock. In this order: lock files of git (`stale_locks`); unfinished
objects, packs and stages; loose objects that a power cut left empty or torn; the tag of a
snapshot whose commit is there; keep files, which guard the tag's object until its ref is
there. Each repair can be repeated. What a finished run left
is trusted, except that a missing tag is made again.

libgit2 believes any object file that exists, so that an empty one would never be written
again: this is why damaged ones are removed here, and only those younger than the dead run.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from hashlib import sha1
from pathlib import Path

from gitexport.model.snapshot import TAG_PATTERN, Commit, ObjectId
from gitexport.store import refs
from gitexport.store.git_errors import machine_error
from gitexport.store.journal import Journal, Run, remember_torn
from gitexport.store.reflog import forget_in_logs
from gitexport.store.repository import DataRepository
from gitexport.store.stale_locks import remove_stale_locks

MakeTag = Callable[[Commit], ObjectId]
"""Writes the annotated tag object of a snapshot's commit again, and gives its id."""

KEEP_TEXT = b"gitexport:"
"""How the keep files of gitexport begin; a person's do not."""

_OWN_DIRECTORIES = ("stage",)
_OWN_FILES = ("objects-*", "tmp*", "*.tmp", ".*.tmp", "pack-*.pack", "pack-*.idx")
_SLACK = timedelta(seconds=2)
_TRAILER_BYTES = 20
_CHUNK = 1 << 20


def recover(repository: DataRepository, branch: str, make_tag: MakeTag) -> list[str]:
    """Repairs what the last run left; gives a sentence for each repair that people may miss.

    Raises:
        LockedError: A lock file may be that of a git process at work.
        DecisionNeededError: A lock file of git may be somebody else's.
        CorruptRepositoryError: The branch or its history is damaged.
        MachineError: The machine refused a repair.
    """
    repaired: list[str] = []
    run = Journal(repository).last()
    try:
        if run is not None and run.finished_at is None:
            repaired += remove_stale_locks(repository, branch, run)
            repaired += _remove_damaged_objects(repository, run)
            repaired += _remove_torn_packs(repository, run)
            _remove_leftovers(repository, run)
            remember_torn(repository)
        _remove_unwritten(repository)
        if repaired:
            repository.forget()
        repaired += _restore_tag(repository, branch, make_tag)
        _remove_keep_files(repository, run)
    except OSError as error:
        raise machine_error(error) from error
    return repaired


def repairs_needed(repository: DataRepository, branch: str) -> list[str]:
    """Says what `recover` would find, and changes nothing.

    Raises:
        CorruptRepositoryError: The branch or its history is damaged.
    """
    needed = []
    run = Journal(repository).last()
    if run is not None and run.finished_at is None:
        needed.append(f"the run of {run.started_at:%Y-%m-%d %H:%M:%S}Z did not end")
    missing = _snapshot_without_tag(repository, branch)
    if missing is not None:
        needed.append(f"the snapshot '{missing.snapshot}' has no tag")
    return needed


def _remove_leftovers(repository: DataRepository, run: Run) -> None:
    state = repository.state_dir
    stages = {state / name for name in _OWN_DIRECTORIES}
    for directory in stages:
        if directory.is_dir() and not directory.is_symlink():
            shutil.rmtree(directory)
    own = [path for pattern in _OWN_FILES for path in state.glob(pattern)]
    for directory in (repository.objects, *_fan_out(repository)):
        own += _younger(_named(directory, "tmp_object_git2_*"), run)
    for path in own:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _remove_unwritten(repository: DataRepository) -> None:
    # A run that died while it began, or ended, left a journal that shows the run before it.
    for name in (".run.json.*.tmp", ".state.json.*.tmp"):
        for path in repository.state_dir.glob(name):
            path.unlink(missing_ok=True)


def _remove_damaged_objects(repository: DataRepository, run: Run) -> list[str]:
    repaired = []
    for directory in _fan_out(repository):
        for path in _younger(_named(directory, "?" * 38), run):
            if not _is_whole_object(path):
                path.unlink(missing_ok=True)
                name = path.parent.name + path.name
                repaired.append(f"removed the damaged object '{name}', to be written again")
    return repaired


def _fan_out(repository: DataRepository) -> list[Path]:
    return _named(repository.objects, "??")


def _named(directory: Path, pattern: str) -> list[Path]:
    # Somebody's `git gc` may remove a directory while it is listed.
    try:
        names = os.listdir(directory)  # noqa: PTH208 - names alone, all at once
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [directory / name for name in names if fnmatchcase(name, pattern)]


def _remove_torn_packs(repository: DataRepository, run: Run) -> list[str]:
    repaired = []
    for name, commit in zip(run.packs, run.commits, strict=True):
        pack = repository.objects / "pack" / f"{name}.pack"
        index = pack.with_suffix(".idx")
        if not pack.exists():
            continue
        if not (index.exists() and _is_whole(pack) and _is_whole(index)):
            # The branch moves only after a pack was read back, so nothing refers to this one.
            repaired.append(f"removed the unfinished pack '{name}'")
        elif refs.is_reached(repository, commit):
            continue
        forget_in_logs(repository, commit)
        index.unlink(missing_ok=True)
        pack.unlink()
        repository.forget()
    return repaired


def _remove_keep_files(repository: DataRepository, run: Run | None) -> None:
    packs = repository.objects / "pack"
    for name in run.packs if run is not None and run.finished_at is None else ():
        # Ours by name: the run may have died before it wrote what tells our keep files.
        (packs / f"{name}.keep").unlink(missing_ok=True)
    for keep in packs.glob("pack-*.keep"):
        with keep.open("rb") as stream:
            is_ours = stream.read(len(KEEP_TEXT)) == KEEP_TEXT
        if is_ours:
            keep.unlink()


def _restore_tag(repository: DataRepository, branch: str, make_tag: MakeTag) -> list[str]:
    commit = _snapshot_without_tag(repository, branch)
    if commit is None or commit.snapshot is None:
        return []
    refs.create_tag_ref(repository, commit.snapshot, make_tag(commit))
    return [f"made the tag '{commit.snapshot}' again"]


def _snapshot_without_tag(repository: DataRepository, branch: str) -> Commit | None:
    tip = refs.tip(repository, branch)
    commit = None if tip is None else refs.last_snapshot(repository, tip)
    if commit is None or commit.snapshot is None or not TAG_PATTERN.fullmatch(commit.snapshot):
        return None
    return None if refs.tag_exists(repository, commit.snapshot) else commit


def _younger(paths: Iterable[Path], run: Run) -> Iterator[Path]:
    oldest = (run.started_at - _SLACK).timestamp()
    for path in paths:
        try:
            if path.lstat().st_mtime >= oldest:
                yield path
        except FileNotFoundError:
            continue


def _is_whole_object(path: Path) -> bool:
    inflate = zlib.decompressobj()
    digest = sha1(usedforsecurity=False)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(inflate.decompress(chunk))
    except zlib.error:
        return False
    except FileNotFoundError:
        # Packed or pruned meanwhile: nothing is left to be damaged.
        return True
    return inflate.eof and digest.hexdigest() == path.parent.name + path.name


def _is_whole(path: Path) -> bool:
    """Tells whether a pack or its index ends with the SHA-1 of what comes before."""
    size = path.stat().st_size - _TRAILER_BYTES
    if size <= 0:
        return False
    digest = sha1(usedforsecurity=False)
    with path.open("rb") as stream:
        while size:
            chunk = stream.read(min(size, _CHUNK))
            digest.update(chunk)
            size -= len(chunk)
        return stream.read() == digest.digest()
