"""What a database has already of what a snapshot wants, and whether it is the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gitexport.errors import ConflictError
from gitexport.model.creation import WantedRelation
from gitexport.model.relation import Column, NamedType, Relation, RelationKind
from gitexport.source.postgresql.catalog_types import read_types
from gitexport.source.postgresql.session import Cursor

_TYPES = "SELECT w.name, to_regtype(w.name)::oid FROM unnest(%(names)s::text[]) w(name)"
_NAMES = """
SELECT 'schema', nspname::text, '' FROM pg_namespace
UNION ALL
SELECT 'extension', e.extname::text, n.nspname::text
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
UNION ALL
SELECT 'sequence', n.nspname::text, c.relname::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S'
UNION ALL
SELECT 'trusted', name::text, '' FROM pg_available_extension_versions WHERE trusted
"""
_HINT = "drop it, make a new database with --into, or import without --create"


class Existing:
    """Names that are taken: schemas, sequences, extensions with their schemas."""

    def __init__(self, cursor: Cursor) -> None:
        self.schemas: set[str] = set()
        self.sequences: set[tuple[str, str]] = set()
        self.extensions: dict[str, str] = {}
        self.trusted: set[str] = set()
        cursor.execute(_NAMES)
        for kind, first, second in cursor:
            if kind == "schema":
                self.schemas.add(first)
            elif kind == "sequence":
                self.sequences.add((first, second))
            elif kind == "extension":
                self.extensions[first] = second
            else:
                self.trusted.add(first)


def existing_types(cursor: Cursor, names: Collection[str]) -> dict[str, NamedType | None]:
    """Describes those of some types that exist; None for one that people did not make."""
    cursor.execute(_TYPES, {"names": sorted(names)})
    oids = {name: oid for name, oid in cursor if oid is not None}
    graph = read_types(cursor, oids.values())
    return {name: graph.types.get(oid) for name, oid in oids.items()}


def require_same_type(wanted: NamedType, found: NamedType | None) -> None:
    """Makes sure that a type is what the snapshot says.

    Raises:
        ConflictError: It is not.
    """
    if found != wanted:
        message = f"the type '{wanted.name}' is there, and is not the snapshot's"
        raise ConflictError(message, where=wanted.name, hint=_HINT)


def require_same_relation(wanted: WantedRelation, found: Relation) -> None:
    """Makes sure that a relation can take the place of the snapshot's.

    Columns that are not published may differ, and others may be there.

    Raises:
        ConflictError: It cannot.
    """
    reason = _difference(wanted, found)
    if reason is not None:
        message = f"'{found.name}' is there, and differs: {reason}"
        raise ConflictError(message, where=str(found.name), hint=_HINT)


def _difference(wanted: WantedRelation, found: Relation) -> str | None:
    relation = wanted.relation
    is_table = relation.kind in {RelationKind.TABLE, RelationKind.PARTITIONED}
    if is_table and found.kind is not relation.kind:
        return f"it is a {found.kind.value} and not a {relation.kind.value}"
    for name in wanted.published:
        reason = _column_difference(name, relation.column(name), found.column(name))
        if reason is not None:
            return reason
    if is_table and set(relation.primary_key) <= set(wanted.published):
        if found.primary_key != relation.primary_key:
            return f"its primary key is ({', '.join(found.primary_key)})"
        return _missing("constraint", relation.constraints, found.constraints) or _missing(
            "check", relation.checks, found.checks
        )
    return None


def _column_difference(name: str, wanted: Column | None, found: Column | None) -> str | None:
    if wanted is None:
        return None
    if found is None:
        return f"it has no column '{name}'"
    if found.type_name != wanted.type_name:
        return f"column '{name}' is {found.type_name} and not {wanted.type_name}"
    if found != wanted:
        return f"column '{name}' has another default, collation, identity or nullability"
    return None


def _missing(
    noun: str, wanted: Sequence[tuple[str, str]], found: Sequence[tuple[str, str]]
) -> str | None:
    lacking = [name for name, text in wanted if (name, text) not in found]
    return f"{noun} '{lacking[0]}' is missing or another" if lacking else None
