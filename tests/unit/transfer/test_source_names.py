"""What a text names: a place, and a snapshot of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.api.snapshot_place import split_source
from gitexport.store.clone import is_url


@pytest.mark.parametrize(
    ("text", "place", "rev"),
    [
        ("data", "data", None),
        ("data@20250622-072114", "data", "20250622-072114"),
        ("data@latest~2", "data", "latest~2"),
        ("data@2025-06-22T07:21Z", "data", "2025-06-22T07:21Z"),
        ("git@example.org:shop/data.git", "git@example.org:shop/data.git", None),
        ("git@example.org:data.git@2025", "git@example.org:data.git", "2025"),
        ("https://example.org/a@b.git", "https://example.org/a@b.git", None),
        ("data@main", "data@main", None),
        ("@latest", "@latest", None),
    ],
)
def test_what_follows_the_last_at_counts_only_if_it_is_a_rev(
    tmp_path: Path, text: str, place: str, rev: str | None
) -> None:
    assert split_source(text, tmp_path) == (place, rev)


def test_a_path_that_exists_is_the_whole_of_a_source(tmp_path: Path) -> None:
    (tmp_path / "data@2025").mkdir()

    assert split_source("data@2025", tmp_path) == ("data@2025", None)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://example.org/data.git", True),
        ("file:///srv/data.git", True),
        ("ada@example.org:data.git", True),
        ("example.org:/srv/data.git", True),
        ("./a:b", False),
        ("data/snapshot.tar.gz", False),
    ],
)
def test_urls_are_told_from_paths(text: str, is_one: bool) -> None:  # noqa: FBT001 - a parameter
    assert is_url(text) is is_one
