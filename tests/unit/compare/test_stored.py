"""How a commit lays an entity out, where today's key is another one than then."""

from __future__ import annotations

import json

import pytest

from gitexport.canonical.manifest import EntityManifest
from gitexport.compare.stored import describe_entity
from gitexport.errors import ConfigError, CorruptRepositoryError
from gitexport.model.entity import Entity, Publication, Shard
from gitexport.model.relation import Column, Relation, RelationKind, RelationName
from gitexport.model.relation_json import relation_to_json

_COLUMNS = (Column("id", "integer", not_null=True), Column("name", "text", not_null=True))


def file_of(*primary_key: str) -> bytes:
    """Writes the file of a relation with an integer `id` and a text `name`."""
    relation = Relation(
        RelationName("public", "users"), RelationKind.TABLE, _COLUMNS, tuple(primary_key)
    )
    return json.dumps(relation_to_json(relation, ("id", "name"), None)).encode()


def publication(*key: str) -> Publication:
    """Configures `users` with a key."""
    name = RelationName("public", "users")
    entity = Entity("users", name, key, ("*",), "data/users", Shard.parse("hash/1"))
    return Publication("id", entities=(entity,))


def test_layout_for_numbers_is_that_of_the_key_of_the_relation() -> None:
    manifest = EntityManifest("data/users", "block/1", 1)

    stored = describe_entity(publication("name"), "users", manifest, file_of("id"))

    assert stored.key == ("id",)
    assert stored.paths.parse(b"data/users/1/42.json") == ("42",)


def test_layout_that_fits_the_configured_key_is_that_one() -> None:
    manifest = EntityManifest("data/users", "hash/1", 1)

    assert describe_entity(publication("name"), "users", manifest, file_of("id")).key == ("name",)


def test_layout_that_no_known_key_has_is_no_damage() -> None:
    manifest = EntityManifest("data/users", "block/1", 1)

    with pytest.raises(ConfigError, match="the key of 'users' was another one then"):
        describe_entity(publication("name"), "users", manifest, file_of("name"))


@pytest.mark.parametrize("shard", ["none", "hash" + "/4" * 17])
def test_layout_that_no_key_has_is_damage(shard: str) -> None:
    with pytest.raises(CorruptRepositoryError, match="do not say where documents are"):
        describe_entity(
            publication("name"), "users", EntityManifest("data/users", shard, 1), file_of("id")
        )
