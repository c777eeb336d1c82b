"""Archives that met harm, or are none: whatever was changed, cut or flipped is noticed."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitexport.errors import CorruptRepositoryError, UsageError
from gitexport.transfer.archive_reader import ArchiveReader
from gitexport.transfer.tar_format import trailer_size
from tests.integration.transfer.archives import Parts, refused, write


def test_content_that_was_changed(parts: Parts, tmp_path: Path) -> None:
    parts.index = parts.make_index()
    parts.replace("data/users/1.json", b'{"a": 7}\n')

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "'data/users/1.json' has not the SHA-256")


def test_content_of_another_size(parts: Parts, tmp_path: Path) -> None:
    parts.index = parts.make_index()
    parts.replace("data/users/1.json", b'{"a": 77}\n')

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "has not the size or the time")


def cut(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def flip(whole: bytes) -> bytes:
    return whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]


def twice(whole: bytes) -> bytes:
    return whole + whole


def followed(whole: bytes) -> bytes:
    return whole + b"#!/bin/sh"


@pytest.mark.parametrize("damage", [cut, flip, twice, followed, lambda _whole: b"PK\3\4" * 300])
def test_damaged_file(parts: Parts, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path / "a.tar.gz", parts.blocks())
    path.write_bytes(damage(path.read_bytes()))

    refused(path, "ends too early|is damaged|something follows")


def test_every_bit_matters(parts: Parts, tmp_path: Path) -> None:
    whole = b"".join(parts.blocks())
    whole += bytes(trailer_size(len(whole)))
    commit = whole.index(b"0" * 40)
    path = tmp_path / "a.tar.gz"
    accepted = set()
    for place in range(0, len(whole), 37):
        changed = whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]
        path.write_bytes(gzip.compress(changed, 1))
        with contextlib.suppress(CorruptRepositoryError), ArchiveReader(path):
            accepted.add(place)
    # The index says the commit, and nothing else in the archive says it too.
    assert accepted <= set(range(commit, commit + 40))


def test_what_changes_after_it_was_verified_is_refused(parts: Parts, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar.gz", parts.blocks())
    with ArchiveReader(path) as reader:
        documents = reader.documents("data/users")
        assert next(documents)[0] == "data/users/1.json"
        # An archive that is well in itself, and another one.
        parts.replace("data/users/2.json", b'{"a": 3}\n')
        write(path, parts.blocks())
        with pytest.raises(CorruptRepositoryError, match="it changed while it was read"):
            next(documents)
        with pytest.raises(CorruptRepositoryError, match="it changed while it was read"):
            reader.read("relations/users.json")


def test_what_is_no_file_is_said_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path / "none", "there is no archive"),
        (tmp_path / "pipe", "is not a regular file"),
        (tmp_path, "is not a regular file"),
    ):
        with pytest.raises(UsageError, match=words):
            ArchiveReader(path)
