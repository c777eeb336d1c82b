"""Turns changed documents into changed rows, with values as literals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from gitexport.canonical.value import JsonValue, loads
from gitexport.compare.changed_document import ChangedDocument
from gitexport.compare.formats.sql_values import Literals
from gitexport.compare.row_changes import RowChange, RowStep, watched_values
from gitexport.compare.stored import StoredEntity
from gitexport.errors import UnsupportedValueError
from gitexport.model.address import format_address
from gitexport.model.changeset import ABSENT, Absent, ChangeKind
from gitexport.model.field_merge import same_value
from gitexport.model.pointer import parse_pointer
from gitexport.model.relation import Relation, RelationKind, RelationName

ALWAYS = "always"
"""The identity of columns that only take values where a statement insists."""

_TABLES = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED})

Document = Mapping[str, JsonValue]


class RowSource:
    """Gathers the rows of changed documents, and what could not be turned into rows.

    The target's description of a relation counts, the base's where the target has none.
    """

    def __init__(self) -> None:
        self._literals: dict[RelationName, Literals] = {}
        self._rows: list[RowChange] = []
        # Whether a key may change in its row is known when all relations are.
        self._renamed: list[_Rows] = []
        self._notes: dict[str, None] = {}

    @property
    def relations(self) -> tuple[Relation, ...]:
        """The relations of all documents so far."""
        return tuple(literals.relation for literals in self._literals.values())

    @property
    def identities(self) -> frozenset[RelationName]:
        """The relations with columns that only take values where a statement insists."""
        return frozenset(
            relation.name
            for relation in self.relations
            if any(column.identity == ALWAYS for column in relation.columns)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on documents whose rows no statement makes, each once."""
        return tuple(self._notes)

    def add(self, document: ChangedDocument) -> None:
        """Adds a document; nothing where only bytes or paths differ."""
        change = document.change
        moved = change.old_key is None and change.kind is ChangeKind.RENAMED
        if moved or change.kind is ChangeKind.REWRITTEN:
            return
        entity = document.entity.new or document.entity.old
        if entity is None or not self._is_table(entity):
            return
        relation = entity.relation
        literals = self._literals.setdefault(relation.name, Literals(relation))
        rows = _Rows(document, entity, literals)
        if change.old_key is None:
            self._collect(rows, frozenset())
        else:
            self._renamed.append(rows)

    def rows(self) -> tuple[RowChange, ...]:
        """Gives all rows."""
        held = frozenset(
            key.references
            for relation in self.relations
            for key in relation.foreign_keys
            if key.on_update != "cascade"
        )
        while self._renamed:
            self._collect(self._renamed.pop(), held)
        return tuple(self._rows)

    def _collect(self, rows: _Rows, held: frozenset[RelationName]) -> None:
        try:
            self._rows += rows.made(held)
        except UnsupportedValueError as error:
            self._notes[f"{rows.name}: {error.message}"] = None

    def _is_table(self, entity: StoredEntity) -> bool:
        relation = entity.relation
        if relation.kind in _TABLES:
            return True
        kind = relation.kind.value
        self._notes[f"{entity.name}: {relation.name} is a {kind}, which has no rows"] = None
        return False


