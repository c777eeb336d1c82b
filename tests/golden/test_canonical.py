"""Bytes of canonical form, version 1: a change of these files is a new version of the format.

Each `case.in` is a row's text as the compiled SELECT gives it, `^` standing for the mark
U+0001, with the kinds of its nested values on the first line; `case.json` is its document.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.canonical.blob_id import blob_id
from gitexport.canonical.check import check
from gitexport.canonical.encode import MARK, assemble
from gitexport.canonical.keys import encode_key
from gitexport.canonical.shards import PathFunction
from gitexport.model.entity import Shard
from gitexport.model.ports import NestedKind

CASES = Path(__file__).parent / "canonical"
IDS = {
    "hostile": "3a3b27aa5384ff89e27c150a42f9376629758887",
    "numbers": "b238f8b3829a7a426584c2fd88e1b7468c1554ea",
    "plain": "ae2c539bd265e8a97077667260c1459729925566",
}


@pytest.mark.parametrize("case", sorted(IDS))
def test_documents_keep_their_bytes(case: str) -> None:
    first, _, text = (CASES / f"{case}.in").read_bytes().partition(b"\n")
    kinds = [NestedKind(kind) for kind in first.decode().split()]
    expected = (CASES / f"{case}.json").read_bytes()

    assert assemble(text.replace(b"^", MARK), kinds) == expected
    assert blob_id(expected).hex() == IDS[case]
    check(expected)


def test_every_case_has_an_id() -> None:
    assert sorted(path.stem for path in CASES.glob("*.json")) == sorted(IDS)


def test_paths_keep_their_bytes() -> None:
    """Each line: shard, types of the key columns, the key's parts, the path."""
    for line in (CASES / "paths.tsv").read_text(encoding="utf-8").splitlines():
        shard, types, *parts, path = line.split("\t")
        key = tuple(part.encode().decode("unicode_escape") for part in parts)
        integers = tuple(letter == "i" for letter in types)
        directory, name = PathFunction("d", Shard.parse(shard), integers).path(key)

        assert f"{directory.decode()}/{name.decode()}" == path
        assert path.endswith(f"{encode_key(key, integers)}.json")
