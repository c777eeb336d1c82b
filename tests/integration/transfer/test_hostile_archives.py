"""Archives whose members want harm, by kind, path or size: refused before anything is used."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from gitexport.transfer.archive_reader import ArchiveReader
from gitexport.transfer.archive_stream import ArchiveLimits
from tests.integration.transfer.archives import Parts, link, refused, write


def test_archive_that_is_well_is_read(parts: Parts, tmp_path: Path) -> None:
    with ArchiveReader(write(tmp_path / "a.tar.gz", parts.blocks())) as reader:
        assert list(reader.documents("data/users")) == parts.members[5:]
        assert list(reader.documents("data/users-old")) == parts.members[4:5]
        assert reader.read("relations/users.json") == b"{}\n"
        assert reader.read("data/users/1.json") is None


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
