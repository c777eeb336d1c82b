"""Walking directories without following links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitexport.store.open_directories import MissingFrom, ObstructedError, OpenDirectories


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[OpenDirectories]:
    """A walk over an empty directory."""
    opened = OpenDirectories(tmp_path)
    yield opened
    opened.close()


def test_entering_gives_the_directory_itself(walk: OpenDirectories, tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)

    for name in ("a/b", "a", "a/b", ""):
        descriptor = walk.enter(name.encode())

        assert isinstance(descriptor, int)
        assert os.fstat(descriptor).st_ino == (tmp_path / name).stat().st_ino


def test_what_is_missing_is_named_from_the_deepest_directory(
    walk: OpenDirectories, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()

    found = walk.enter(b"a/b/c")

    assert isinstance(found, MissingFrom)
    assert (found.depth, found.names) == (1, [b"b", b"c"])
    assert os.fstat(found.descriptor).st_ino == (tmp_path / "a").stat().st_ino


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "pipe"])
def test_nothing_but_a_directory_is_entered_or_made_into_one(
    walk: OpenDirectories, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "real").mkdir()
    place = tmp_path / "a"
    if kind == "file":
        place.touch()
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("real" if kind == "link" else "nowhere")

    with pytest.raises(ObstructedError):
        walk.enter(b"a/b")
    with pytest.raises(ObstructedError):
        walk.make(b"a/b")
    assert list((tmp_path / "real").iterdir()) == []


def test_a_thinned_directory_goes_with_its_empty_parents_when_left(
    walk: OpenDirectories, tmp_path: Path
) -> None:
    walk.make(b"a/b/c")
    (tmp_path / "a/kept").touch()
    walk.thin()

    walk.enter(b"")

    assert [path.name for path in (tmp_path / "a").iterdir()] == ["kept"]


def test_an_empty_directory_that_was_not_thinned_stays(
    walk: OpenDirectories, tmp_path: Path
) -> None:
    walk.make(b"a/b")
    walk.enter(b"")

    assert (tmp_path / "a/b").is_dir()


def test_the_root_is_never_removed(tmp_path: Path) -> None:
    walk = OpenDirectories(tmp_path)
    walk.thin()
    walk.close()
    walk.close()

    assert tmp_path.is_dir()
