"""Staging tables: documents and deletions of one entity, typed, in the writer's transaction.

A document's values go into columns of their relation's types by COPY, so the server's own
input functions read them, at the speed of COPY. They come in pieces of bounded size, so that
memory stays flat and a refused value can be told by its document's key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, count, islice

import psycopg
from psycopg import sql

from gitexport.model.ports import Key, RowScope
from gitexport.model.prepared_rows import PreparedRows
from gitexport.model.writing import MissingColumns, RowAction, StagedRows
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.documents import DocumentReader
from gitexport.source.postgresql.writing.preparing import COMPLETE, Preparer
from gitexport.source.postgresql.writing.refusals import (
    is_about_a_row,
    other_error,
    refused,
)
from gitexport.source.postgresql.writing.target import Target
from gitexport.source.postgresql.writing.values import (
    COPY_NULL,
    converter,
    copy_field,
    is_geometry,
)

# How many blocks one COPY takes, which bounds what a refused value is looked for in.
_BLOCKS = 64
_KEYS = 5000
# The words for line and column are in the server's language.
_PLACE = re.compile(r"^COPY gitexport_\w+, [^\d\n]*(\d+)(?:, [^\d\n:]*\bc(\d+))?", re.MULTILINE)


class Stage:
    """The documents and deletions that are staged for one entity.

    `table` has `line`, `action`, `shape`, and the target's columns under their places;
    `gone` has those of `key` alone. Both end with the transaction.
    """

    def __init__(self, cursor: Cursor, target: Target, number: int) -> None:
        self.target = target
        self.table = sql.Identifier("pg_temp", f"gitexport_stage_{number}")
        self.gone = sql.Identifier("pg_temp", f"gitexport_gone_{number}")
        self.verdicts = sql.Identifier("pg_temp", f"gitexport_verdict_{number}")
        self.key = target.entity.key
        self.rows = 0
        self.deletions = 0
        self._cursor = cursor
        self._is_settled = False
        self._analyzed = [-1, 0]
        self._actions: set[RowAction] = set()
        columns = {
            column.name: converter(target.types[column.name], target.delimiters)
            for column in target.columns
        }
        reader = DocumentReader(columns, self.key, target.told_key)
        self.preparer = Preparer(target.entity.name, self.key, reader)
        self._create()

    @property
    def used_shapes(self) -> set[int]:
        """The numbers of the shapes of staged documents."""
        return self.preparer.used_shapes

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing is staged."""
        return not self.rows and not self.deletions

    def missing(self, shape: int) -> tuple[str, ...]:
        """Lists the columns that take their defaults, or keep their values, in a shape."""
        if shape == COMPLETE:
            return ()
        return tuple(n for n in self.preparer.reader.shapes[shape].missing if n not in self.key)

    def takes(self, action: RowAction) -> bool:
        """Tells whether documents were staged with an action."""
        return action in self._actions

    def add(
        self, documents: Iterable[tuple[Key, bytes]], action: RowAction, missing: MissingColumns
    ) -> StagedRows:
        """Takes documents; see `gitexport.model.writing.RowWriter.stage`."""
        blocks = self.preparer.lines(documents, count(self.rows + 1), action, missing)
        return self._staged(blocks, action)

    def take(self, prepared: Iterable[PreparedRows], action: RowAction) -> StagedRows:
        """Takes prepared documents; see `gitexport.model.writing.RowWriter.stage_prepared`."""
        return self._staged(self._judged(prepared, action), action)

    def _judged(
        self, prepared: Iterable[PreparedRows], action: RowAction
    ) -> Iterator[PreparedRows]:
        for block in prepared:
            if block.line_count:
                self.used_shapes.add(COMPLETE)
                yield block
            default = MissingColumns.DEFAULT
            yield from self.preparer.lines(block.left, block.numbers, action, default)

    def _staged(self, blocks: Iterator[PreparedRows], action: RowAction) -> StagedRows:
        self._actions.add(action)
        counted = map(self._counted, blocks)
        for first in counted:
            self._copy(self.table, chain([first], islice(counted, _BLOCKS - 1)))
        reader = self.preparer.reader
        inserted = self.used_shapes if action is not RowAction.UPDATE else set()
        required = {name for n in inserted for name in self.target.required(self.missing(n))}
        return StagedRows(
            rows=self.rows,
            missing=reader.missing(),
            unknown=reader.unknown(),
            required=tuple(sorted(required)),
        )

    def add_deletions(self, keys: Iterable[Key]) -> int:
        """Takes keys for deletion; gives the number of those that have a row."""
        before = self.deletions
        batch: list[Key] = []
        for key in keys:
            batch.append(key)
            if len(batch) == _KEYS:
                self._add_gone(batch)
                batch = []
        self._add_gone(batch)
        return self.deletions - before

    def add_departures(self) -> int:
        """Takes every row for deletion that no document was staged for."""
        target = self.target
        rows = target.reading.reading(target.entity, RowScope.ALL)
        self._cursor.execute(
            sql.SQL(
                "INSERT INTO {gone} SELECT {key} FROM {source} WHERE {condition} AND NOT {staged}"
            ).format(
                gone=self.gone,
                key=sql.SQL(", ").join(rows.column(name) for name in self.key),
                source=rows.source,
                condition=rows.condition,
                staged=self.has_row(self.table),
            )
        )
        self.deletions += self._cursor.rowcount
        return self._cursor.rowcount

    def has_row(self, table: sql.Identifier) -> sql.Composable:
        """Makes the condition that a row, read under its relation's own name, is in a table."""
        # The relation may be named by any alias that is not clearly ours.
        alias = "gitexport_staged"
        return sql.SQL("EXISTS (SELECT FROM {} AS {} WHERE {})").format(
            table,
            sql.Identifier(alias),
            self.target.same_key(self.target.entity.relation.name, alias),
        )

    def settle(self) -> None:
        """Brings what is staged into its final form, once everything is."""
        for column in () if self._is_settled else self.target.columns:
            base = self.target.types[column.name].base
            if column.not_null and base.is_json:
                # What a document has as null can only have been JSON's null.
                form = "UPDATE {} SET {place} = 'null' WHERE {place} IS NULL"
                place = self.target.places[column.name]
                self._cursor.execute(sql.SQL(form).format(self.table, place=place))
            if is_geometry(base):
                self._cursor.execute(
                    sql.SQL(
                        "ALTER TABLE {} ALTER COLUMN {place} TYPE {kind}"
                        " USING {}.st_geomfromgeojson({place})"
                    ).format(
                        self.table,
                        sql.Identifier(base.schema),
                        place=self.target.places[column.name],
                        kind=sql.SQL(base.sql_name),
                    )
                )
        self._is_settled = True
        now = [self.rows, self.deletions]
        for table, rows, before in zip((self.table, self.gone), now, self._analyzed, strict=True):
            if rows != before:
                self._cursor.execute(sql.SQL("ANALYZE {}").format(table))
        self._analyzed = now

    def keys_of(
        self, condition: sql.Composable, limit: int = 1, *, is_gone: bool = False
    ) -> list[Key]:
        """Gives the keys of some staged documents `s`, in their order, or of some deletions."""
        self._cursor.execute(
            sql.SQL("SELECT {} FROM {} AS s WHERE {} ORDER BY {} LIMIT {}").format(
                self.key_texts("s"),
                self.gone if is_gone else self.table,
                condition,
                sql.SQL("1" if is_gone else "s.line"),
                sql.Literal(limit),
            )
        )
        return [tuple(row) for row in self._cursor]

    def key_texts(self, alias: str) -> sql.Composable:
        """Gives the texts of the key's columns of a staging table."""
        return sql.SQL(", ").join(
            sql.SQL("{}.{}::text").format(sql.Identifier(alias), self.target.places[name])
            for name in self.key
        )

    def _create(self) -> None:
        target = self.target
        place = [
            sql.SQL("{} AS {}").format(
                sql.SQL("NULL::json")
                if is_geometry(target.types[name].base)
                else sql.Identifier("r", name),
                target.places[name],
            )
            for name in target.places
        ]
        keys = [
            sql.SQL("r.{} AS {}").format(sql.Identifier(name), target.places[name])
            for name in self.key
        ]
        first = 'NULL::int8 AS line, NULL::"char" AS action, NULL::int4 AS shape'
        shapes: list[tuple[sql.Identifier, list[sql.Composable]]] = [
            (self.table, [sql.SQL(first), *place]),
            (self.gone, list(keys)),
            (self.verdicts, [sql.SQL('NULL::int8 AS line, NULL::"char" AS verdict')]),
        ]
        for table, columns in shapes:
            self._cursor.execute(
                sql.SQL(
                    "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS"
                    " SELECT {} FROM {} AS r WITH NO DATA"
                ).format(table, sql.SQL(", ").join(columns), target.table)
            )

    def _counted(self, block: PreparedRows) -> PreparedRows:
        self.rows += block.line_count
        return block

    def _copy(self, table: sql.Identifier, blocks: Iterable[PreparedRows]) -> None:
        sent: list[tuple[int, str]] = []
        try:
            with self._cursor.copy(
                sql.SQL("COPY {} FROM STDIN (NULL {})").format(
                    table, sql.Literal(COPY_NULL.decode())
                )
            ) as copy:
                for block in blocks:
                    sent.append((block.line_count, block.keys))
                    copy.write(block.lines)
        except psycopg.Error as error:
            entity = self.target.entity.name
            if not is_about_a_row(error):
                raise other_error(error, entity) from error
            place = _PLACE.search(error.diag.context or "")
            key, column = None, None
            if place is not None:
                key = _key_of(sent, int(place[1]))
                column = None if place[2] is None else self.target.columns[int(place[2])].name
            raise refused(error, entity, key, column=column) from error

    def _add_gone(self, keys: list[Key]) -> None:
        target = self.target
        rows = target.reading.reading(target.entity, RowScope.ALL)
        fitting = [key for key in dict.fromkeys(keys) if len(key) == len(self.key)]
        living = target.reading.match.living(self._cursor, rows, fitting)
        found = [key for key in fitting if key in living]
        if found:
            lines = [b"\t".join(copy_field(p.encode()) for p in key) + b"\n" for key in found]
            self._copy(self.gone, [PreparedRows.of(len(lines), b"".join(lines), found)])
            self.deletions += len(found)


def _key_of(sent: Iterable[tuple[int, str]], line: int) -> Key | None:
    """Finds the key of a line of COPY, the first of which is 1."""
    for lines, keys in sent:
        if line <= lines:
            return PreparedRows(lines, b"", keys).key(line - 1)
        line -= lines
    return None
