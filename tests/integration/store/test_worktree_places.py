"""What stands where a refresh writes: directories, links, pipes, places that it may not change."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.store.viewed import PEOPLE, ViewedRepository, changes_between

_NOBODY = 65534


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
