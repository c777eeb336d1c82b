"""What a data repository publishes: entities, documents made by queries, and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from gitexport.model.relation import RelationName

MANIFEST_PATH = "manifest.json"
CONFIG_PATH = "gitexport.toml"
RELATIONS_DIRECTORY = "relations"
FORMAT_VERSION = 1


class Tracking(str, Enum):
    """How the source says which rows are pending."""

    FLAG = "flag"
    TABLE = "table"
    COMPARE = "compare"


class Deletes(str, Enum):
    """What a row's deletion does to its document."""

    FOLLOW = "follow"
    KEEP = "keep"


class ShardKind(str, Enum):
    """How a key chooses its directory."""

    FLAT = "flat"
    BLOCK = "block"
    MOD = "mod"
    HASH = "hash"


class Shard(NamedTuple):
    """A kind, and the number of hex digits of each directory level."""

    kind: ShardKind
    levels: tuple[int, ...] = ()

    def __str__(self) -> str:
        return "/".join([self.kind.value, *map(str, self.levels)])

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Reads `flat` or a kind with one number of hex digits for each level.

        Raises:
            ValueError: The text is neither.
        """
        name, *levels = text.split("/")
        kinds = {kind.value: kind for kind in ShardKind}
        usable = all(level in {"1", "2", "3", "4"} for level in levels)
        if name not in kinds or not usable or (name == "flat") != (not levels):
            message = f"'{text}' is not a shard: flat, block/1/1, mod/1/1/1 or hash/1/1"
            raise ValueError(message)
        return cls(kinds[name], tuple(int(level) for level in levels))


class ModifiedDimension(NamedTuple):
    """A relation whose boolean `column` tells that rows with the same `on` have changed."""

    relation: RelationName
    on: str
    column: str = "modified"


class Entity(NamedTuple):
    """A configured kind of thing: one relation, one directory, one document for each row."""

    name: str
    relation: RelationName
    key: tuple[str, ...]
    columns: tuple[str, ...]
    directory: str
    shard: Shard
    exclude: tuple[str, ...] = ()
    where: str | None = None
    flag: str = "json_exported"
    tracking: Tracking = Tracking.FLAG
    label: str | None = None
    natural_key: tuple[str, ...] = ()
    modified: ModifiedDimension | None = None
    schema: str | None = None
    deletes: Deletes = Deletes.FOLLOW
    renamed_from: str | None = None


class QueryDocument(NamedTuple):
    """One file made by one query.

    `depends` are names of entities; empty means every entity. The query may use the
    parameters `:tag`, `:exported_at` and `:version`.
    """

    path: str
    query: str
    is_array: bool = True
    depends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """The configuration of one data repository, as the use cases see it.

    `config_text` is the file's own bytes, committed with a snapshot when they differ;
    `config_file` is how messages name the file.
    `sql_digest` is the SHA-256 of all SQL in it, empty where there is none.
    """

    repository_id: str
    branch: str = "main"
    remote: str = "origin"
    version: str = "1.0.0"
    source_kind: str = "postgresql"
    entities: tuple[Entity, ...] = ()
    documents: tuple[QueryDocument, ...] = ()
    config_text: bytes = field(default=b"", repr=False)
    sql_digest: str = ""
    config_file: str = CONFIG_PATH

    def entity(self, name: str) -> Entity | None:
        """Finds an entity by its name."""
        return next((entity for entity in self.entities if entity.name == name), None)
