"""The manifest says how many, never when."""

import pytest

from gitexport.canonical.check import check
from gitexport.canonical.manifest import Manifest
from gitexport.errors import ConfigError, CorruptRepositoryError
from gitexport.model.entity import Entity, Shard
from gitexport.model.relation import RelationName

ENTITY = Entity(
    "users", RelationName("a", "b"), ("id",), ("id",), "data/users", Shard.parse("mod/1/1/1")
)


def test_manifest_comes_back_and_is_canonical() -> None:
    manifest = Manifest("1.2.0").with_difference(ENTITY, count=3, size_bytes=900, schema="h")

    content = manifest.to_bytes()

    check(content)
    assert Manifest.parse(content) == manifest
    assert b"mod/1/1/1" in content


def test_counts_are_the_parents_plus_the_difference() -> None:
    first = Manifest("1").with_difference(ENTITY, count=10, size_bytes=100, schema="a")
    second = first.with_difference(ENTITY, count=-2, size_bytes=-30, schema="b")

    entity = second.entities["users"]

    assert (entity.count, entity.size_bytes, entity.schema) == (8, 70, "b")


def test_no_manifest_is_an_empty_one() -> None:
    assert Manifest.parse(None).entities == {}


def test_newer_format_asks_for_an_upgrade() -> None:
    with pytest.raises(ConfigError, match="newer"):
        Manifest.parse(b'{"format": 2, "version": "1", "entities": {}}')


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1, "entities": 3}'])
def test_damaged_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptRepositoryError):
        Manifest.parse(content)
