"""Staging tables: documents and deletions of one entity, typed, in the writer's transaction.

A document's values go into columns of their relation's types by COPY, so the server's own
input functions read them, at the speed of COPY. They come in pieces of bounded size, so that
memory stays flat and a refused value can be told by its document's key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import psycopg
from psycopg import sql

from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import Key, RowScope
from gitexport.model.writing import MissingColumns, RowAction, StagedRows
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.documents import DocumentReader, DocumentShape
from gitexport.source.postgresql.writing.refusals import (
    is_about_a_row,
    other_error,
    refused,
    unsuitable,
)
from gitexport.source.postgresql.writing.target import Target
from gitexport.source.postgresql.writing.values import (
    COPY_NULL,
    converter,
    copy_field,
    is_geometry,
)

COMPLETE = -1
"""The shape of documents that hold every column, or whose others become null."""

# The server reads a block while the next one is made.
_BLOCK_BYTES = 1 << 16
_BLOCKS = 64
_KEYS = 5000
# The words for line and column are in the server's language.
_PLACE = re.compile(r"^COPY gitexport_\w+, [^\d\n]*(\d+)(?:, [^\d\n:]*\bc(\d+))?", re.MULTILINE)
_Block = tuple[list[bytes], list[Key]]
_ACTIONS = {
    RowAction.INSERT: b"i",
    RowAction.UPDATE: b"u",
    RowAction.UPSERT: b"p",
    RowAction.SKIP: b"s",
}


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
        self.used_shapes: set[int] = set()
        self._cursor = cursor
        self._is_settled = False
        self._analyzed = [-1, 0]
        self._actions: set[RowAction] = set()
        columns = {
            column.name: converter(target.types[column.name], target.delimiters)
            for column in target.columns
        }
        self._reader = DocumentReader(columns, target.entity.key, target.told_key)
        self._create()

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing is staged."""
        return not self.rows and not self.deletions

    def missing(self, shape: int) -> tuple[str, ...]:
        """Lists the columns that take their defaults, or keep their values, in a shape."""
        if shape == COMPLETE:
            return ()
        return tuple(n for n in self._reader.shapes[shape].missing if n not in self.key)

    def takes(self, action: RowAction) -> bool:
        """Tells whether documents were staged with an action."""
        return action in self._actions

    def add(
        self, documents: Iterable[tuple[Key, bytes]], action: RowAction, missing: MissingColumns
    ) -> StagedRows:
        """Takes documents; see `gitexport.model.writing.RowWriter.stage`."""
        self._actions.add(action)
        blocks = self._blocks(documents, _ACTIONS[action], missing)
        for first in blocks:
            self._copy(self.table, chain([first], islice(blocks, _BLOCKS - 1)))
        inserted = self.used_shapes if action is not RowAction.UPDATE else set()
        required = {name for n in inserted for name in self.target.required(self.missing(n))}
        return StagedRows(
            rows=self.rows,
            missing=self._reader.missing(),
            unknown=self._reader.unknown(),
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
                "INSERT INTO {gone} SELECT {key} FROM {source} WHERE {condition}"
                " AND NOT EXISTS (SELECT FROM {stage} AS s WHERE {same})"
            ).format(
                gone=self.gone,
                key=sql.SQL(", ").join(rows.column(name) for name in self.key),
                source=rows.source,
                condition=rows.condition,
                stage=self.table,
                same=target.same_key(target.entity.relation.name, "s"),
            )
        )
        self.deletions += self._cursor.rowcount
        return self._cursor.rowcount

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

    def _blocks(
        self, documents: Iterable[tuple[Key, bytes]], action: bytes, missing: MissingColumns
    ) -> Iterator[_Block]:
        lines: list[bytes] = []
        keys: list[Key] = []
        size = 0
        latest, head = None, b""
        for key, document in documents:
            shape, fields = self._read(key, document)
            if shape is not latest:
                latest, head = shape, b"%b\t%d\t" % (action, self._number(key, shape, missing))
            self.rows += 1
            line = b"%d\t%b%b\n" % (self.rows, head, fields)
            lines.append(line)
            keys.append(key)
            size += len(line)
            if size > _BLOCK_BYTES:
                yield lines, keys
                lines, keys, size = [], [], 0
        if lines:
            yield lines, keys

    def _read(self, key: Key, document: bytes) -> tuple[DocumentShape, bytes]:
        if len(key) != len(self.key):
            name = self.target.entity.name
            message = f"the key has {len(key)} parts, and '{name}' has {len(self.key)}"
            raise unsuitable(name, key, message, hint="see 'key' in gitexport.toml")
        try:
            return self._reader.line(key, document)
        except UnsupportedValueError as error:
            name = self.target.entity.name
            column = f"column '{error.where}' " if error.where else ""
            raise unsuitable(name, key, column + error.message, hint=error.hint) from error

    def _number(self, key: Key, shape: DocumentShape, missing: MissingColumns) -> int:
        lacking = [name for name in shape.missing if name not in self.key] if shape.missing else []
        number = COMPLETE
        if lacking and missing is MissingColumns.REFUSE:
            message = f"the document lacks the column '{lacking[0]}'"
            raise unsuitable(self.target.entity.name, key, message)
        if lacking and missing is MissingColumns.DEFAULT:
            number = shape.number
        self.used_shapes.add(number)
        return number

    def _copy(self, table: sql.Identifier, blocks: Iterable[_Block]) -> None:
        keys: list[Key] = []
        try:
            with self._cursor.copy(
                sql.SQL("COPY {} FROM STDIN (NULL {})").format(
                    table, sql.Literal(COPY_NULL.decode())
                )
            ) as copy:
                for lines, some in blocks:
                    keys += some
                    copy.write(b"".join(lines))
        except psycopg.Error as error:
            entity = self.target.entity.name
            if not is_about_a_row(error):
                raise other_error(error, entity) from error
            place = _PLACE.search(error.diag.context or "")
            key, column = None, None
            if place is not None:
                key = keys[min(int(place[1]), len(keys)) - 1]
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
            self._copy(self.gone, [(lines, found)])
            self.deletions += len(found)
