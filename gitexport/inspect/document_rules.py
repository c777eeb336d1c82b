"""What a document of a commit has to be, whoever wrote it.

The rules come from the commit itself: its configuration, its manifest and relation files, its
JSON Schemas. Each offence is one line and the command that mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from shlex import quote

from gitexport.canonical.check import check
from gitexport.canonical.document_key import key_parts
from gitexport.canonical.value import loads
from gitexport.compare.document_merge import unresolved
from gitexport.compare.stored import StoredEntity, StoredHistory, StoredTree
from gitexport.errors import NotCanonicalError, UnsupportedValueError
from gitexport.export.encode import REFUSED_BYTES
from gitexport.export.validate import Validate, compile_schema
from gitexport.model.counted import counted
from gitexport.model.entity import MANIFEST_PATH, RELATIONS_DIRECTORY, Entity, Publication
from gitexport.store.repository import DataRepository

_MOST_TOLD = 100
_FORMAT = "gitexport fmt --staged"


@dataclass(frozen=True, slots=True)
class Offence:
    """What is wrong with a file, and the command that mends it."""

    path: str
    reason: str
    mend: str


@dataclass(slots=True)
class CheckReport:
    """How many files were looked at, and what is wrong with them; `more` were not kept."""

    checked: int = 0
    offences: list[Offence] = field(default_factory=list)
    more: int = 0
    warnings: list[str] = field(default_factory=list)

    def add(self, offence: Offence | None) -> None:
        """Notes what is wrong, if something is."""
        if offence is None:
            return
        if len(self.offences) < _MOST_TOLD:
            self.offences.append(offence)
        else:
            self.more += 1

    @property
    def exit_code(self) -> int:
        """1 where something is wrong."""
        return 1 if self.offences else 0


class RulesOfTrees:
    """Gives the rules of any commit's tree.

    `publication_of` reads the configuration in a tree; None is a tree that is no data.
    `outside` gives files that no commit holds, as schemas that are not versioned.
    """

    def __init__(
        self,
        repository: DataRepository,
        publication_of: Callable[[bytes], Publication | None],
        outside: Callable[[str], bytes | None] = lambda _path: None,
    ) -> None:
        self.repository = repository
        self._publication_of = publication_of
        self._outside = outside
        self._histories: dict[bytes, StoredHistory] = {}

    def at(self, tree_id: bytes) -> DocumentRules | None:
        """Gives the rules of a tree; None where it is no data repository's.

        Raises:
            ConfigError: Its configuration says something that cannot be.
        """
        publication = self._publication_of(tree_id)
        if publication is None:
            return None
        text = publication.config_text
        history = self._histories.get(text)
        if history is None:
            history = self._histories[text] = StoredHistory(self.repository, publication)
        return DocumentRules(history, history.at(tree_id), self._outside)


class DocumentRules:
    """The rules of one tree."""

    def __init__(
        self, history: StoredHistory, tree: StoredTree, outside: Callable[[str], bytes | None]
    ) -> None:
        self.history = history
        self.tree = tree
        self._outside = outside
        self._validators: dict[str, Validate | None] = {}
        self._published: dict[str, frozenset[str]] = {}
        self._queries = {document.path for document in history.publication.documents}

    @cached_property
    def _entities(self) -> list[tuple[Entity, StoredEntity]]:
        known = ((e, self.tree.entity(e.name)) for e in self.history.publication.entities)
        return [(entity, stored) for entity, stored in known if stored is not None]

    def is_judged(self, path: bytes) -> bool:
        """Tells whether a path is gitexport's, or a document's that may stand in a wrong place."""
        text = path.decode("utf-8", "replace")
        return (
            text == MANIFEST_PATH
            or text in self._queries
            or text.startswith(RELATIONS_DIRECTORY + "/")
            or self._entity_of(path) is not None
        )

    def judge(self, path: bytes, blob: bytes) -> Offence | None:
        """Says what is wrong with a file's content at its path; None where nothing is."""
        return self._first(self._offences, path, blob)

    def judge_published(self, path: bytes, blob: bytes) -> Offence | None:
        """Says what must not become public, or cannot: unnamed columns, too many bytes."""
        return self._first(self._leaks, path, blob)

    def _first(
        self, rules: Callable[[bytes, bytes], Iterator[tuple[str, str]]], path: bytes, blob: bytes
    ) -> Offence | None:
        found = next(rules(path, blob), None)
        return None if found is None else Offence(path.decode("utf-8", "replace"), *found)

    def _leaks(self, path: bytes, blob: bytes) -> Iterator[tuple[str, str]]:
        yield from self._size(path, blob)
        owner = self._entity_of(path)
        if owner is None or owner[1].paths.parse(path) is None:
            return
        try:
            value = loads(self.history.repository.read_blob(blob))
        except UnsupportedValueError:
            return
        yield from self._members(path, value, *owner)

    def _offences(self, path: bytes, blob: bytes) -> Iterator[tuple[str, str]]:
        yield from self._size(path, blob)
        content = self.history.repository.read_blob(blob)
        owner = self._entity_of(path)
        is_document = owner is not None and owner[1].paths.parse(path) is not None
        mend = _FORMAT
        try:
            value = loads(content)
        except UnsupportedValueError:
            value, mend = None, _edit(path)
        if owner is not None and not is_document:
            yield from self._stray(path, value, owner[1])
            return
        if unresolved(value):
            yield "fields that both sides changed wait for a choice", _edit(path)
        try:
            check(content)
        except NotCanonicalError as fault:
            yield fault.message, mend
        if owner is not None:
            yield from self._placed(path, value, owner[1])
            yield from self._members(path, value, *owner)
            yield from self._schema(path, content, owner[0])

    def _size(self, path: bytes, blob: bytes) -> Iterator[tuple[str, str]]:
        size = self.history.repository.blob_size(blob)
        if size > REFUSED_BYTES:
            reason = f"has {size:,} bytes, more than the {REFUSED_BYTES:,} that hosts accept"
            yield reason, f"git rm --cached {_shell(path)}"

    def _entity_of(self, path: bytes) -> tuple[Entity, StoredEntity] | None:
        """Finds the entity that a path belongs to, or in whose directory it is named like one."""
        if not path.endswith(b".json"):
            return None
        inside = [
            owner
            for owner in self._entities
            if path.startswith(owner[1].manifest.directory.encode() + b"/")
        ]
        named = (owner for owner in inside if owner[1].paths.parse(path) is not None)
        return next(named, None) or next(iter(inside), None)

    def _stray(self, path: bytes, value: object, stored: StoredEntity) -> Iterator[tuple[str, str]]:
        """A file of people, unless it holds a key: then it is a document in a wrong place."""
        if isinstance(value, dict) and all(name in value for name in stored.key):
            yield from self._placed(path, value, stored)

    def _placed(
        self, path: bytes, value: object, stored: StoredEntity
    ) -> Iterator[tuple[str, str]]:
        if not isinstance(value, dict):
            yield "is no document: it holds no object", _edit(path)
            return
        for name in stored.key:
            if name not in value:
                yield f"lacks the member '{name}' of its key", _edit(path)
        told = key_parts(value, stored.relation, stored.key)
        known = stored.paths.parse(path)
        if None not in told:
            yield from _at(path, tuple(part or "" for part in told), stored)
        elif isinstance(known, tuple):
            for name, part, text in zip(stored.key, told, known, strict=True):
                if part not in {None, text}:
                    yield f"its member '{name}' is not the '{text}' of its path", _edit(path)

    def _members(
        self, path: bytes, value: object, entity: Entity, stored: StoredEntity
    ) -> Iterator[tuple[str, str]]:
        if not isinstance(value, dict):
            return
        if entity.name not in self._published:
            self._published[entity.name] = _published(entity, stored)
        for name in sorted(value.keys() - self._published[entity.name]):
            reason = f"holds '{name}', which is no column that '{entity.name}' publishes"
            yield reason, _edit(path)

    def _schema(self, path: bytes, content: bytes, entity: Entity) -> Iterator[tuple[str, str]]:
        if entity.schema is None:
            return
        if entity.schema not in self._validators:
            self._validators[entity.schema] = self._compile(entity.schema)
        validate = self._validators[entity.schema]
        if validate is None:
            return
        try:
            validate(content)
        except UnsupportedValueError as fault:
            yield fault.message, _edit(path)
        except ValueError:
            # What is no JSON was named before.
            return

    def _compile(self, path: str) -> Validate | None:
        blob = self.tree.blob(path.encode())
        data = self._outside(path) if blob is None else self.history.repository.read_blob(blob)
        return None if data is None else compile_schema(data, path)


