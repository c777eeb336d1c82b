"""What a catalog says about a relation: names only, no object ids."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import NamedTuple


class RelationKind(str, Enum):
    """The kinds of relation that a catalog lists."""

    TABLE = "table"
    PARTITIONED = "partitioned table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    FOREIGN = "foreign table"


class RelationName(NamedTuple):
    """A relation's schema and name, unquoted."""

    schema: str
    name: str

    def __str__(self) -> str:
        # SQL takes any word after a dot, but not in front of it.
        is_reserved = self.schema in _RESERVED
        schema = f'"{self.schema}"' if is_reserved else quote_identifier(self.schema)
        return f"{schema}.{quote_identifier(self.name)}"

    @classmethod
    def parse(cls, text: str) -> RelationName:
        """Reads `schema.name`, either part in double quotes where SQL needs them.

        Raises:
            ValueError: The text is not a schema and a name.
        """
        parts = _split_identifiers(text)
        if len(parts) != 2:  # noqa: PLR2004 - a schema and a name
            message = f"'{text}' is not schema.name"
            raise ValueError(message)
        return cls(*parts)


class TypeKind(str, Enum):
    """How a type is built."""

    BASE = "base"
    ARRAY = "array"
    COMPOSITE = "composite"
    DOMAIN = "domain"
    ENUM = "enum"
    RANGE = "range"
    MULTIRANGE = "multirange"


class NamedType(NamedTuple):
    """A user-defined type that a relation's columns need, directly or through others.

    `extension` is the extension that brings it. `collation` is that of a domain or range
    where it is not its base type's.
    """

    name: str
    kind: TypeKind
    labels: tuple[str, ...] = ()
    base: str | None = None
    not_null: bool = False
    default: str | None = None
    checks: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    subtype: str | None = None
    collation: str | None = None
    extension: str | None = None


class Column(NamedTuple):
    """One column.

    `type_name` is `format_type` of the type and its modifier under `search_path = pg_catalog`.
    `generated` is the expression of a generated column, which is computed when it is read
    where it `is_virtual`. `identity` is `always` or `by default`.
    """

    name: str
    type_name: str
    kind: TypeKind = TypeKind.BASE
    not_null: bool = False
    default: str | None = None
    generated: str | None = None
    identity: str | None = None
    collation: str | None = None
    is_virtual: bool = False

    @property
    def is_plain(self) -> bool:
        """Tells whether values are of a base type that holds no other values by name or place."""
        return self.kind is TypeKind.BASE and self.type_name not in _JSON


class UniqueKey(NamedTuple):
    """A primary key or unique constraint or index that covers whole columns and all rows."""

    name: str
    columns: tuple[str, ...]
    is_primary: bool = False


class ForeignKey(NamedTuple):
    """A reference from this relation's columns to another relation's.

    `delete_columns` are those that `on_delete` sets, where it does not set all. With
    `is_match_full` a row refers to something in all columns or in none. Where it
    `is_temporal`, the last column is a period, and rows that agree in the other columns answer
    it together: their periods have to cover it.
    """

    name: str
    columns: tuple[str, ...]
    references: RelationName
    referenced_columns: tuple[str, ...]
    is_deferrable: bool = False
    initially_deferred: bool = False
    on_update: str = "no action"
    on_delete: str = "no action"
    delete_columns: tuple[str, ...] = ()
    is_match_full: bool = False
    is_temporal: bool = False


class PartitionBound(NamedTuple):
    """Which rows of its parent a partition takes: `FOR VALUES …` or `DEFAULT`.

    `partition_key` is how the partition itself is divided, None where it is not.
    """

    name: RelationName
    parent: RelationName
    bound: str
    partition_key: str | None = None


