"""References follow the rows that they mean, and documents come out as the target's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import sql

from gitexport.canonical.members import member_prefixes, with_members
from gitexport.model.ports import Key
from gitexport.model.recognition import Dangling, Misled, NativeDocument, RowReference
from gitexport.source.postgresql.recognition.tables import EntityTables, all_of, listed, spaced
from gitexport.source.postgresql.session import Cursor

_BATCH = 5000
_SHOWN = 100


class Following:
    """Reads one entity's documents once all entities are recognised."""

    def __init__(
        self, cursor: Cursor, tables: EntityTables, parents: Mapping[str, EntityTables]
    ) -> None:
        self._cursor = cursor
        self._tables = tables
        self._parents = parents
        self._aliases = {
            reference: f"p{place}" for place, reference in enumerate(tables.entity.mapped)
        }
        mapped = [name for reference in tables.entity.mapped for name in reference.columns]
        self._changed = tuple(dict.fromkeys((*tables.entity.assigned, *mapped)))

    def dangling(self) -> tuple[Dangling, ...]:
        """Finds documents to be written whose references lead nowhere; the first 100."""
        found: list[Dangling] = []
        for reference in self._tables.entity.mapped:
            found += self._dangling(reference, _SHOWN - len(found))
        return tuple(found)

    def misled(self) -> tuple[Misled, ...]:
        """Finds documents to be written whose computed references are others; the first 100."""
        found: list[Misled] = []
        for reference in self._tables.entity.mapped:
            found += self._misled(reference, _SHOWN - len(found))
        return tuple(found)

    def documents(self) -> Iterator[Sequence[NativeDocument]]:
        """Gives the documents to be written, in batches."""
        prefixes = member_prefixes(self._changed)
        name = sql.Identifier(f"gitexport_followed_{self._tables.number}")
        self._cursor.execute(
            sql.SQL("DECLARE {} NO SCROLL CURSOR FOR {}").format(name, self._select())
        )
        fetch = sql.SQL("FETCH {} FROM {}").format(sql.Literal(_BATCH), name)
        while rows := self._cursor.execute(fetch).fetchall():
            yield [self._native(row, prefixes) for row in rows]
        self._cursor.execute(sql.SQL("CLOSE {}").format(name))

    def pairs(self) -> Iterator[tuple[Key, Key, bool]]:
        """Streams each document's key, that of its row, and whether the row is new.

        Leaves out documents that have no row and get none.
        """
        entity = self._tables.entity
        there: sql.Composable = sql.SQL("k.is_known")
        if not entity.assigned:
            same = (
                sql.SQL("t.{} = {}").format(sql.Identifier(name), self._value("o", name))
                for name in entity.key
            )
            there = sql.SQL("EXISTS (SELECT FROM {} t WHERE {})").format(
                self._tables.target, all_of(same)
            )
        statement = sql.SQL(
            "SELECT key, row, NOT is_there FROM (SELECT d.n, d.key, {key} AS row,"
            " {there} AS is_there, d.is_written AND d.document IS NOT NULL AS will_be"
            " FROM {source}) AS f"
            " WHERE (is_there OR will_be) AND array_position(row, NULL) IS NULL ORDER BY n"
        ).format(key=self._key(), there=there, source=self._source("o"))
        for old, new, is_new in self._cursor.stream(statement, size=_BATCH):
            yield tuple(old), tuple(new), is_new

    def _native(self, row: tuple[object, ...], prefixes: Mapping[str, bytes]) -> NativeDocument:
        old, new, is_known, document, base, *values = row
        count = len(self._changed)
        return NativeDocument(
            tuple(old),  # type: ignore[arg-type]
            tuple(new),  # type: ignore[arg-type]
            self._patched(document, values[:count], prefixes),
            self._patched(base, values[count:], prefixes),
            is_known,  # type: ignore[arg-type]
        )

    def _patched(
        self, document: object, values: Sequence[object], prefixes: Mapping[str, bytes]
    ) -> bytes | None:
        if not isinstance(document, str):
            return None
        given = zip(self._changed, values, strict=True)
        changed = {name: b"null" if v is None else str(v).encode() for name, v in given}
        return with_members(document.encode(), changed, prefixes)

    def _select(self) -> sql.Composable:
        values = [self._value("o", name) for name in self._changed]
        if self._tables.merges:
            values += [self._value("b", name) for name in self._changed]
        else:
            values += [sql.SQL("NULL::text")] * len(self._changed)
        return sql.SQL(
            "SELECT d.key, {}, k.is_known, d.document::text, d.base::text{} FROM {}"
            " WHERE d.is_written ORDER BY d.n"
        ).format(
            self._key(),
            sql.SQL("").join(sql.SQL(", to_json({})::text").format(value) for value in values),
            self._source("o", "b") if self._tables.merges else self._source("o"),
        )

    def _key(self) -> sql.Composable:
        return sql.SQL("ARRAY[{}]").format(
            listed(
                sql.SQL("{}::text").format(self._value("o", name))
                for name in self._tables.entity.key
            )
        )

    def _source(self, *kinds: str) -> sql.Composable:
        joins = [
            sql.SQL("LEFT JOIN {} {} ON {}").format(
                self._parents[reference.parent or ""].known,
                sql.Identifier(self._alias(kind, reference)),
                self._meets(kind, reference),
            )
            for kind in kinds
            for reference in self._aliases
        ]
        return sql.SQL("{} d JOIN {} k ON k.n = d.n {}").format(
            self._tables.taken, self._tables.known, sql.SQL(" ").join(joins)
        )

    def _alias(self, kind: str, reference: RowReference) -> str:
        return f"{kind}_{self._aliases[reference]}"

    def _meets(self, kind: str, reference: RowReference) -> sql.Composable:
        parent = self._parents[reference.parent or ""]
        return all_of(
            sql.SQL("{} = {}").format(
                parent.old(self._alias(kind, reference), referred), self._own(kind, name)
            )
            for name, referred in zip(reference.columns, reference.parent_columns, strict=True)
        )

    def _own(self, kind: str, name: str) -> sql.Composable:
        return self._tables.old("k", name) if kind == "o" else self._tables.base("k", name)

    def _value(self, kind: str, name: str) -> sql.Composable:
        """Gives a column's value in the target."""
        if name in self._tables.entity.assigned:
            return self._tables.new("k", name)
        # A composite key that is partly null refers to nothing; another may have the column.
        followed = [
            sql.SQL("WHEN {}.n IS NOT NULL THEN {}").format(
                sql.Identifier(alias), parent.new(alias, referred)
            )
            for alias, parent, referred in self._followed(kind, name)
        ]
        own = self._own(kind, name)
        return sql.SQL("CASE {} ELSE {} END").format(spaced(followed), own) if followed else own

    def _followed(self, kind: str, name: str) -> Iterator[tuple[str, EntityTables, str]]:
        """Yields the references that a column is part of, each with the column referred to."""
        for reference in self._aliases:
            if name in reference.columns:
                referred = reference.parent_columns[reference.columns.index(name)]
                parent = self._parents[reference.parent or ""]
                yield self._alias(kind, reference), parent, referred

    def _dangling(self, reference: RowReference, limit: int) -> list[Dangling]:
        parent = self._parents[reference.parent or ""]
        alias = self._alias("o", reference)
        is_lost = sql.SQL("({}.n IS NULL OR {})").format(
            sql.Identifier(alias),
            sql.SQL(" OR ").join(
                sql.SQL("{} IS NULL").format(parent.new(alias, referred))
                for referred in reference.parent_columns
            ),
        )
        rows = self._referring(reference, self._old_texts(reference), is_lost, limit)
        return [
            Dangling(
                self._tables.entity.name,
                tuple(key),
                reference.name,
                tuple(values),
                reference.relation,
                reference.parent_columns,
            )
            for key, values in rows
        ]

    def _misled(self, reference: RowReference, limit: int) -> list[Misled]:
        parent = self._parents[reference.parent or ""]
        alias = self._alias("o", reference)
        pairs = list(zip(reference.columns, reference.parent_columns, strict=True))
        computed = [pair for pair in pairs if self._tables.is_generated(pair[0])]
        if not computed:
            return []
        is_other = sql.SQL("({})").format(
            sql.SQL(" OR ").join(
                sql.SQL("{} <> {}").format(parent.new(alias, referred), self._own("o", name))
                for name, referred in computed
            )
        )
        texts = sql.SQL("{}, ARRAY[{}]").format(
            self._old_texts(reference),
            listed(sql.SQL("{}::text").format(parent.new(alias, name)) for _, name in pairs),
        )
        return [
            Misled(
                self._tables.entity.name,
                tuple(key),
                reference.name,
                tuple(name for name, _ in computed),
                tuple(old),
                tuple(new),
                reference.relation,
                reference.parent_columns,
            )
            for key, old, new in self._referring(reference, texts, is_other, limit)
        ]

    def _old_texts(self, reference: RowReference) -> sql.Composable:
        texts = (sql.SQL("{}::text").format(self._own("o", name)) for name in reference.columns)
        return sql.SQL("ARRAY[{}]").format(listed(texts))

    def _referring(
        self,
        reference: RowReference,
        values: sql.Composable,
        condition: sql.Composable,
        limit: int,
    ) -> list[tuple[Any, ...]]:
        """Reads the keys and some values of documents to be written that refer to something."""
        alias = self._alias("o", reference)
        statement = sql.SQL(
            "SELECT d.key, {values} FROM {taken} d JOIN {known} k ON k.n = d.n"
            " LEFT JOIN {parents} {alias} ON {meets}"
            " WHERE d.is_written AND d.document IS NOT NULL AND {there} AND {condition}"
            " ORDER BY d.n LIMIT {limit}"
        ).format(
            values=values,
            taken=self._tables.taken,
            known=self._tables.known,
            parents=self._parents[reference.parent or ""].known,
            alias=sql.Identifier(alias),
            meets=self._meets("o", reference),
            there=all_of(
                sql.SQL("{} IS NOT NULL").format(self._own("o", name)) for name in reference.columns
            ),
            condition=condition,
            limit=sql.Literal(limit),
        )
        return self._cursor.execute(statement).fetchall()
