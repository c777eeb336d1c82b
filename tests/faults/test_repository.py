"""A data repository that is locked, detached, shallow, damaged or somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gitexport.store.lock import RepositoryLock
from tests.faults.outside import Outside
from tests.fixtures.repositories import fsck, git

_STRANGER = 12345


def test_locked_by_another_run(outside: Outside) -> None:
    with RepositoryLock(outside.repository):
        error = outside.failed(4)

    assert f"process {os.getpid()}" in error["error"]
    outside.heal()


def test_branch_locked_by_another_git(outside: Outside) -> None:
    lock = outside.path / ".git/refs/heads/main.lock"
    lock.write_text("")
    tip = outside.tip()

    error = outside.failed(6)

    assert str(lock) in error["error"]
    assert lock.exists()
    assert (outside.tip(), outside.pending()) == (tip, 5)
    lock.unlink()
    outside.heal()


def test_index_locked_by_another_git_delays_the_files_only(outside: Outside) -> None:
    lock = outside.path / ".git/index.lock"
    lock.write_text("")

    ended = outside.run("export")

    assert ended.code == 0, ended.err
    assert "the working tree was not refreshed" in ended.err
    assert outside.pending() == 0
    lock.unlink()
    outside.heal()


def test_edited_document_is_left_and_named(outside: Outside) -> None:
    (edited,) = (outside.path / "data/users").rglob("3.json")
    edited.write_text("mine\n")

    ended = outside.run("export", "-o", "json")

    assert ended.code == 6, ended.err
    assert json.loads(ended.out)["kept_edits"] == [str(edited.relative_to(outside.path))]
    assert "--override edits" in ended.error["hint"]
    assert edited.read_text() == "mine\n"
    git(outside.path, "checkout", "--", "data")
    outside.heal()


def test_detached_head_stays_where_it_is(outside: Outside) -> None:
    git(outside.path, "checkout", "-q", "--detach")
    head, tip = git(outside.path, "rev-parse", "HEAD"), outside.tip()

    ended = outside.run("export", "-q")

    assert ended.code == 0, ended.err
    assert outside.tip() != tip
    assert git(outside.path, "rev-parse", "HEAD") == head
    assert git(outside.path, "status", "--porcelain") == ""


def test_shallow_clone_is_refused(outside: Outside, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{outside.path}", str(clone))

    error = Outside(outside.dsn, clone).failed(2)

    assert "is shallow" in error["error"]
    assert error["hint"] == "run 'git fetch --unshallow'"


@pytest.mark.parametrize("what", ["commit", "tree"])
def test_damaged_object_is_named_and_nothing_is_acknowledged(outside: Outside, what: str) -> None:
    name = git(outside.path, "rev-parse", "main" if what == "commit" else "main^{tree}")
    tip = outside.tip()
    _damage(outside.path, name)

    error = outside.failed(7)

    assert error["hint"]
    assert (outside.tip(), outside.pending()) == (tip, 5)
    _damage(outside.path, name)
    outside.heal()


def _damage(path: Path, name: str) -> None:
    """Flips bits of one packed object; a second time mends it."""
    for index in (path / ".git/objects/pack").glob("*.idx"):
        with index.open("rb") as stream:
            listed = subprocess.check_output(["git", "show-index"], stdin=stream, text=True)
        for line in listed.splitlines():
            offset, found, *_crc = line.split()
            if found == name:
                pack = index.with_suffix(".pack")
                content = bytearray(pack.read_bytes())
                content[int(offset) + 8] ^= 0xFF
                pack.chmod(0o644)
                pack.write_bytes(content)
                return
    raise AssertionError(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_repository_of_another_user_is_refused(outside: Outside) -> None:
    os.chown(outside.path, _STRANGER, _STRANGER)
    for found in outside.path.rglob("*"):
        os.chown(found, _STRANGER, _STRANGER)

    error = outside.failed(10)

    assert "belongs to another user" in error["error"]
    assert "safe.directory" in error["hint"]
    for found in (outside.path, *outside.path.rglob("*")):
        os.chown(found, os.geteuid(), os.getegid())
    outside.heal()


def test_missing_tag_is_made_again(outside: Outside) -> None:
    (tag,) = git(outside.path, "tag").split()
    git(outside.path, "tag", "-d", tag)

    outside.heal()

    assert tag in git(outside.path, "tag").split()


def test_collected_garbage_is_no_loss(outside: Outside) -> None:
    for _run in range(2):
        git(outside.path, "gc", "-q", "--prune=now")
        outside.heal()
        outside.sql("UPDATE users SET name = name || '.'")
    shutil.rmtree(outside.path / ".git/gitexport/stage", ignore_errors=True)
    outside.heal()
    fsck(outside.path)