def count_offences(stated: Mapping[str, int], found: Mapping[str, int]) -> Iterator[Offence]:
    """Says for which entities a manifest counts other documents than there are."""
    for name, count in stated.items():
        if found[name] != count:
            documents = counted(count, "document")
            reason = f"counts {documents} of '{name}', and there are {found[name]:,}"
            yield Offence(MANIFEST_PATH, reason, _FORMAT)


def _at(path: bytes, key: tuple[str, ...], stored: StoredEntity) -> Iterator[tuple[str, str]]:
    try:
        directory, name = stored.paths.path(key)
    except ValueError:
        yield f"its key ({', '.join(key)}) is none of '{stored.name}'", _edit(path)
        return
    place = directory + b"/" + name
    if place != path:
        reason = f"its key ({', '.join(key)}) belongs at '{place.decode()}'"
        yield reason, f"git mv {_shell(path)} {_shell(place)}"


def _published(entity: Entity, stored: StoredEntity) -> frozenset[str]:
    names = set(entity.columns)
    if "*" in names:
        names |= {column.name for column in stored.relation.columns}
    excluded = {name for name in names for glob in entity.exclude if fnmatchcase(name, glob)}
    return frozenset(names - excluded)


def _edit(path: bytes) -> str:
    return f"edit {_shell(path)}"


def _shell(path: bytes) -> str:
    return quote(path.decode("utf-8", "surrogateescape"))
