"""The named types that columns need, found through arrays, domains, attributes and ranges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gitexport.model.relation import NamedType, TypeKind
from gitexport.source.postgresql.catalog_queries import TYPES
from gitexport.source.postgresql.session import Cursor

TYPE_KINDS = {
    "a": TypeKind.ARRAY,
    "b": TypeKind.BASE,
    "c": TypeKind.COMPOSITE,
    "d": TypeKind.DOMAIN,
    "e": TypeKind.ENUM,
    "r": TypeKind.RANGE,
    "m": TypeKind.MULTIRANGE,
}
"""TypeKind by `pg_type.typtype`, with `a` for true arrays."""

FIRST_OF_OTHERS = 10_000
"""Object ids below are PostgreSQL's own, and so is all that such a type needs.

Source: PostgreSQL, src/include/access/transam.h, FirstGenbkiObjectId.
"""

_NAMED = frozenset({TypeKind.COMPOSITE, TypeKind.DOMAIN, TypeKind.ENUM, TypeKind.RANGE})


class TypeGraph(NamedTuple):
    """Types by object id, each with the object ids of the types that it needs."""

    types: dict[int, NamedType]
    needs: dict[int, tuple[int, ...]]
    extensions: dict[int, tuple[str, str]]

    def closure(self, roots: Iterable[int]) -> tuple[NamedType, ...]:
        """Lists the named types that some types need, themselves included, by name."""
        named = [self.types[oid] for oid in self._reached(roots) if oid in self.types]
        return tuple(sorted(named, key=lambda named_type: named_type.name))

    def extensions_of(self, roots: Iterable[int]) -> set[tuple[str, str]]:
        """Gives the extensions, each with its schema, that bring what some types need."""
        return {self.extensions[oid] for oid in self._reached(roots) if oid in self.extensions}

    def _reached(self, roots: Iterable[int]) -> set[int]:
        seen: set[int] = set()
        waiting = list(roots)
        while waiting:
            oid = waiting.pop()
            if oid not in seen:
                seen.add(oid)
                waiting.extend(self.needs.get(oid, ()))
        return seen


def read_types(cursor: Cursor, types: Iterable[int]) -> TypeGraph:
    """Reads the types with these object ids and all that they need, in one query or none.

    Raises:
        psycopg.Error: The server refused the query.
    """
    graph = TypeGraph({}, {}, {})
    # Planning the query takes longer than all others together, and most tables need none of it.
    wanted = {oid for oid in types if oid >= FIRST_OF_OTHERS}
    if not wanted:
        return graph
    cursor.execute(TYPES, {"types": list(wanted)})
    for row in cursor:
        oid, name, schema, kind_code, labels, base, not_null, default, checks, *rest = row
        attribute_names, attribute_types, subtype, collation, extension, home, needs = rest
        kind = TYPE_KINDS.get(kind_code, TypeKind.BASE)
        graph.needs[oid] = tuple(needs)
        if extension is not None:
            graph.extensions[oid] = (extension, home)
        if schema == "pg_catalog" or kind not in _NAMED:
            continue
        graph.types[oid] = NamedType(
            name=name,
            kind=kind,
            labels=tuple(labels),
            base=base,
            not_null=not_null,
            default=default,
            checks=tuple(checks),
            attributes=tuple(zip(attribute_names, attribute_types, strict=True)),
            subtype=subtype,
            collation=collation,
            extension=extension,
        )
    return graph
