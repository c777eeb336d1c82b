"""Compiles the SELECT that makes a relation's rows into the text of documents.

The server writes the top level: a constant before each column's value, members sorted by
code point, and `to_json(column)`, which is what `row_to_json` writes for the column.
Values that may hold JSON of any shape stand between two U+0001 marks and are canonicalised
by `gitexport.canonical.encode`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.canonical.encode import CLOSING, EMPTY_DOCUMENT, MARK, opening
from gitexport.model.ports import NestedKind, RowQuery
from gitexport.source.postgresql.problems import problem_expression
from gitexport.source.postgresql.value_types import ValueType

_ARGUMENTS = 90
"""How many arguments one call of `concat` gets; a function has at most 100."""

_NEIGHBOURS_BITS = 5
_MARK = MARK.decode()


class CompiledSelect(NamedTuple):
    """What one relation with some published columns compiles to.

    `document` is a text expression, NULL where `raw_size` is over the limit. `raw_size` is a
    lower bound of the document's length that costs nothing to compute, None where no column
    gives one. `problem` is a text expression or None.
    """

    document: sql.Composable
    nested: tuple[NestedKind, ...]
    raw_size: sql.Composable | None
    problem: sql.Composable | None


class Reading(NamedTuple):
    """Where rows come from: the relation under its alias, and which rows count.

    `condition` holds everything after WHERE. `is_integer` says that the key is one column of
    an integer type.
    """

    source: sql.Composable
    alias: sql.Identifier
    key: tuple[str, ...]
    version: sql.Composable
    condition: sql.Composable
    is_integer: bool = False

    def column(self, name: str) -> sql.Composable:
        """Refers to a column of the relation."""
        return sql.SQL("{}.{}").format(self.alias, sql.Identifier(name))

    def key_texts(self) -> list[sql.Composable]:
        """Gives the text of each key column."""
        return [sql.SQL("{}::text").format(self.column(name)) for name in self.key]

    def key_bytes(self) -> list[sql.Composable]:
        """Gives the text of each key column as the bytes that are stored."""
        return [sql.SQL("convert_to({}, 'SQL_ASCII')").format(text) for text in self.key_texts()]

    def share(self, part: int, parts: int) -> sql.Composable:
        """Makes the condition for one of several disjoint shares of the rows, by their key.

        Neighbouring integers stay together: their files mostly share a directory, for which
        processes would wait on each other.
        """
        if self.is_integer:
            # A row without a key must come, too: it is an error.
            form = "((coalesce({}::int8, 0) >> {}) & 9223372036854775807) % {} = {}"
            return sql.SQL(form).format(
                self.column(self.key[0]),
                sql.Literal(_NEIGHBOURS_BITS),
                sql.Literal(parts),
                sql.Literal(part),
            )
        return sql.SQL(
            '(hashtextextended(concat_ws({}, {}) COLLATE "C", 0) & 9223372036854775807) % {} = {}'
        ).format(
            sql.Literal(_MARK),
            sql.SQL(", ").join(self.key_texts()),
            sql.Literal(parts),
            sql.Literal(part),
        )


def compile_select(columns: Mapping[str, ValueType], alias: sql.Identifier) -> CompiledSelect:
    """Compiles the expressions for some columns, handed in sorted by code point."""
    sizes = [
        sql.SQL("coalesce(octet_length({}.{}), 0)::int8").format(alias, sql.Identifier(name))
        for name, value_type in columns.items()
        if value_type.is_raw_text
    ]
    kinds = [value_type.nested_kind() for value_type in columns.values()]
    return CompiledSelect(
        document=_document(columns, alias),
        nested=tuple(kind for kind in kinds if kind is not None),
        raw_size=sql.SQL(" + ").join(sizes) if sizes else None,
        problem=problem_expression(columns, alias),
    )


def rows_statement(
    reading: Reading, compiled: CompiledSelect, query: RowQuery, label: str | None
) -> sql.Composable:
    """Makes the SELECT of rows: key parts, version, problem, label, size, text.

    OFFSET 0 keeps the planner from merging the two levels, which would make it write every
    document twice: once to measure it, once to send it.
    """
    names = [f"k{place}" for place in range(len(reading.key))]
    inner = [
        *(
            sql.SQL("{} AS {}").format(text, sql.Identifier(name))
            for name, text in zip(names, reading.key_texts(), strict=True)
        ),
        sql.SQL("{} AS version").format(reading.version),
        sql.SQL("{} AS problem").format(compiled.problem or sql.SQL("NULL::text")),
        sql.SQL("{} AS label").format(
            sql.SQL("{}::text").format(reading.column(label)) if label else sql.SQL("NULL::text")
        ),
        sql.SQL("{} AS raw").format(compiled.raw_size or sql.SQL("0::int8")),
        sql.SQL("{} AS doc").format(_limited(compiled, query.max_bytes)),
    ]
    return sql.SQL(
        "SELECT {keys}, r.version, r.problem, r.label,"
        " coalesce(octet_length(r.doc)::int8, r.raw),"
        " CASE WHEN r.problem IS NULL AND octet_length(r.doc) <= {limit} THEN r.doc END"
        " FROM (SELECT {inner} FROM {source} WHERE {condition}{order} OFFSET 0) AS r"
    ).format(
        keys=sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(name)) for name in names),
        limit=sql.Literal(query.max_bytes),
        inner=sql.SQL(", ").join(inner),
        source=reading.source,
        condition=_shared(reading, query),
        order=by_key(reading, query),
    )


def keys_statement(
    reading: Reading, query: RowQuery, *, with_version: bool = False, as_bytes: bool = False
) -> sql.Composable:
    """Makes the SELECT of the rows' key parts, and of their versions where asked.

    With `as_bytes` the server sends key parts without looking whether they are text.
    """
    keys = reading.key_bytes() if as_bytes else reading.key_texts()
    texts = [*keys, *([reading.version] if with_version else [])]
    return sql.SQL("SELECT {} FROM {} WHERE {}{}").format(
        sql.SQL(", ").join(texts),
        reading.source,
        _shared(reading, query),
        by_key(reading, query),
    )


def by_key(reading: Reading, query: RowQuery) -> sql.Composable:
    """Orders by the key and cuts, where the query asks for it."""
    if not (query.limit or query.is_ordered):
        return sql.SQL("")
    order = sql.SQL(", ").join(map(reading.column, reading.key))
    limit = sql.SQL(" LIMIT {}").format(sql.Literal(query.limit)) if query.limit else sql.SQL("")
    return sql.SQL(" ORDER BY {}{}").format(order, limit)


def _shared(reading: Reading, query: RowQuery) -> sql.Composable:
    if query.parts <= 1:
        return reading.condition
    share = reading.share(query.part, query.parts)
    return sql.SQL("{} AND {}").format(reading.condition, share)


def _limited(compiled: CompiledSelect, limit: int) -> sql.Composable:
    if compiled.raw_size is None:
        return compiled.document
    # A document that is certainly too long is never even written on the server.
    return sql.SQL("CASE WHEN {} <= {} THEN {} END").format(
        compiled.raw_size, sql.Literal(limit), compiled.document
    )


def _document(columns: Mapping[str, ValueType], alias: sql.Identifier) -> sql.Composable:
    if not columns:
        return sql.Literal(EMPTY_DOCUMENT.decode())
    pieces: list[sql.Composable] = []
    constant = ""
    for (name, value_type), prefix in zip(columns.items(), opening(list(columns)), strict=True):
        mark = "" if value_type.nested_kind() is None else _MARK
        pieces.append(sql.Literal(constant + prefix.decode() + mark))
        pieces += _value(sql.SQL("{}.{}").format(alias, sql.Identifier(name)), value_type)
        constant = mark
    pieces.append(sql.Literal(constant + CLOSING.decode()))
    return _concatenated(pieces)


def _value(column: sql.Composable, value_type: ValueType) -> list[sql.Composable]:
    """Gives what `concat` joins to a column's JSON text; it passes NULL over.

    `to_json` looks its argument's type up in the catalog for every value, and a cast to text
    copies the value once more; both together take a third of a wide row's time.
    """
    if not value_type.is_own_json:
        return [sql.SQL("coalesce(to_json({}), 'null'::json)").format(column)]
    # `concat` itself would write `t` and `f`.
    form = "{}::text" if value_type.base.name == "bool" else "{}"
    absent = sql.SQL("CASE WHEN {} IS NULL THEN 'null' END").format(column)
    return [sql.SQL(form).format(column), absent]


def _concatenated(pieces: Sequence[sql.Composable]) -> sql.Composable:
    while len(pieces) > 1:
        pieces = [
            sql.SQL("concat({})").format(sql.SQL(", ").join(pieces[start : start + _ARGUMENTS]))
            for start in range(0, len(pieces), _ARGUMENTS)
        ]
    return pieces[0]
