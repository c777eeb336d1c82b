"""The refresh of a working tree, judged by the git program."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from gitexport.store.worktree import refresh
from tests.fixtures.repositories import git
from tests.integration.store.viewed import PEOPLE, USERS, ViewedRepository, blob_id, changes_between


def test_a_first_refresh_makes_index_and_files(repository_path: Path) -> None:
    made = ViewedRepository(repository_path)

    report = made.move({**PEOPLE, **USERS})

    assert (report.written, report.removed, report.kept, report.stale) == (42, 0, [], None)
    made.assert_clean()


def test_adds_modifies_and_deletes_in_every_kind_of_index(viewed: ViewedRepository) -> None:
    files = {name: data for name, data in viewed.files.items() if not name.endswith("3.json")}
    files["data/users/0/4.json"] = b"changed\n"
    files["data/users/f/77.json"] = b"new\n"

    report = viewed.move(files)

    assert (report.written, report.removed, report.kept) == (2, 4, [])
    viewed.assert_clean()


def test_a_missing_index_is_made_from_the_commit(plain: ViewedRepository) -> None:
    (plain.gitdir / "index").unlink()

    plain.move({**plain.files, "data/users/0/4.json": b"changed\n"})

    plain.assert_clean()


def _random_name(dice: random.Random) -> str:
    parts = [dice.choice("abcdef") for _ in range(dice.randrange(4))]
    name = dice.choice(["x", "x-y", "x.y", "ä", "long" * dice.randrange(1, 60), str(dice.random())])
    return "/".join([*parts, f"{name}.json"])


def _next_files(dice: random.Random, files: dict[str, bytes]) -> dict[str, bytes]:
    new = dict(files)
    for name in dice.sample(sorted(new), min(len(new), dice.randrange(20))):
        del new[name]
    for name in dice.sample(sorted(new), min(len(new), dice.randrange(20))):
        new[name] = b"%d\n" % dice.randrange(10**6)
    for _ in range(dice.randrange(20)):
        new[_random_name(dice)] = b"%d\n" % dice.randrange(10**6)
    if dice.random() < 0.2:
        gone = dice.choice("abcdef")
        new = {name: data for name, data in new.items() if not name.startswith(gone)}
    return new


@pytest.mark.parametrize("version", ["2", "4"])
def test_random_rounds_are_what_git_says(repository_path: Path, version: str) -> None:
    dice = random.Random(int(version))  # noqa: S311 - reproducible, no secret
    made = ViewedRepository(repository_path)
    made.move(PEOPLE)
    git(made.path, "update-index", "--index-version", version)
    for round_number in range(25):
        report = made.move(_next_files(dice, made.files))

        assert (report.kept, report.refused, report.stale) == ([], [], None)
        listed = git(made.path, "ls-files", "-s", "-z").split("\0")[:-1]
        expected = [
            f"100644 {blob_id(data).hex()} 0\t{name}"
            for name, data in sorted(made.files.items(), key=lambda item: item[0].encode())
        ]
        assert listed == expected
        if round_number % 5 == 0:
            made.assert_clean()
    made.assert_clean()


def test_a_held_lock_touches_nothing_and_is_repaired_later(viewed: ViewedRepository) -> None:
    (viewed.gitdir / "index.lock").touch()
    before = dict(viewed.files)
    files = {**viewed.files, "data/users/0/4.json": b"theirs\n"}

    report = viewed.move(files)

    assert report.stale is not None
    assert "index.lock" in report.stale
    assert report.written == 0
    assert (viewed.path / "data/users/0/4.json").read_bytes() == before["data/users/0/4.json"]
    (viewed.gitdir / "index.lock").unlink()
    assert viewed.refresh(changes_between(before, files)).stale is None
    viewed.assert_clean()


def test_a_refresh_run_twice_changes_nothing(viewed: ViewedRepository) -> None:
    before = dict(viewed.files)
    viewed.move({**viewed.files, "data/users/0/4.json": b"theirs\n"})
    inode = (viewed.path / "data/users/0/4.json").stat().st_ino

    report = viewed.refresh(changes_between(before, viewed.files))

    assert (report.written, report.kept) == (0, [])
    assert (viewed.path / "data/users/0/4.json").stat().st_ino == inode
    viewed.assert_clean()


def test_a_reader_never_sees_a_part_of_a_file(plain: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    versions = [bytes([65 + number]) * 300_000 for number in range(2)]
    plain.move({**plain.files, name: versions[0]})
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add((plain.path / name).read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 30):
        plain.move({**plain.files, name: versions[number % 2]})
    done.set()
    reader.join()

    assert seen <= set(versions)
    assert len(seen) == 2


def test_a_failure_halfway_is_completed_by_the_same_refresh(viewed: ViewedRepository) -> None:
    before = dict(viewed.files)
    files = {name: data + b"more\n" for name, data in before.items()}
    del files["data/users/3/3.json"]
    changes = changes_between(before, files)
    viewed.commit(files)
    wanted = iter(range(20))

    def failing(blob: bytes) -> bytes:
        if next(wanted, None) is None:
            raise KeyboardInterrupt
        return viewed.read_blob(blob)

    with pytest.raises(KeyboardInterrupt):
        refresh(viewed.path, viewed.gitdir, changes, read_blob=failing)
    assert not (viewed.gitdir / "index.lock").exists()

    assert viewed.refresh(changes).kept == []
    viewed.assert_clean()


def test_progress_counts_every_change(repository_path: Path) -> None:
    made = ViewedRepository(repository_path)
    files = {f"data/{key}.json": b"x" for key in range(300)}
    made.commit(files)
    steps: list[int] = []

    refresh(
        made.path,
        made.gitdir,
        changes_between({}, files),
        read_blob=made.read_blob,
        on_progress=steps.append,
    )

    assert sum(steps) == 300
    assert len(steps) == 2