class Sequence(NamedTuple):
    """A sequence that numbers a column, through its default or as its identity.

    `is_owned` tells whether it goes with the column. Numbers are None where they are what
    PostgreSQL chooses for the type and the direction.
    """

    name: RelationName
    column: str
    type_name: str
    is_owned: bool = True
    start: int | None = None
    increment: int = 1
    minimum: int | None = None
    maximum: int | None = None
    cache: int = 1
    cycles: bool = False


class Relation(NamedTuple):
    """A relation as the catalog describes it.

    `columns` are in their physical order. `unique_keys` have no column that may be null;
    `nullable_keys` have, so that they identify only some rows. `checks` are the definitions of
    check constraints by name, `constraints` those of primary keys, unique and exclusion
    constraints. `partitions` are the names of all partitions, also of the lower levels;
    `bounds` say of each what it holds, a parent before its partitions. `extensions` are what
    types and expressions need, each with its schema; `extension` is what owns the relation
    itself. `takes_columns` is False for tables that no column can be added to: typed ones, and
    those with as many as there can be. It and `estimated_rows` are never written to the data
    repository.
    """

    name: RelationName
    kind: RelationKind
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[UniqueKey, ...] = ()
    nullable_keys: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    types: tuple[NamedType, ...] = ()
    partition_key: str | None = None
    partitions: tuple[RelationName, ...] = ()
    is_partition: bool = False
    has_inheritance: bool = False
    extension: str | None = None
    constraints: tuple[tuple[str, str], ...] = ()
    bounds: tuple[PartitionBound, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    extensions: tuple[tuple[str, str], ...] = ()
    takes_columns: bool = True
    estimated_rows: int = 0

    def column(self, name: str) -> Column | None:
        """Finds a column by its name."""
        return next((column for column in self.columns if column.name == name), None)

    def identifies(self, columns: Collection[str]) -> bool:
        """Tells whether no two rows can agree in some columns: a unique key is among them."""
        keys = [key.columns for key in self.unique_keys if self._is_never_null(key.columns)]
        keys += [self.primary_key] if self.primary_key else []
        return any(set(key) <= set(columns) for key in keys)

    def _is_never_null(self, columns: Collection[str]) -> bool:
        found = [self.column(name) for name in columns]
        return all(column is not None and column.not_null for column in found)


def quote_identifier(name: str) -> str:
    """Quotes an identifier unless it is plain lower case, for people to read.

    Reserved words stay bare here; SQL is composed with the driver's own quoting.
    """
    if name and name[0] in _FIRST and all(char in _REST for char in name):
        return name
    return '"' + name.replace('"', '""') + '"'


_JSON = frozenset({"json", "jsonb"})
_FIRST = frozenset("abcdefghijklmnopqrstuvwxyz_")
_REST = _FIRST | frozenset("0123456789$")
# Source: PostgreSQL documentation, "SQL Key Words": reserved ones, those that can name
# functions or types among them.
_WORDS = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast
    check collate collation column concurrently constraint create cross current_catalog
    current_date current_role current_schema current_time current_timestamp current_user
    default deferrable desc distinct do else end except false fetch for foreign freeze from
    full grant group having ilike in initially inner intersect into is isnull join lateral
    leading left like limit localtime localtimestamp natural not notnull null offset on only
    or order outer overlaps placing primary references returning right select session_user
    similar some symmetric system_user table tablesample then to trailing true union unique
    user using variadic verbose when where window with
"""
_RESERVED = frozenset(_WORDS.split())


def _split_identifiers(text: str) -> list[str]:
    parts: list[str] = []
    rest = text
    while True:
        if rest.startswith('"'):
            end = 1
            while True:
                end = rest.find('"', end)
                if end < 0:
                    return []
                if rest[end : end + 2] != '""':
                    break
                end += 2
            parts.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :]
        else:
            part, dot, tail = rest.partition(".")
            parts.append(part)
            rest = dot + tail
        if not parts[-1]:
            return []
        if not rest:
            return parts
        if not rest.startswith("."):
            return []
        rest = rest[1:]
