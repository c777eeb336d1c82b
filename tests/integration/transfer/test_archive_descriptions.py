"""An archive's index and manifest: refused unless they say what they should."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.integration.transfer.archives import TAG, Parts, link, manifest, refused, write


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
