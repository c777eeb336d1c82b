"""Statements that make enums, domains, composites and ranges, each after what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from gitexport.errors import ConfigError
from gitexport.model.creation import CreationStep
from gitexport.model.relation import NamedType, TypeKind
from gitexport.source.postgresql.create.calls import Calls
from gitexport.source.postgresql.create.names import literal, name_of_type, qualified, quoted
from gitexport.source.postgresql.create.sql_text import (
    check_collation,
    check_definition,
    check_type,
)


def needed_types(named: NamedType) -> Iterator[str]:
    """Yields the names of the types that a type is made of."""
    for type_name in (named.base, named.subtype, *(kind for _, kind in named.attributes)):
        if type_name is not None:
            yield name_of_type(type_name)


def in_order(types: Iterable[NamedType]) -> list[NamedType]:
    """Sorts types so that each comes after those that it needs.

    Raises:
        ConfigError: They need each other.
    """
    known = {named.name: named for named in types}
    graph = {
        name: [needed for needed in needed_types(named) if needed in known]
        for name, named in sorted(known.items())
    }
    try:
        return [known[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        message = "types need each other, which no database allows"
        raise ConfigError(message, where=", ".join(error.args[1])) from error


def make_type(named: NamedType, calls: Calls) -> CreationStep:
    """Writes the statement that makes a type.

    Raises:
        ConfigError: A part of it is not what it should be.
    """
    name = quoted(*qualified(named.name, named.name))
    write = _STATEMENTS.get(named.kind)
    if write is None:
        message = f"a type of the kind '{named.kind.value}' cannot be made"
        raise ConfigError(message, where=named.name)
    return CreationStep(f"{named.kind.value} {named.name}", write(name, named, calls))


def _enum(name: str, named: NamedType, _calls: Calls) -> str:
    return f"CREATE TYPE {name} AS ENUM ({', '.join(map(literal, named.labels))})"


def _composite(name: str, named: NamedType, _calls: Calls) -> str:
    attributes = [
        f"{quoted(attribute)} {check_type(type_name, named.name)}"
        for attribute, type_name in named.attributes
    ]
    return f"CREATE TYPE {name} AS ({', '.join(attributes)})"


def _range(name: str, named: NamedType, _calls: Calls) -> str:
    parts = [f"SUBTYPE = {check_type(named.subtype or '', named.name)}"]
    if named.collation:
        parts.append(f"COLLATION = {check_collation(named.collation, named.name)}")
    return f"CREATE TYPE {name} AS RANGE ({', '.join(parts)})"


def _domain(name: str, named: NamedType, calls: Calls) -> str:
    parts = [f"CREATE DOMAIN {name} AS {check_type(named.base or '', named.name)}"]
    if named.collation:
        parts.append(f"COLLATE {check_collation(named.collation, named.name)}")
    default = calls.allowed(named.default, f"the default of {named.name}")
    if default is not None:
        parts.append(f"DEFAULT ({default})")
    if named.not_null:
        parts.append("NOT NULL")
    for check in named.checks:
        allowed = calls.allowed(check, f"a check of {named.name}", check_definition)
        if allowed is not None:
            parts.append(allowed)
    return " ".join(parts)


_STATEMENTS: Mapping[TypeKind, Callable[[str, NamedType, Calls], str]] = {
    TypeKind.ENUM: _enum,
    TypeKind.COMPOSITE: _composite,
    TypeKind.RANGE: _range,
    TypeKind.DOMAIN: _domain,
}
