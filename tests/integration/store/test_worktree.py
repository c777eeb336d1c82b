"""The refresh of a working tree, judged by the git program."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitexport.store.stage import StageWriter
from gitexport.store.worktree import refresh
from tests.fixtures.repositories import fsck, git
from tests.integration.store.viewed import ViewedRepository, blob_id, changes_between

_NOBODY = 65534
PEOPLE = {"README.md": b"# data\n", "docs/notes.txt": b"notes\n"}
USERS = {f"data/users/{key % 4:x}/{key}.json": b'{"id": %d}\n' % key for key in range(40)}


@pytest.fixture(params=["plain", "version 4", "split index", "untracked cache", "fsmonitor"])
def viewed(request: pytest.FixtureRequest, repository_path: Path) -> ViewedRepository:
    """A repository in step with its branch, with every kind of index that git writes."""
    made = ViewedRepository(repository_path)
    made.move({**PEOPLE, **USERS})
    command = {
        "plain": [],
        "version 4": ["--index-version", "4"],
        "split index": ["--split-index"],
        "untracked cache": ["--force-untracked-cache"],
        "fsmonitor": ["--force-write-index"],
    }[request.param]
    if request.param == "fsmonitor":
        hook = made.gitdir / "fsmonitor-test"
        hook.write_text("#!/bin/sh\nprintf '/\\0'\n")
        hook.chmod(0o755)
        git(made.path, "config", "core.fsmonitor", str(hook))
    if command:
        git(made.path, "update-index", *command)
        git(made.path, "status")
    return made


@pytest.fixture
def plain(repository_path: Path) -> ViewedRepository:
    """A repository in step with its branch."""
    made = ViewedRepository(repository_path)
    made.move({**PEOPLE, **USERS})
    return made


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


def test_an_edited_file_is_kept_and_the_index_moves_on(viewed: ViewedRepository) -> None:
    edited = viewed.path / "data/users/0/4.json"
    edited.write_bytes(b"mine\n")

    report = viewed.move({**viewed.files, "data/users/0/4.json": b"theirs\n"})

    assert report.kept == ["data/users/0/4.json"]
    assert report.kept_count == 1
    assert edited.read_bytes() == b"mine\n"
    assert viewed.status() == [" M data/users/0/4.json"]
    git(viewed.path, "checkout", "--", "data/users/0/4.json")
    viewed.assert_clean()


def test_discarding_edits_overwrites_them(viewed: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    (viewed.path / name).write_bytes(b"mine\n")
    git(viewed.path, "add", name)
    (viewed.path / name).write_bytes(b"mine again\n")
    (viewed.path / "data/users/1/1.json").unlink()

    changed = {name: b"theirs\n", "data/users/1/1.json": b"back\n"}
    report = viewed.move({**viewed.files, **changed}, discard=True)

    assert report.kept == []
    assert viewed.status() == []
    assert (viewed.path / name).read_bytes() == b"theirs\n"


def test_a_file_that_a_person_deleted_stays_deleted(viewed: ViewedRepository) -> None:
    (viewed.path / "data/users/0/4.json").unlink()

    report = viewed.move({**viewed.files, "data/users/0/4.json": b"theirs\n"})

    assert report.kept == ["data/users/0/4.json"]
    assert viewed.status() == [" D data/users/0/4.json"]


def test_an_edited_file_survives_its_deletion(viewed: ViewedRepository) -> None:
    (viewed.path / "data/users/0/4.json").write_bytes(b"mine\n")
    files = dict(viewed.files)
    del files["data/users/0/4.json"]

    report = viewed.move(files)

    assert report.kept == ["data/users/0/4.json"]
    assert viewed.status() == ["?? data/users/0/4.json"]


def test_an_untracked_file_in_the_way_is_kept(viewed: ViewedRepository) -> None:
    (viewed.path / "data/users/0/400.json").write_bytes(b"mine\n")

    report = viewed.move({**viewed.files, "data/users/0/400.json": b"theirs\n"})

    assert report.kept == ["data/users/0/400.json"]
    assert viewed.status() == [" M data/users/0/400.json"]


def test_a_staged_edit_that_is_in_the_file_becomes_unstaged(viewed: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    (viewed.path / name).write_bytes(b"mine\n")
    git(viewed.path, "add", name)

    report = viewed.move({**viewed.files, name: b"theirs\n"})

    assert report.kept == [name]
    assert viewed.status() == [f" M {name}"]
    assert (viewed.path / name).read_bytes() == b"mine\n"


def test_content_that_is_only_staged_stays_staged(viewed: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    (viewed.path / name).write_bytes(b"staged\n")
    git(viewed.path, "add", name)
    (viewed.path / name).write_bytes(b"edited further\n")

    report = viewed.move({**viewed.files, name: b"theirs\n"})

    assert (report.kept, report.kept_count) == ([name], 1)
    assert viewed.status() == [f"MM {name}"]
    assert git(viewed.path, "cat-file", "blob", f":{name}") == "staged"


def test_staged_content_stays_where_the_file_has_no_edit(viewed: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    old = viewed.files[name]
    (viewed.path / name).write_bytes(b"staged\n")
    git(viewed.path, "add", name)
    (viewed.path / name).write_bytes(old)

    report = viewed.move({**viewed.files, name: b"theirs\n"})

    assert report.kept == [name]
    assert git(viewed.path, "cat-file", "blob", f":{name}") == "staged"
    assert (viewed.path / name).read_bytes() == b"theirs\n"


def test_other_edits_and_untracked_files_are_not_touched(viewed: ViewedRepository) -> None:
    (viewed.path / "README.md").write_bytes(b"# edited\n")
    (viewed.path / "data/users/0/mine.txt").write_bytes(b"mine\n")
    (viewed.path / "docs/notes.txt").write_bytes(b"staged\n")
    git(viewed.path, "add", "docs/notes.txt")
    files = {name: data for name, data in viewed.files.items() if "/0/" not in name}

    report = viewed.move(files)

    assert report.kept == []
    assert viewed.status() == [" M README.md", "?? data/users/0/mine.txt", "M  docs/notes.txt"]


def test_vanished_directories_are_pruned_upward(plain: ViewedRepository) -> None:
    plain.move(PEOPLE)

    assert not (plain.path / "data").exists()
    plain.assert_clean()


def test_a_directory_with_untracked_files_is_not_pruned(plain: ViewedRepository) -> None:
    (plain.path / "data/mine.txt").write_bytes(b"mine\n")

    plain.move(PEOPLE)

    assert os.listdir(plain.path / "data") == ["mine.txt"]  # noqa: PTH208


def test_a_file_becomes_a_directory_and_back(viewed: ViewedRepository) -> None:
    before = dict(viewed.files)
    files = {**PEOPLE, "data/users": b"a file\n", "data/users-x": b"x", "data/users.y": b"y"}

    assert viewed.move(files).kept == []
    viewed.assert_clean()
    assert viewed.move(before).kept == []
    viewed.assert_clean()


def test_a_link_in_the_place_of_a_directory_is_not_followed(
    viewed: ViewedRepository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (viewed.path / "data/users/0").rename(outside)
    (viewed.path / "data/users/0").symlink_to(outside)
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    files = {**viewed.files, "data/users/0/4.json": b"theirs\n", "data/users/0/400.json": b"new\n"}
    del files["data/users/0/8.json"]

    report = viewed.move(files)

    names = ["data/users/0/4.json", "data/users/0/400.json", "data/users/0/8.json"]
    assert report.kept == names
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before


def test_a_link_in_the_place_of_a_file_is_kept(viewed: ViewedRepository, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_bytes(viewed.files["data/users/0/4.json"])
    (viewed.path / "data/users/0/4.json").unlink()
    (viewed.path / "data/users/0/4.json").symlink_to(outside)

    report = viewed.move({**viewed.files, "data/users/0/4.json": b"theirs\n"})

    assert report.kept == ["data/users/0/4.json"]
    assert (viewed.path / "data/users/0/4.json").is_symlink()
    assert outside.read_bytes() == b'{"id": 4}\n'


def test_a_pipe_in_the_place_of_a_file_is_kept(plain: ViewedRepository) -> None:
    (plain.path / "data/users/0/4.json").unlink()
    os.mkfifo(plain.path / "data/users/0/4.json")

    report = plain.move({**plain.files, "data/users/0/4.json": b"theirs\n"})

    assert report.kept == ["data/users/0/4.json"]


@pytest.mark.parametrize("discard", [False, True])
def test_a_directory_of_people_in_the_place_of_a_file_is_kept(
    plain: ViewedRepository, *, discard: bool
) -> None:
    (plain.path / "data/users/0/4.json").unlink()
    (plain.path / "data/users/0/4.json").mkdir()
    (plain.path / "data/users/0/4.json/mine.txt").write_bytes(b"mine\n")

    report = plain.move({**plain.files, "data/users/0/4.json": b"theirs\n"}, discard=discard)

    assert report.kept == ["data/users/0/4.json"]
    assert (plain.path / "data/users/0/4.json/mine.txt").read_bytes() == b"mine\n"


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


def test_a_conflict_of_people_is_left_to_them(plain: ViewedRepository) -> None:
    name = "data/users/0/4.json"
    for branch, text in (("one", b"one\n"), ("two", b"two\n")):
        git(plain.path, "checkout", "-q", "-b", branch, "main")
        (plain.path / name).write_bytes(text)
        git(plain.path, "commit", "-qam", branch)
    git(plain.path, "checkout", "-q", "main")
    git(plain.path, "merge", "-q", "one")
    subprocess.run(["git", "merge", "-q", "two"], cwd=plain.path, check=False, capture_output=True)
    plain.files[name] = b"one\n"
    unmerged = git(plain.path, "ls-files", "-u")

    report = plain.move({**plain.files, name: b"theirs\n", "data/users/0/8.json": b"new\n"})

    assert report.kept == [name]
    assert git(plain.path, "ls-files", "-u") == unmerged
    assert plain.status() == [f"UU {name}"]


def test_new_files_and_directories_respect_the_umask(repository_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; os.umask(0o027)\n"
        "from tests.integration.store.viewed import ViewedRepository\n"
        "ViewedRepository(Path(sys.argv[1])).move({'data/x/1.json': b'1'})\n"
    )
    subprocess.run([sys.executable, "-c", script, str(repository_path)], check=True)

    assert (repository_path / "data/x/1.json").stat().st_mode & 0o777 == 0o640
    assert (repository_path / "data/x").stat().st_mode & 0o777 == 0o750


@contextmanager
def _without_privileges(path: Path) -> Iterator[None]:
    """Root may write everywhere, so root becomes somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    for found in [path, *path.rglob("*")]:
        os.chown(found, _NOBODY, _NOBODY, follow_symlinks=False)
    for above in path.parents:
        if above == Path(tempfile.gettempdir()):
            break
        above.chmod(0o711)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for found in [path, *path.rglob("*")]:
            os.chown(found, 0, 0, follow_symlinks=False)


def test_a_read_only_directory_is_refused_with_its_reason(plain: ViewedRepository) -> None:
    changed = {"data/users/0/4.json": b"theirs\n", "data/users/1/1.json": b"theirs\n"}
    files = {**plain.files, **changed}
    changes = changes_between(plain.files, files)
    plain.commit(files)
    (plain.path / "data/users/0").chmod(0o555)
    with _without_privileges(plain.path):
        report = plain.refresh(changes)
    (plain.path / "data/users/0").chmod(0o755)

    assert report.refused == ["data/users/0/4.json: Permission denied"]
    assert (report.written, report.kept) == (1, [])
    assert plain.status() == [" M data/users/0/4.json"]


def _stage(root: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    writer = StageWriter(root)
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


def test_people_may_go_on_after_a_refresh(viewed: ViewedRepository) -> None:
    viewed.move({**viewed.files, "data/users/0/4.json": b"theirs\n"})
    (viewed.path / "README.md").write_bytes(b"# edited\n")

    git(viewed.path, "commit", "-qam", "edit")

    assert git(viewed.path, "show", "--format=", "--name-only") == "README.md"
    fsck(viewed.path)
