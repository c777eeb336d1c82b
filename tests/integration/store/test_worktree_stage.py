"""Files that were written beside the working tree move into it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gitexport.store.stage import StageWriter, holds_singles
from tests.fixtures.repositories import git
from tests.integration.store.viewed import PEOPLE, USERS, ViewedRepository, changes_between


def _stage(root: Path, files: dict[str, bytes], worktree: Path | None = None) -> dict[str, bytes]:
    writer = StageWriter(root, worktree)
    stats = {}
    for name, data in files.items():
        directory, _, base = name.encode().rpartition(b"/")
        stats[name] = writer.write(directory, base, data)
    return stats


def test_a_stage_moves_in_as_whole_directories(viewed: ViewedRepository) -> None:
    new = {f"data/orders/{key % 4:x}/{key}.json": b"order %d\n" % key for key in range(40)}
    new["data/users/0/400.json"] = b"beside others\n"
    new["manifest.json"] = b"{}\n"
    stage = viewed.gitdir / "gitexport" / "stage"
    stats = _stage(stage, new)
    inodes = {path.stat().st_ino for path in (stage / "data/orders").rglob("*")}
    files = {**viewed.files, **new}
    changes = changes_between(viewed.files, files, stats)
    viewed.commit(files)

    report = viewed.refresh(changes, stage)

    assert (report.written, report.kept) == (42, [])
    moved = {path.stat().st_ino for path in (viewed.path / "data/orders").rglob("*")}
    assert moved == inodes
    assert not (stage / "data/orders").exists()
    viewed.assert_clean()


@pytest.mark.parametrize("gone", [False, True])
def test_single_files_move_in_beside_others(repository_path: Path, *, gone: bool) -> None:
    made = ViewedRepository(repository_path)
    made.move({**PEOPLE, **USERS})
    stage = made.gitdir / "gitexport" / "stage"
    old = min(USERS)
    directory = old.rpartition("/")[0]
    new = {
        old: b"changed\n",
        f"{directory}/beside.json": b"new\n",
        f"{directory}/x/y.json": b"below\n",
        f"{directory}/z.json": b"new as well\n",
    }
    stats = _stage(stage, new, made.path)
    assert holds_singles(stage)
    files = {**made.files, **new}
    changes = changes_between(made.files, files, stats)
    made.commit(files)
    if gone:
        # Somebody removes what the stage was made for; the new directory goes in first.
        shutil.rmtree(made.path / directory)

    report = made.refresh(changes, stage)

    assert report.kept == ([old] if gone else [])
    for name in new.keys() - set(report.kept):
        assert (made.path / name).read_bytes() == new[name]
    left = git(made.path, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert all(line.startswith(" D ") for line in left)
    assert bool(left) is gone


def test_stat_data_of_staged_files_stays_true(repository_path: Path) -> None:
    made = ViewedRepository(repository_path)
    made.move(PEOPLE)
    stage = made.gitdir / "gitexport" / "stage"
    stats = _stage(stage, USERS)
    made.commit({**PEOPLE, **USERS})

    made.refresh(changes_between(PEOPLE, made.files, stats), stage)

    # diff-files looks at stat data alone.
    assert git(made.path, "diff-files", "--", "data") == ""
    made.assert_clean()


def test_a_stage_on_another_file_system_is_copied(plain: ViewedRepository) -> None:
    shared = Path("/dev/shm")  # noqa: S108 - a second file system, where there is one
    if not shared.is_dir() or shared.stat().st_dev == plain.path.stat().st_dev:
        pytest.skip("there is no second file system")
    new = {f"data/orders/{key}.json": b"order %d\n" % key for key in range(4)}
    stage = shared / f"gitexport-test-{os.getpid()}"
    try:
        stats = _stage(stage, new)
        files = {**plain.files, **new}
        changes = changes_between(plain.files, files, stats)
        plain.commit(files)

        report = plain.refresh(changes, stage)
    finally:
        subprocess.run(["rm", "-r", str(stage)], check=True)

    assert (report.written, report.kept) == (4, [])
    plain.assert_clean()