class _Rows:
    """The rows of one document."""

    def __init__(self, document: ChangedDocument, entity: StoredEntity, literals: Literals) -> None:
        self._document = document
        self._relation = entity.relation
        self._key = entity.key
        self._literals = literals
        self._watched = frozenset(_watched(entity.relation))

    @property
    def name(self) -> str:
        """The document's address, or its path where the key is not known."""
        change = self._document.change
        return change.path if change.key is None else format_address(change.entity, change.key)

    def made(self, held: frozenset[RelationName]) -> list[RowChange]:
        """Gives the rows; `held` are relations whose keys others refer to.

        Raises:
            UnsupportedValueError: No statements make them.
        """
        document = self._document
        if document.change.reason is None:
            old, new = _members(document.old_value), _members(document.new_value)
        else:
            # Beyond the limits of a comparison, and still a row.
            old, new = (_members(_loaded(data)) for data in (document.old, document.new))
        old_key, new_key = document.old_key or document.key, document.key
        if old is None:
            return [self._insert(cast("Document", new), new_key)]
        if new is None:
            return [self._delete(old, old_key)]
        if document.change.old_key is not None and not self._is_key_free(held):
            return [self._delete(old, old_key), self._insert(new, new_key)]
        return self._update(old, new, old_key)

    def _insert(self, new: Document, key: list[JsonValue] | None) -> RowChange:
        places = {column.name: place for place, column in enumerate(self._relation.columns)}
        columns = {
            name: self._literals.column(name, new[name])
            for name in sorted(new, key=lambda name: places.get(name, -1))
            if not self._is_generated(name)
        }
        watched = watched_values(new, self._watched)
        return self._row(RowStep.INSERT, self._where(key), columns, {}, watched)

    def _delete(self, old: Document, key: list[JsonValue] | None) -> RowChange:
        watched = watched_values(old, self._watched)
        return self._row(RowStep.DELETE, self._where(key), {}, watched, {})

    def _update(self, old: Document, new: Document, key: list[JsonValue] | None) -> list[RowChange]:
        columns = {
            name: self._literals.column(name, new[name])
            for name in self._changed(old, new)
            if name in new and not self._is_generated(name)
        }
        if not columns:
            return []
        for name in columns:
            column = self._relation.column(name)
            if column is not None and column.identity == ALWAYS:
                message = f"column '{name}' is an identity that no update may change"
                raise UnsupportedValueError(message)
        watched = [watched_values(side, self._watched) for side in (old, new)]
        return [self._row(RowStep.UPDATE, self._where(key), columns, *watched)]

    def _row(
        self,
        step: RowStep,
        key: Mapping[str, str],
        columns: Mapping[str, str],
        old: Mapping[str, str],
        new: Mapping[str, str],
    ) -> RowChange:
        return RowChange(self._relation.name, step, key, columns, old, new)

    def _where(self, key: list[JsonValue] | None) -> dict[str, str]:
        if key is None or len(key) != len(self._key):
            message = "the key is not known"
            raise UnsupportedValueError(message)
        return {
            name: self._literals.column(name, value)
            for name, value in zip(self._key, key, strict=True)
        }

    def _changed(self, old: Document, new: Document) -> list[str]:
        change = self._document.change
        if change.reason is None and change.kind is ChangeKind.MODIFIED:
            return list(dict.fromkeys(parse_pointer(field.pointer)[0] for field in change.fields))
        names = sorted({*old, *new})
        return [name for name in names if not same_value(old.get(name), new.get(name))]

    def _is_generated(self, name: str) -> bool:
        column = self._relation.column(name)
        return column is not None and column.generated is not None

    def _is_key_free(self, held: frozenset[RelationName]) -> bool:
        """Tells whether an update may change the key: nobody refers to it, or all follow."""
        columns = [self._relation.column(name) for name in self._key]
        is_identity = any(column is not None and column.identity == ALWAYS for column in columns)
        return self._relation.name not in held and not is_identity


def _loaded(data: bytes | None) -> JsonValue | Absent:
    return ABSENT if data is None else loads(data)


def _members(value: JsonValue | Absent) -> Document | None:
    """Gives a document's members; None without a document.

    Raises:
        UnsupportedValueError: The document is no object.
    """
    if value is ABSENT:
        return None
    if not isinstance(value, dict):
        message = "the document is no object"
        raise UnsupportedValueError(message)
    return value


def _watched(relation: Relation) -> Iterator[str]:
    yield from relation.primary_key
    for unique in (*relation.unique_keys, *relation.nullable_keys):
        yield from unique.columns
    for foreign in relation.foreign_keys:
        yield from foreign.columns
