"""Statements that make one relation: table, sequences, keys, partitions, checks, references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gitexport.model.creation import CreationStep, WantedRelation
from gitexport.model.relation import (
    Column,
    ForeignKey,
    Relation,
    RelationKind,
    RelationName,
    Sequence,
)
from gitexport.source.postgresql.create.calls import Calls
from gitexport.source.postgresql.create.names import listed, name_of_type, qualified, quoted
from gitexport.source.postgresql.create.sql_text import (
    check_bound,
    check_collation,
    check_definition,
    check_key,
    check_partition_key,
    check_type,
    is_temporal_key,
    sequences_of,
)

_VIRTUAL = 180000
_TEMPORAL = 180000
_TABLES = (RelationKind.TABLE, RelationKind.PARTITIONED)
_ACTIONS = ("restrict", "cascade", "set null", "set default")


@dataclass(slots=True)
class TableMaker:
    """Writes the statements of one relation, and sentences on what they leave out."""

    wanted: WantedRelation
    calls: Calls
    known_types: frozenset[str]
    server_version: int
    left_out: list[str] = field(default_factory=list)

    @property
    def relation(self) -> Relation:
        """The relation as the snapshot describes it."""
        return self.wanted.relation

    def sequences(self) -> Iterator[tuple[Sequence, CreationStep]]:
        """Yields the sequences that defaults name, with the statements that make them."""
        identities = {column.name for column in self.relation.columns if column.identity}
        for sequence in _sequences(self.relation):
            if sequence.column not in identities:
                statement = f"CREATE SEQUENCE {quoted(*sequence.name)} AS {_options(sequence)}"
                yield sequence, CreationStep(f"sequence {sequence.name}", statement)

    def table(self) -> Iterator[CreationStep]:
        """Yields the statements that make the table, and give it its sequences."""
        relation = self.relation
        if relation.kind not in _TABLES:
            self.left_out.append(
                f"{relation.name} was a {relation.kind.value}; a table of its rows is made"
            )
        if relation.is_partition:
            self.left_out.append(f"{relation.name} was a partition; a table of its own is made")
        columns = ", ".join(self._columns())
        key = self._partition_key()
        division = f" PARTITION BY {key}" if key is not None else ""
        statement = f"CREATE TABLE {quoted(*relation.name)} ({columns}){division}"
        yield CreationStep(f"table {relation.name}", statement)
        names = {column.name for column in relation.columns if not column.identity}
        for sequence in _sequences(relation):
            if sequence.is_owned and sequence.column in names:
                owner = quoted(*relation.name, sequence.column)
                yield CreationStep(
                    f"sequence {sequence.name}",
                    f"ALTER SEQUENCE {quoted(*sequence.name)} OWNED BY {owner}",
                )

    def keys(self) -> Iterator[CreationStep]:
        """Yields the statements that add primary key, unique and exclusion constraints."""
        relation = self.relation
        published = set(self.wanted.published)
        named = set()
        for name, text in relation.constraints:
            where = f"'{name}' of {relation.name}"
            if is_temporal_key(text) and self.server_version < _TEMPORAL:
                self.left_out.append(
                    f"{where} lets periods overlap: this server does not know WITHOUT OVERLAPS"
                )
                continue
            named.add(name)
            allowed = self.calls.allowed(text, where, check_key)
            if allowed is not None:
                yield self._constraint(name, allowed)
        for key in (*relation.unique_keys, *relation.nullable_keys):
            if key.name not in named and published.issuperset(key.columns):
                named.add(key.name)
                if key.is_primary:
                    yield self._constraint(key.name, f"PRIMARY KEY ({listed(key.columns)})")
                else:
                    yield CreationStep(
                        f"index {key.name} of {relation.name}",
                        f"CREATE UNIQUE INDEX {quoted(key.name)} ON {quoted(*relation.name)}"
                        f" ({listed(key.columns)})",
                    )
        if relation.kind not in _TABLES and published.issuperset(self.wanted.key):
            yield CreationStep(
                f"key of {relation.name}",
                f"ALTER TABLE {quoted(*relation.name)} ADD PRIMARY KEY ({listed(self.wanted.key)})",
            )

    def partitions(self) -> Iterator[CreationStep]:
        """Yields the statements that make partitions, each after its parent."""
        if self._partition_key() is None:
            return
        for bound in self.relation.bounds:
            where = str(bound.name)
            text = check_bound(bound.bound, where)
            key = bound.partition_key
            division = f" PARTITION BY {check_partition_key(key, where)}" if key else ""
            yield CreationStep(
                f"partition {bound.name}",
                f"CREATE TABLE {quoted(*bound.name)} PARTITION OF {quoted(*bound.parent)}"
                f" {text}{division}",
            )

    def checks(self) -> Iterator[CreationStep]:
        """Yields the statements that add check constraints."""
        for name, text in self.relation.checks:
            where = f"'{name}' of {self.relation.name}"
            allowed = self.calls.allowed(text, where, check_definition)
            if allowed is not None:
                yield self._constraint(name, allowed)

    def references(self, targets: dict[RelationName, set[str]]) -> Iterator[CreationStep]:
        """Yields the statements that add foreign keys.

        `targets` are the relations that can be referred to, with columns that have values.
        """
        names = {column.name for column in self.relation.columns}
        for key in self.relation.foreign_keys:
            where = f"'{key.name}' of {self.relation.name}"
            columns = targets.get(key.references)
            if columns is None:
                self.left_out.append(f"{where}: it refers to {key.references}, which is not there")
            elif not (names.issuperset(key.columns) and columns.issuperset(key.referenced_columns)):
                self.left_out.append(f"{where}: a column that it needs is not published")
            elif key.is_temporal and self.server_version < _TEMPORAL:
                self.left_out.append(f"{where}: this server does not know references to periods")
            else:
                yield self._constraint(key.name, _reference(key))

    def _columns(self) -> Iterator[str]:
        for column in self.relation.columns:
            if column.name in self.wanted.published:
                yield self._column(column)
            elif self._has_type(column.type_name):
                # Of these the snapshot knows no more, and has no values.
                yield f"{quoted(column.name)} {self._type(column)}"
            else:
                self.left_out.append(
                    f"column '{column.name}' of {self.relation.name}: it is not published, and"
                    f" the snapshot does not say what '{column.type_name}' is"
                )

    def _column(self, column: Column) -> str:
        parts = [quoted(column.name), self._type(column)]
        where = f"column '{column.name}' of {self.relation.name}"
        if column.collation:
            parts.append(f"COLLATE {check_collation(column.collation, where)}")
        default = self.calls.allowed(column.default, f"the default of {where}")
        generated = self.calls.allowed(column.generated, f"the expression of {where}")
        if default is not None:
            parts.append(f"DEFAULT ({default})")
        if generated is not None:
            parts.append(f"GENERATED ALWAYS AS ({generated}) {self._storage(column)}")
        if column.identity:
            parts.append(self._identity(column))
        if column.not_null:
            parts.append("NOT NULL")
        return " ".join(parts)

    def _type(self, column: Column) -> str:
        return check_type(column.type_name, f"column '{column.name}' of {self.relation.name}")

    def _has_type(self, type_name: str) -> bool:
        # What stands without a schema belongs to the server.
        return "." not in type_name or name_of_type(type_name) in self.known_types

    def _storage(self, column: Column) -> str:
        if column.is_virtual and self.server_version < _VIRTUAL:
            self.left_out.append(
                f"column '{column.name}' of {self.relation.name} is stored: this server does not"
                " know virtual columns"
            )
        is_virtual = column.is_virtual and self.server_version >= _VIRTUAL
        return "VIRTUAL" if is_virtual else "STORED"

    def _identity(self, column: Column) -> str:
        kind = "ALWAYS" if column.identity == "always" else "BY DEFAULT"
        own = [s for s in self.relation.sequences if s.column == column.name and s.is_owned]
        if not own:
            return f"GENERATED {kind} AS IDENTITY"
        options = _options(own[0]._replace(type_name=""))
        return f"GENERATED {kind} AS IDENTITY (SEQUENCE NAME {quoted(*own[0].name)}{options})"

    def _partition_key(self) -> str | None:
        relation = self.relation
        if relation.kind is not RelationKind.PARTITIONED or relation.partition_key is None:
            return None
        where = f"the partitions of {relation.name}"
        key = self.calls.allowed(relation.partition_key, where, check_partition_key)
        if key is not None and not relation.bounds and relation.partitions:
            sentence = f"{where}: the snapshot does not say what each of them holds"
            if sentence not in self.left_out:
                self.left_out.append(sentence)
            return None
        return key

    def _constraint(self, name: str, definition: str) -> CreationStep:
        relation = self.relation.name
        return CreationStep(
            f"constraint {name} of {relation}",
            f"ALTER TABLE {quoted(*relation)} ADD CONSTRAINT {quoted(name)} {definition}",
        )


def _sequences(relation: Relation) -> tuple[Sequence, ...]:
    """Gives the sequences of a relation; before they were told, defaults named them."""
    known = {sequence.name for sequence in relation.sequences}
    named = [
        Sequence(qualified(text, str(relation.name)), column.name, column.type_name)
        for column in relation.columns
        for text in sequences_of(column.default or "")
    ]
    whole = [
        sequence
        if sequence.type_name in {"smallint", "integer", "bigint"}
        else sequence._replace(type_name="bigint", is_owned=False)
        for sequence in named
    ]
    return (*relation.sequences, *(sequence for sequence in whole if sequence.name not in known))


def _options(sequence: Sequence) -> str:
    options = {
        "INCREMENT BY": None if sequence.increment == 1 else sequence.increment,
        "MINVALUE": sequence.minimum,
        "MAXVALUE": sequence.maximum,
        "START WITH": sequence.start,
        "CACHE": None if sequence.cache == 1 else sequence.cache,
    }
    parts = [f" {word} {number}" for word, number in options.items() if number is not None]
    kind = sequence.type_name and check_type(sequence.type_name, str(sequence.name))
    return kind + "".join(parts) + (" CYCLE" if sequence.cycles else "")


def _reference(key: ForeignKey) -> str:
    columns, referred = (
        _with_period(names) if key.is_temporal else listed(names)
        for names in (key.columns, key.referenced_columns)
    )
    parts = [f"FOREIGN KEY ({columns}) REFERENCES {quoted(*key.references)} ({referred})"]
    if key.is_match_full:
        parts.append("MATCH FULL")
    if key.on_update in _ACTIONS:
        parts.append(f"ON UPDATE {key.on_update.upper()}")
    if key.on_delete in _ACTIONS:
        parts.append(f"ON DELETE {key.on_delete.upper()}")
        if key.delete_columns:
            parts.append(f"({listed(key.delete_columns)})")
    if key.is_deferrable:
        parts.append("DEFERRABLE")
    if key.initially_deferred:
        parts.append("INITIALLY DEFERRED")
    return " ".join(parts)


def _with_period(names: tuple[str, ...]) -> str:
    *others, period = map(quoted, names)
    return ", ".join([*others, f"PERIOD {period}"])
