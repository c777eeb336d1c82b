"""Archives that want harm, or met some: each refused with one error, before anything is used."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gitexport.errors import CorruptRepositoryError, UsageError
from gitexport.transfer.archive_reader import ArchiveReader
from gitexport.transfer.archive_stream import ArchiveLimits
from gitexport.transfer.tar_format import trailer_size
from tests.integration.transfer.archives import Parts, foreign_member, write

TAG = "20250622-072114"
ENTITY = {"bytes": 9, "count": 3, "directory": "data/users", "schema": "", "shard": "flat"}


def manifest(*directories: str) -> bytes:
    """Writes a manifest of entities with some directories."""
    entities = {f"e{n}": {**ENTITY, "directory": where} for n, where in enumerate(directories)}
    return json.dumps({"format": 1, "version": "1.0.0", "entities": entities}).encode()


@pytest.fixture
def parts() -> Parts:
    """A small archive that is well."""
    members = [
        ("export-summary.json", b"{}\n"),
        ("gitexport.toml", b"format = 1\n"),
        ("manifest.json", manifest("data/users", "data/users-old")),
        ("relations/users.json", b"{}\n"),
        ("data/users-old/1.json", b"{}\n"),
        ("data/users/1.json", b'{"a": 1}\n'),
        ("data/users/2.json", b'{"a": 2}\n'),
    ]
    return Parts(TAG, 1_750_576_874, members)


def refused(path: Path, words: str, limits: ArchiveLimits | None = None) -> None:
    """Asserts that an archive is refused in some words, and names the file."""
    with pytest.raises(CorruptRepositoryError, match=words) as caught:
        ArchiveReader(path, limits)
    assert caught.value.where == str(path)
    assert caught.value.exit_code == 7


def test_archive_that_is_well_is_read(parts: Parts, tmp_path: Path) -> None:
    with ArchiveReader(write(tmp_path / "a.tar.gz", parts.blocks())) as reader:
        assert list(reader.documents("data/users")) == parts.members[5:]
        assert list(reader.documents("data/users-old")) == parts.members[4:5]
        assert reader.read("relations/users.json") == b"{}\n"
        assert reader.read("data/users/1.json") is None


def link(name: str, kind: bytes, target: str = "/etc/passwd") -> bytes:
    """Writes a member that is no file."""
    info = tarfile.TarInfo(f"{TAG}/{name}")
    info.type, info.linkname, info.mtime = kind, target, 1_750_576_874
    return foreign_member(info)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.DIRTYPE, "a directory"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
    ],
)
def test_member_that_is_no_file(parts: Parts, tmp_path: Path, kind: bytes, words: str) -> None:
    blocks = parts.blocks()
    blocks[6] = link("data/users/1.json", kind)

    refused(write(tmp_path / "a.tar.gz", blocks), f"in the place of .* it holds {words}")


@pytest.mark.parametrize("path", ["/etc/cron.d/x", "../../x", "data/users/../../x", "a//b", "."])
def test_path_that_leaves_the_repository(parts: Parts, tmp_path: Path, path: str) -> None:
    parts.members.insert(4, (path, b"x"))

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "is not a path inside")


def test_member_that_the_index_lacks(parts: Parts, tmp_path: Path) -> None:
    blocks = parts.blocks()

    between = [*blocks[:6], parts.member("data/users/0.json", b"{}"), *blocks[6:]]
    refused(write(tmp_path / "a.tar.gz", between), "it holds '20250622-072114/data/users/0.json'")
    behind = [*blocks, parts.member("data/users/9.json", b"{}")]
    refused(write(tmp_path / "b.tar.gz", behind), "something follows the last member")


def test_member_that_is_missing(parts: Parts, tmp_path: Path) -> None:
    refused(write(tmp_path / "a.tar.gz", parts.blocks()[:-1]), "'data/users/2.json' is missing")


@pytest.mark.parametrize("place", [7, 8])
def test_member_twice(parts: Parts, tmp_path: Path, place: int) -> None:
    parts.members.insert(place, ("data/users/1.json", b'{"a": 9}\n'))

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "or stands there twice")


@pytest.mark.parametrize("name", ["manifest.json", "index.json", "gitexport.toml"])
def test_description_twice(parts: Parts, tmp_path: Path, name: str) -> None:
    parts.members.insert(3, (name, b"{}"))

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "stands there twice")


def test_file_behind_the_documents(parts: Parts, tmp_path: Path) -> None:
    parts.members.append(("relations/users.json", b"{}\n"))

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "does not stand where it belongs")


def test_content_that_was_changed(parts: Parts, tmp_path: Path) -> None:
    parts.index = parts.make_index()
    parts.replace("data/users/1.json", b'{"a": 7}\n')

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "'data/users/1.json' has not the SHA-256")


def test_content_of_another_size(parts: Parts, tmp_path: Path) -> None:
    parts.index = parts.make_index()
    parts.replace("data/users/1.json", b'{"a": 77}\n')

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "has not the size or the time")


def test_archive_without_an_index_first(parts: Parts, tmp_path: Path) -> None:
    blocks = parts.blocks()

    refused(write(tmp_path / "a.tar.gz", [*blocks[1:], blocks[0]]), "does not begin with")
    refused(write(tmp_path / "b.tar.gz", []), "does not begin with")
    refused(write(tmp_path / "c.tar.gz", [link("index.json", tarfile.SYMTYPE)]), "does not begin")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"members"', b'"Members"'),
        (b'"size": 3', b'"size": -3'),
        (b'"size": 3', b'"size": 3e0'),
        (b'"sha256": "', b'"sha256": "g'),
        (b"gitexport.archive/v1", b"gitexport.archive/v2"),
        (b'"path": "relations', b'"path": "\\ud800'),
        (b'"path": "relations/users.json",', b'"path": "relations/users.json", "x": 1,'),
        (b"}\n", b"}\n\n"),
    ],
)
def test_index_that_is_none(parts: Parts, tmp_path: Path, old: bytes, new: bytes) -> None:
    parts.index = parts.make_index().replace(old, new)

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "index.json|surrogates|characters")


def test_index_with_a_line_without_end(parts: Parts, tmp_path: Path) -> None:
    parts.index = b'{\n  "commit": "' + b"0" * 1_000_000

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "a line of its index is too long")


def test_index_of_another_snapshot(parts: Parts, tmp_path: Path) -> None:
    parts.index = parts.make_index().replace(TAG.encode(), b"20250101-000000")

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "that of another snapshot")


def test_directory_that_names_no_snapshot(parts: Parts, tmp_path: Path) -> None:
    parts.directory = ".."

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "that of another snapshot")


@pytest.mark.parametrize("directories", [("data", "data/users"), ("data/users", "data/users")])
def test_entities_in_each_other_s_directory(
    parts: Parts, tmp_path: Path, directories: tuple[str, ...]
) -> None:
    parts.replace("manifest.json", manifest(*directories))

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "share the directory")


def test_entity_outside_of_the_repository(parts: Parts, tmp_path: Path) -> None:
    parts.replace("manifest.json", manifest("../data"))

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "is not a path inside")


def test_manifest_that_is_none(parts: Parts, tmp_path: Path) -> None:
    parts.replace("manifest.json", b"[]")

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "'manifest.json' is no manifest")


def test_missing_description(parts: Parts, tmp_path: Path) -> None:
    del parts.members[2]

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "in the place of 'manifest.json'")
    del parts.members[1:]
    refused(write(tmp_path / "b.tar.gz", parts.blocks()), "it has no 'gitexport.toml'")


def test_bomb_is_stopped_early(parts: Parts, tmp_path: Path) -> None:
    limits = ArchiveLimits(any_ratio=1 << 20)
    parts.members.append(("data/users/3.json", b"1" * 50_000_000))

    path = write(tmp_path / "a.tar.gz", parts.blocks())
    assert path.stat().st_size < 100_000
    refused(path, "unpacks to more than 250 times its size", limits)
    # The same where the index itself is the bomb.
    parts.index = b'{\n  "commit": "' + b"\n" * 50_000_000
    refused(write(tmp_path / "b.tar.gz", parts.blocks()), "250 times|not an index", limits)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (ArchiveLimits(members=6), "more than 6 members"),
        (ArchiveLimits(member_size=8), "is larger than 8 bytes"),
        (ArchiveLimits(description_size=100), "'manifest.json' is larger than 100 bytes"),
        (ArchiveLimits(descriptions=3), "more than 3 files that are no documents"),
        (ArchiveLimits(total=8000), "more than 8,000 bytes"),
    ],
)
def test_limits_hold(parts: Parts, tmp_path: Path, limits: ArchiveLimits, words: str) -> None:
    parts.replace("export-summary.json", b"{}")

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), words, limits)


def test_member_that_claims_to_be_huge(parts: Parts, tmp_path: Path) -> None:
    index = parts.make_index().replace(b'"size": 9', b'"size": 99999999999')
    parts.index = index

    refused(write(tmp_path / "a.tar.gz", parts.blocks()), "is larger than 100,000,000 bytes")


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
