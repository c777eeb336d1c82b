"""Packs are what git itself would accept, whatever they are made of."""

import subprocess
from pathlib import Path
from random import Random

import pytest

from gitexport.errors import CorruptRepositoryError
from gitexport.store.pack import (
    FragmentWriter,
    ObjectKind,
    SealedPack,
    assemble,
    install,
    object_id,
    verify_installed,
)
from tests.fixtures.repositories import git


def write_fragment(path: Path, number: int, blobs: list[bytes]) -> FragmentWriter:
    writer = FragmentWriter(path, number)
    for blob in blobs:
        writer.add(ObjectKind.BLOB, blob)
    return writer


def seal(directory: Path, *parts: list[bytes]) -> SealedPack:
    fragments = [
        write_fragment(directory / f"part-{number}", number, blobs).close()
        for number, blobs in enumerate(parts)
    ]
    return assemble(fragments, directory)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    return path


def test_fragments_become_one_pack_that_git_verifies(bare: Path, tmp_path: Path) -> None:
    sealed = seal(tmp_path, [b"a", b"b" * 5000], [b"c"], [])

    install(sealed, bare / "objects")

    git(bare, "verify-pack", f"objects/pack/{sealed.name}.idx")
    assert sealed.count == 3
    assert git(bare, "cat-file", "-p", object_id(ObjectKind.BLOB, b"c").hex()) == "c"
    assert git(bare, "fsck", "--full", "--strict", "--no-dangling") == ""


def test_index_is_byte_for_byte_the_one_that_git_makes(tmp_path: Path) -> None:
    sealed = seal(tmp_path, [bytes([value]) * value for value in range(200)])
    index = tmp_path / "git.idx"

    subprocess.run(["git", "index-pack", "-o", str(index), str(sealed.pack)], check=True)

    assert index.read_bytes() == sealed.index.read_bytes()


def test_object_of_several_fragments_is_kept_once(bare: Path, tmp_path: Path) -> None:
    sealed = seal(tmp_path, [b"same", b"one", b"same"], [b"two", b"same"])

    install(sealed, bare / "objects")

    assert sealed.count == 3
    git(bare, "verify-pack", f"objects/pack/{sealed.name}.idx")
    git(bare, "index-pack", "--strict", f"objects/pack/{sealed.name}.pack")


def test_copies_anywhere_go_and_every_other_object_stays(tmp_path: Path) -> None:
    random = Random(7)  # noqa: S311 - test data
    blobs = [random.randbytes(random.choice([3, 300, 3000])) for _ in range(60)]
    parts = [[random.choice(blobs) for _ in range(80)] for _ in range(3)]

    sealed = seal(tmp_path, *parts)

    assert sealed.count == len({blob for part in parts for blob in part})
    index = tmp_path / "git.idx"
    subprocess.run(["git", "index-pack", "-o", str(index), str(sealed.pack)], check=True)
    assert index.read_bytes() == sealed.index.read_bytes()


@pytest.mark.parametrize("size", [11_999, 12_000, 12_001, 70_000])
def test_objects_on_both_sides_of_the_small_window_are_sound(
    bare: Path, tmp_path: Path, size: int
) -> None:
    text = b" ".join(b"%d" % number for number in range(size))[:size]

    install(seal(tmp_path, [text]), bare / "objects")

    assert git(bare, "fsck", "--full", "--strict", "--no-dangling") == ""
    assert git(bare, "cat-file", "-p", object_id(ObjectKind.BLOB, text).hex()) == text.decode()


def test_every_size_header_is_read_back(bare: Path, tmp_path: Path) -> None:
    blobs = [b"x" * size for size in (0, 1, 15, 16, 2047, 2048, 70_000, 1 << 20)]
    sealed = seal(tmp_path, blobs)

    install(sealed, bare / "objects")

    assert git(bare, "fsck", "--full", "--strict", "--no-dangling") == ""


def test_keep_file_protects_unreached_objects_from_maintenance(bare: Path, tmp_path: Path) -> None:
    sealed = seal(tmp_path, [b"not reached by any ref"])
    keep = install(sealed, bare / "objects")

    git(bare, "gc", "--prune=now", "--quiet")
    git(bare, "repack", "-a", "-d", "-q")

    assert (bare / "objects/pack" / sealed.pack.name).exists()
    keep.unlink()
    git(bare, "gc", "--prune=now", "--quiet")
    assert not (bare / "objects/pack" / sealed.pack.name).exists()


@pytest.mark.parametrize("suffix", ["pack", "idx"])
def test_flipped_byte_is_found_when_reading_back(bare: Path, tmp_path: Path, suffix: str) -> None:
    sealed = seal(tmp_path, [b"whole", b"sound"])
    install(sealed, bare / "objects")
    verify_installed(sealed, bare / "objects")
    path = bare / "objects/pack" / f"{sealed.name}.{suffix}"
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)

    with pytest.raises(CorruptRepositoryError, match="does not read back"):
        verify_installed(sealed, bare / "objects")


def test_vanished_pack_is_found_when_reading_back(bare: Path, tmp_path: Path) -> None:
    sealed = seal(tmp_path, [b"whole"])
    install(sealed, bare / "objects")
    (bare / "objects/pack" / sealed.pack.name).unlink()

    with pytest.raises(CorruptRepositoryError, match="vanished"):
        verify_installed(sealed, bare / "objects")
