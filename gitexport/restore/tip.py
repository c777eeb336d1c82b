"""The commit that a restore builds on: where documents stand, and which entities count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gitexport.canonical.value import JsonValue, canonical_value
from gitexport.compare.naming import is_named_otherwise, names_one, object_of
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree, possible_keys
from gitexport.errors import ConfigError, UnsupportedValueError
from gitexport.model.address import Address
from gitexport.model.entity import Entity
from gitexport.model.pointer import get, parse_pointer
from gitexport.model.ports import Key
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.pack import ObjectKind, object_id


@dataclass(frozen=True, slots=True)
class Tip:
    """The last commit of the branch, opened, and what an export before would change of it.

    `overlay` gives blobs by path, None where a document would go; `contents` the bytes of
    those that no commit holds, as far as they were read.
    """

    history: StoredHistory
    commit_id: ObjectId | None
    tree: StoredTree
    overlay: Mapping[bytes, bytes | None] = field(default_factory=dict)
    contents: Mapping[bytes, bytes] = field(default_factory=dict)

    @classmethod
    def open(cls, history: StoredHistory) -> Tip:
        """Opens what the branch holds now."""
        repository = history.repository
        commit = refs.tip(repository, history.publication.branch)
        tree = history.at(None if commit is None else repository.tree_of(commit))
        return cls(history, commit, tree)

    def configured(self, name: str) -> Entity | None:
        """Finds a configured entity by its name or by its former one."""
        for entity in self.history.publication.entities:
            if name in {entity.name, entity.renamed_from}:
                return entity
        return None

    def document(self, entity: StoredEntity, path: str | bytes) -> tuple[bytes, bytes | None]:
        """Finds a document by its path in any layout; gives its path here, and its blob.

        Raises:
            ConfigError: No document of the entity can have this name.
        """
        raw = path.encode() if isinstance(path, str) else path
        name = raw.rpartition(b"/")[2]
        directory = entity.paths.directory_of(name)
        if directory is None:
            text = raw.decode("utf-8", "replace")
            message = f"'{text}' is not named by the key of '{entity.name}'"
            raise ConfigError(
                message,
                where=f"key = {list(entity.key)}",
                hint="set 'key' in gitexport.toml to what it was when that was exported, and run"
                " 'gitexport relayout'",
            )
        place = directory + b"/" + name
        return place, self.blob(place)

    def blob(self, path: bytes) -> bytes | None:
        """Gives the blob id of a file; None where there is no such file."""
        return self.overlay[path] if path in self.overlay else self.tree.blob(path)

    def read(self, blob: bytes) -> bytes:
        """Gives the bytes of a document of any commit, or of the overlay."""
        known = self.contents.get(blob)
        return self.history.repository.read_blob(blob) if known is None else known


def exists_in(entity: StoredEntity | None) -> bool:
    """Tells whether a commit holds an entity's documents: an export has read it before."""
    return entity is not None and bool(entity.manifest.schema or entity.manifest.count)


def require_names(history: StoredHistory, tree: StoredTree, entity: StoredEntity) -> None:
    """Makes sure that today's key names the documents of a commit.

    Raises:
        ConfigError: It names none of them, or others: the key was another one then.
    """
    today = possible_keys(history.publication, entity.name, entity.relation)[0]
    if not entity.manifest.count:
        return
    if entity.key == today and names_one(history, tree, entity):
        return
    message = f"the documents of '{entity.name}' were not named by today's key then"
    hint = (
        "set 'key' and 'shard' in gitexport.toml to what they were then and run"
        " 'gitexport relayout', or leave it out with --only"
    )
    raise ConfigError(message, where=f"key = {list(today)}", hint=hint)


def require_names_now(tip: Tip, entity: StoredEntity) -> None:
    """Makes sure that the tip's documents of an entity are named by today's key.

    Raises:
        ConfigError: They still have the names that another key gave them.
    """
    if entity.manifest.count and is_named_otherwise(tip.history, tip.tree, entity):
        message = f"the documents of '{entity.name}' are not named by today's key yet"
        raise ConfigError(message, where=f"entity '{entity.name}'", hint="run 'gitexport relayout'")


def matching(addresses: Collection[Address], key: Key | None) -> list[Address]:
    """Gives the addresses that mean a document; without a key, those of whole entities."""
    if key is None:
        return [address for address in addresses if address.parts is None]
    return [address for address in addresses if address.matches(key)]


def field_of(document: bytes | None, pointer: str) -> object:
    """Gives a field of a document; `ABSENT` without it, also where no document can be read."""
    return get(None if document is None else object_of(document), parse_pointer(pointer))


def blob_of(content: bytes) -> bytes:
    """Gives the blob id of a document that no commit may hold yet."""
    return object_id(ObjectKind.BLOB, content)


def write_document(value: object) -> bytes:
    """Writes a document that was read exactly."""
    return canonical_value(_checked(value))


def _checked(value: object) -> JsonValue:
    if not isinstance(value, dict):
        message = "a document is an object"
        raise UnsupportedValueError(message)
    return value
