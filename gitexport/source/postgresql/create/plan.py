"""Plans what makes a snapshot's relations, in an order that works.

Schemas, extensions, types, sequences, tables, keys, partitions, checks, and references when
all tables stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from gitexport.errors import ConfigError, ConflictError, DecisionNeededError
from gitexport.model.creation import CreationPlan, CreationStep, WantedRelation
from gitexport.model.relation import NamedType, Relation, RelationName
from gitexport.source.postgresql.catalog import read_relations
from gitexport.source.postgresql.create.calls import Calls
from gitexport.source.postgresql.create.existing import (
    Existing,
    existing_types,
    require_same_relation,
    require_same_type,
)
from gitexport.source.postgresql.create.names import name_of_type, qualified, quoted
from gitexport.source.postgresql.create.sql_text import check_type
from gitexport.source.postgresql.create.tables import TableMaker
from gitexport.source.postgresql.create.types import in_order, make_type
from gitexport.source.postgresql.session import Cursor

# They are not marked as trusted, and only bring types.
_TAKEN_FOR_TRUSTED = ("postgis", "vector")


def plan_creation(cursor: Cursor, wanted: Sequence[WantedRelation]) -> CreationPlan:
    """Compares the database with what is wanted, and changes nothing.

    Expects a pinned transaction.

    Raises:
        ConflictError: Something of the same name is there and is different.
        ConfigError: A description cannot be made into a relation.
        DecisionNeededError: An expression calls what no column needs, or an extension may do
            more than bring types.
        psycopg.Error: The server refused a query.
    """
    return _Planner(cursor, wanted).plan()


class _Planner:
    def __init__(self, cursor: Cursor, wanted: Sequence[WantedRelation]) -> None:
        self._wanted = wanted
        self._there = Existing(cursor)
        partitions = {bound.name for item in wanted for bound in item.relation.bounds}
        names = [*(item.relation.name for item in wanted), *partitions]
        # A reference may lead to a relation that is not part of the snapshot.
        names += [key.references for item in wanted for key in item.relation.foreign_keys]
        self._found = read_relations(cursor, names)
        self._missing = _in_order(
            [
                item
                for item in wanted
                if item.relation.name not in {*self._found, *partitions}
                and item.relation.extension is None
            ]
        )
        self._types = _merged_types(wanted)
        self._found_types = existing_types(cursor, {*self._types, *_column_types(wanted)})
        self._first = [*self._schema_steps(), *self._extension_steps()]
        self._calls = Calls(
            cursor,
            list(_texts(wanted, self._types.values())),
            self._first,
            {str(qualified(name, name)) for name in self._types},
        )
        known = frozenset({*self._types, *self._found_types})
        version = cursor.connection.info.server_version
        self._makers = [TableMaker(item, self._calls, known, version) for item in self._missing]

    def plan(self) -> CreationPlan:
        """Puts the steps in order."""
        existing = self._existing()
        steps = [*self._first, *self._type_steps(), *self._table_steps()]
        sentences = [text for maker in self._makers for text in maker.left_out]
        return CreationPlan(
            steps=tuple(steps),
            made=tuple(maker.relation.name for maker in self._makers),
            existing=tuple(existing),
            left_out=tuple(dict.fromkeys([*sentences, *self._calls.left_out])),
            calls=tuple(self._calls.used),
        )

    def _existing(self) -> list[RelationName]:
        names = []
        for item in self._wanted:
            found = self._found.get(item.relation.name)
            if found is not None:
                require_same_relation(item, found)
                names.append(found.name)
        for maker in self._makers:
            for bound in maker.relation.bounds:
                if bound.name in self._found:
                    message = f"'{bound.name}' is there, and is no partition of what is made"
                    raise ConflictError(message, where=str(bound.name))
        return names

    def _schema_steps(self) -> Iterator[CreationStep]:
        relations = [item.relation for item in self._missing]
        names = {relation.name.schema for relation in relations}
        names |= {bound.name.schema for relation in relations for bound in relation.bounds}
        names |= {item.name.schema for relation in relations for item in relation.sequences}
        names |= {schema for relation in relations for _name, schema in relation.extensions}
        names |= {qualified(name, name).schema for name in self._types}
        for name in sorted(names - self._there.schemas):
            yield CreationStep(f"schema {name}", f"CREATE SCHEMA {quoted(name)}")

    def _extension_steps(self) -> Iterator[CreationStep]:
        wanted = {pair for item in self._missing for pair in item.relation.extensions}
        for name, schema in sorted(wanted):
            found = self._there.extensions.get(name)
            if found is None:
                self._require_trusted(name)
                statement = f"CREATE EXTENSION {quoted(name)} WITH SCHEMA {quoted(schema)} CASCADE"
                yield CreationStep(f"extension {name}", statement)
            elif found != schema:
                message = f"the extension '{name}' is in the schema '{found}', not in '{schema}'"
                hint = f"run ALTER EXTENSION {quoted(name)} SET SCHEMA {quoted(schema)}"
                raise ConflictError(message, where=name, hint=hint)

    def _require_trusted(self, name: str) -> None:
        if name not in self._there.trusted and not name.startswith(_TAKEN_FOR_TRUSTED):
            message = f"the snapshot needs the extension '{name}', which may do more than it says"
            hint = f"if you trust it, run CREATE EXTENSION {quoted(name)} and import again"
            raise DecisionNeededError(message, where=name, hint=hint)

    def _type_steps(self) -> Iterator[CreationStep]:
        rows = {str(item.relation.name) for item in self._wanted}
        for named in in_order(self._types.values()):
            if named.name in self._found_types:
                require_same_type(named, self._found_types[named.name])
            elif named.name not in rows:
                yield make_type(named, self._calls)

    def _table_steps(self) -> Iterator[CreationStep]:
        yield from self._sequence_steps()
        for maker in self._makers:
            yield from maker.table()
        for maker in self._makers:
            yield from maker.keys()
            yield from maker.partitions()
            yield from maker.checks()
        targets = self._targets()
        for maker in self._makers:
            yield from maker.references(targets)

    def _sequence_steps(self) -> Iterator[CreationStep]:
        made: set[RelationName] = set()
        for maker in self._makers:
            for sequence, step in maker.sequences():
                if sequence.name in self._there.sequences:
                    if sequence.is_owned:
                        message = f"the sequence '{sequence.name}' is there, and numbers no column"
                        hint = "drop it or rename it"
                        raise ConflictError(message, where=str(sequence.name), hint=hint)
                elif sequence.name not in made:
                    made.add(sequence.name)
                    yield step

    def _targets(self) -> dict[RelationName, set[str]]:
        """Gives the columns that a reference may lead to, by relation."""
        targets = {name: {c.name for c in found.columns} for name, found in self._found.items()}
        for maker in self._makers:
            targets[maker.relation.name] = set(maker.wanted.published)
            for bound in maker.relation.bounds:
                targets[bound.name] = set(maker.wanted.published)
        return targets


def _merged_types(wanted: Sequence[WantedRelation]) -> dict[str, NamedType]:
    """Gives the types that all relations need, without those of extensions.

    Raises:
        ConfigError: Two relations disagree about one.
    """
    merged: dict[str, NamedType] = {}
    for item in wanted:
        for named in item.relation.types:
            if named.extension is None and merged.setdefault(named.name, named) != named:
                message = f"relations disagree about the type '{named.name}'"
                hint = "export with --full, so that all describe one state"
                raise ConfigError(message, where=str(item.relation.name), hint=hint)
    for name in merged:
        check_type(name, f"the type '{name}'")
    return merged


def _column_types(wanted: Sequence[WantedRelation]) -> set[str]:
    """Gives the names of the types of all columns."""
    return {
        name_of_type(
            check_type(column.type_name, f"column '{column.name}' of {item.relation.name}")
        )
        for item in wanted
        for column in item.relation.columns
    }


def _texts(wanted: Sequence[WantedRelation], types: Iterable[NamedType]) -> Iterator[str]:
    """Yields all SQL of the descriptions."""
    for item in wanted:
        relation = item.relation
        for column in relation.columns:
            yield from filter(None, (column.default, column.generated))
        yield from (text for _name, text in (*relation.constraints, *relation.checks))
        yield from filter(None, [relation.partition_key])
    for named in types:
        yield from filter(None, (named.default, *named.checks))


def _in_order(wanted: Sequence[WantedRelation]) -> list[WantedRelation]:
    """Sorts relations so that each comes after those whose rows are values of its columns.

    Raises:
        ConfigError: They need each other.
    """
    known = {str(item.relation.name): item for item in wanted}
    graph = {
        name: [kind for kind in _row_types(item.relation) if kind in known and kind != name]
        for name, item in known.items()
    }
    try:
        return [known[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        message = "relations have rows of each other as values"
        raise ConfigError(message, where=", ".join(error.args[1])) from error


def _row_types(relation: Relation) -> Iterator[str]:
    yield from (named.name for named in relation.types)
