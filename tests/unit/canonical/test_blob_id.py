"""Blob ids that git gives, taken from `git hash-object --stdin`."""

from __future__ import annotations

import pytest

from gitexport.canonical.blob_id import blob_id


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"{}\n", "0967ef424bce6791893e9a57bb952f80fd536e93"),
        (b"what is up, doc?", "bd9dbf5aae1a3862dd1526723246b20206e5fc37"),
    ],
)
def test_ids_are_those_of_git(data: bytes, expected: str) -> None:
    assert blob_id(data) == bytes.fromhex(expected)
