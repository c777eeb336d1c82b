"""Staged files and the stat data that the index keeps of them."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

import pytest

from gitexport.errors import MachineError
from gitexport.store.stage import StageWriter, holds_singles, single_file
from gitexport.store.stat_data import STAT_SIZE, pack_stat


def test_writes_bytes_below_directories_made_on_demand(tmp_path: Path) -> None:
    writer = StageWriter(tmp_path / "stage")

    writer.write(b"data/users/0", b"1.json", b"one\n")
    writer.write(b"data/users/0", b"2.json", b"two\n")
    writer.write(b"", b"manifest.json", b"{}\n")

    written = {
        str(path.relative_to(tmp_path / "stage")): path.read_bytes()
        for path in tmp_path.rglob("*.json")
    }
    assert written == {
        "data/users/0/1.json": b"one\n",
        "data/users/0/2.json": b"two\n",
        "manifest.json": b"{}\n",
    }


def test_files_of_directories_that_exist_stand_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "tree/data/users").mkdir(parents=True)
    root = tmp_path / "stage"
    writer = StageWriter(root, tmp_path / "tree")
    assert not holds_singles(root)

    writer.write(b"data/users", b"1.json", b"one\n")
    writer.write(b"data/orders", b"1.json", b"order\n")

    assert holds_singles(root)
    assert [path.name for path in root.rglob("*.json")] == ["1.json"]
    assert (root / "data/orders/1.json").read_bytes() == b"order\n"
    one = Path(os.fsdecode(single_file(os.fsencode(root) + b"/", b"data/users/1.json")))
    assert one.read_bytes() == b"one\n"
    with pytest.raises(MachineError) as caught:
        writer.write(b"data/users", b"1.json", b"other\n")
    assert isinstance(caught.value.__cause__, FileExistsError)


def test_stat_data_is_that_of_the_file_and_survives_a_renamed_directory(tmp_path: Path) -> None:
    found = StageWriter(tmp_path / "stage").write(b"data/users/0", b"1.json", b"one\n")

    assert found == pack_stat((tmp_path / "stage/data/users/0/1.json").lstat())
    (tmp_path / "stage/data").rename(tmp_path / "data")
    assert found == pack_stat((tmp_path / "data/users/0/1.json").lstat())


def test_a_staged_file_looks_settled(tmp_path: Path) -> None:
    StageWriter(tmp_path).write(b"data", b"1.json", b"one\n")

    age = time.time() - (tmp_path / "data/1.json").stat().st_mtime
    assert 1.9 < age < 60


def test_a_file_is_never_staged_twice(tmp_path: Path) -> None:
    writer = StageWriter(tmp_path)
    writer.write(b"data", b"1.json", b"one\n")

    with pytest.raises(MachineError, match=r"data/1\.json") as caught:
        writer.write(b"data", b"1.json", b"other\n")
    assert caught.value.where == str(tmp_path / "data/1.json")
    assert (tmp_path / "data/1.json").read_bytes() == b"one\n"


def test_fields_are_big_endian_and_cut_to_32_bits() -> None:
    found = os.stat_result(
        (0o100755, 2**33 + 5, 2**32 + 7, 1, 2**32 + 1000, 2**32 + 1001, 2**32 + 3, 0, 0, 0),
        {
            "st_mtime_ns": (2**32 + 9) * 10**9 + 999_999_999,
            "st_ctime_ns": 11 * 10**9 + 1,
            "st_atime_ns": 0,
        },
    )

    packed = pack_stat(found)

    assert len(packed) == STAT_SIZE
    assert struct.unpack(">10I", packed) == (
        11, 1, 9, 999_999_999, 7, 5, 0o100644, 1000, 1001, 3,
    )  # fmt: skip
