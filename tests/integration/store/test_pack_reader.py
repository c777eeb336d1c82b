"""Blobs read out of packs are those of git, wherever git keeps them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest

from gitexport.errors import CorruptRepositoryError
from gitexport.store import pack_reader
from gitexport.store.pack_reader import BlobReader
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git

COUNT = 3_000
DELTA_FIELDS = 7


def _contents() -> list[bytes]:
    dice = Random(7)  # noqa: S311 - the same texts each time
    texts = [dice.randbytes(dice.randrange(400)).hex() for _ in range(COUNT)]
    return [f'{{\n  "id": {n},\n  "text": "{text}"\n}}\n'.encode() for n, text in enumerate(texts)]


@pytest.fixture
def repository(repository_path: Path) -> DataRepository:
    """Makes a repository with loose blobs, half of which nearly equal one another."""
    DataRepository.create(repository_path)
    for number, content in enumerate(_contents()):
        path = repository_path / f"{number}.json"
        path.write_bytes(content)
        path.with_suffix(".txt").write_bytes(b"the same " * 200 + b"%d\n" % number)
    git(repository_path, "add", "-A")
    git(repository_path, "commit", "-qm", "all")
    return DataRepository.open(repository_path)


def _blobs(repository: DataRepository) -> dict[bytes, str]:
    listed = git(repository.path, "ls-tree", "-r", "HEAD").splitlines()
    fields = [line.split() for line in listed]
    return {bytes.fromhex(blob): name for _mode, _kind, blob, name in fields}


def _is_read(repository: DataRepository) -> int:
    """Compares every blob with its file; counts those that a pack gave."""
    reader, blobs = BlobReader(repository), _blobs(repository)
    found = 0
    for blob, name in blobs.items():
        assert reader.read(blob) == (repository.path / name).read_bytes()
        found += any(pack.read(blob) is not None for pack in reader._packs)
    listing = BlobReader(repository, expected=len(blobs))
    for opened in (reader, listing):
        files = [(repository.path / name).read_bytes() for name in blobs.values()]
        assert list(opened.read_all(blobs)) == files
    assert all(pack.listed is not None for pack in listing._packs)
    assert all(pack.listed is None for pack in reader._packs)
    return found


def test_every_blob_is_read_loose_packed_and_as_a_delta(repository: DataRepository) -> None:
    assert _is_read(repository) == 0
    git(repository.path, "repack", "-adq", "--window=10")
    (index,) = _indexes(repository)
    packed = git(repository.path, "verify-pack", "-v", str(index)).splitlines()
    assert sum(len(line.split()) == DELTA_FIELDS for line in packed) > COUNT // 2
    assert COUNT <= _is_read(repository) < 2 * COUNT
    git(repository.path, "repack", "-adfq", "--window=0", "--depth=0")
    assert _is_read(repository) == 2 * COUNT


def test_small_packs_are_left_to_the_object_database(
    repository: DataRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository.path, "repack", "-adfq", "--window=0")
    monkeypatch.setattr(pack_reader, "_MANY_OBJECTS", 3 * COUNT)

    assert _is_read(repository) == 0


def test_old_indexes_are_left_to_the_object_database(repository: DataRepository) -> None:
    git(repository.path, "-c", "pack.indexVersion=1", "repack", "-adfq", "--window=0")

    assert _is_read(repository) == 0


def test_packs_that_are_replaced_meanwhile_stay_readable(repository: DataRepository) -> None:
    git(repository.path, "repack", "-adfq", "--window=0")
    reader = BlobReader(repository)
    git(repository.path, "-c", "pack.compression=9", "repack", "-adFq", "--window=0")
    git(repository.path, "prune-packed")

    for blob, name in _blobs(repository).items():
        assert reader.read(blob) == (repository.path / name).read_bytes()


@pytest.mark.parametrize("expected", [0, COUNT])
def test_other_objects_and_unknown_ids_are_no_blobs(
    repository: DataRepository, expected: int
) -> None:
    git(repository.path, "repack", "-adfq", "--window=0")
    reader = BlobReader(repository, expected)
    commit = bytes.fromhex(git(repository.path, "rev-parse", "HEAD"))

    for object_id in (commit, bytes(20), b"\xff" * 20):
        with pytest.raises(CorruptRepositoryError):
            reader.read(object_id)
        with pytest.raises(CorruptRepositoryError):
            list(reader.read_all([object_id]))


def test_damaged_blob_is_named(repository: DataRepository) -> None:
    git(repository.path, "repack", "-adfq", "--window=0")
    (index,) = _indexes(repository)
    blob = git(repository.path, "rev-parse", "HEAD:7.json")
    with index.open("rb") as stream:
        shown = subprocess.run(
            ["git", "show-index"], stdin=stream, capture_output=True, text=True, check=True
        ).stdout
    (offset,) = [int(line.split()[0]) for line in shown.splitlines() if blob in line]
    pack = index.with_suffix(".pack")
    pack.chmod(0o644)
    with pack.open("r+b") as file:
        file.seek(offset + 20)
        byte = file.read(1)[0]
        file.seek(offset + 20)
        file.write(bytes([byte ^ 0x55]))

    with pytest.raises(CorruptRepositoryError, match=blob):
        BlobReader(repository).read(bytes.fromhex(blob))
    with pytest.raises(CorruptRepositoryError, match=blob):
        list(BlobReader(repository, expected=COUNT).read_all([bytes.fromhex(blob)]))


def _indexes(repository: DataRepository) -> list[Path]:
    return sorted((repository.objects / "pack").glob("*.idx"))
