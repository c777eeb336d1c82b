"""The commit that a restore builds on: where documents stand, and which entities count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gitexport.canonical.document_key import key_parts
from gitexport.canonical.value import JsonValue, canonical_value, loads
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.errors import ConfigError, UnsupportedValueError
from gitexport.model.address import Address
from gitexport.model.entity import Entity
from gitexport.model.ports import Key
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.pack import ObjectKind, object_id
from gitexport.store.trees import FILE_MODE


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
                hint="set 'key' in gitexport.toml to what it was when that was exported",
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
    if not entity.manifest.count or _names_one(history, tree, entity):
        return
    message = f"the documents of '{entity.name}' were not named by today's key then"
    hint = "set 'key' in gitexport.toml to what it was then, or leave it out with --only"
    raise ConfigError(message, where=f"key = {list(entity.key)}", hint=hint)


def _names_one(history: StoredHistory, tree: StoredTree, entity: StoredEntity) -> bool:
    """Looks at the first document that the path function recognizes."""
    for directory, names in tree.reader.walk(entity.manifest.directory.encode()):
        for name, entry in names.items():
            key = entity.paths.parse(directory + b"/" + name)
            if key is None or entry.mode != FILE_MODE:
                continue
            if not isinstance(key, tuple):
                return True
            content = history.repository.read_blob(entry.object_id)
            return has_key(content, entity, key) is not False
        tree.reader.forget(directory)
    return False


def has_key(document: bytes, entity: StoredEntity, key: Key) -> bool | None:
    """Tells whether a document is that of a key; None where its values do not settle the text."""
    value = _object(document)
    if value is None or any(value.get(name) is None for name in entity.key):
        return False
    parts = key_parts(value, entity.relation, entity.key)
    return None if None in parts else parts == key


def key_of(document: bytes, entity: StoredEntity) -> Key | None:
    """Reads a key from a document; None where its text is not that of the value."""
    value = _object(document)
    if value is None:
        return None
    found: list[str] = []
    for name, part in zip(entity.key, key_parts(value, entity.relation, entity.key), strict=True):
        # What stands in a document as text is nearly always the text of the value.
        told = value.get(name) if part is None else part
        if isinstance(told, bool) or not isinstance(told, (int, str)):
            return None
        found.append(str(told))
    return tuple(found)


def matching(addresses: Collection[Address], key: Key | None) -> list[Address]:
    """Gives the addresses that mean a document; without a key, those of whole entities."""
    if key is None:
        return [address for address in addresses if address.parts is None]
    return [address for address in addresses if address.matches(key)]


def blob_of(content: bytes) -> bytes:
    """Gives the blob id of a document that no commit may hold yet."""
    return object_id(ObjectKind.BLOB, content)


def write_document(value: object) -> bytes:
    """Writes a document that was read exactly."""
    return canonical_value(_checked(value))


def _object(document: bytes) -> dict[str, JsonValue] | None:
    try:
        value = loads(document)
    except UnsupportedValueError:
        return None
    return value if isinstance(value, dict) else None


def _checked(value: object) -> JsonValue:
    if not isinstance(value, dict):
        message = "a document is an object"
        raise UnsupportedValueError(message)
    return value
