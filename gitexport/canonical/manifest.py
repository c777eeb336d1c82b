"""The manifest: what a snapshot holds of each entity, without a clock and without rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gitexport.canonical.value import canonical_value, loads
from gitexport.errors import ConfigError, CorruptRepositoryError, UnsupportedValueError
from gitexport.model.entity import FORMAT_VERSION, MANIFEST_PATH, Entity


@dataclass(frozen=True, slots=True)
class EntityManifest:
    """Documents of one entity: how many, their bytes in all, where, and their schema's hash.

    `schema` is empty until the entity's first export.
    """

    directory: str
    shard: str
    count: int = 0
    size_bytes: int = 0
    schema: str = ""

    @classmethod
    def initial(cls, entity: Entity) -> EntityManifest:
        """Describes an entity that no snapshot holds yet."""
        return cls(entity.directory, str(entity.shard))


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of `manifest.json`."""

    version: str
    entities: dict[str, EntityManifest] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes | None) -> Manifest:
        """Reads a manifest; none reads as an empty one.

        Raises:
            ConfigError: It has a newer format than this version knows.
            CorruptRepositoryError: It is no manifest.
        """
        if data is None:
            return cls("")
        try:
            value = loads(data)
            assert isinstance(value, dict)  # noqa: S101 - answered by the handler below
            number = value["format"]
            if isinstance(number, int) and number > FORMAT_VERSION:
                message = f"the data repository has format {number}, newer than {FORMAT_VERSION}"
                raise ConfigError(message, where=MANIFEST_PATH, hint="upgrade gitexport")
            entities = {
                str(name): EntityManifest(
                    str(entry["directory"]),
                    str(entry["shard"]),
                    int(entry["count"]),
                    int(entry["bytes"]),
                    str(entry["schema"]),
                )
                for name, entry in dict(value["entities"]).items()
            }
            return cls(str(value["version"]), entities)
        except (KeyError, TypeError, ValueError, AssertionError, UnsupportedValueError) as error:
            message = f"'{MANIFEST_PATH}' of the last commit cannot be read"
            hint = f"git checkout an older version of {MANIFEST_PATH} and commit it"
            raise CorruptRepositoryError(message, where=MANIFEST_PATH, hint=hint) from error

    def to_bytes(self) -> bytes:
        """Writes the manifest in canonical form."""
        return canonical_value(
            {
                "format": FORMAT_VERSION,
                "version": self.version,
                "entities": {
                    name: {
                        "bytes": entry.size_bytes,
                        "count": entry.count,
                        "directory": entry.directory,
                        "schema": entry.schema,
                        "shard": entry.shard,
                    }
                    for name, entry in self.entities.items()
                },
            }
        )

    def with_difference(
        self, entity: Entity, *, count: int, size_bytes: int, schema: str
    ) -> Manifest:
        """Gives the manifest after one run changed an entity's count and bytes."""
        old = self.entities.get(entity.name)
        entities = dict(self.entities)
        if old is None and entity.renamed_from:
            old = entities.pop(entity.renamed_from, None)
        old = old or EntityManifest.initial(entity)
        entities[entity.name] = EntityManifest(
            entity.directory,
            str(entity.shard),
            old.count + count,
            old.size_bytes + size_bytes,
            schema,
        )
        return replace(self, entities=entities)
