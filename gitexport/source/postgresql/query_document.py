"""Runs a configured query, and gives its rows as one JSON text.

`:tag`, `:exported_at` and `:version` become quoted literals where they stand outside of
strings, quoted names, comments and casts, as in psql.

Source: PostgreSQL documentation, "Lexical Structure".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import psycopg
from psycopg import sql

from gitexport.errors import UnsupportedValueError
from gitexport.model.counted import counted
from gitexport.model.entity import QueryDocument
from gitexport.source.postgresql.copy_stream import copied, read_text
from gitexport.source.postgresql.errors import is_connection_loss, refusal_text
from gitexport.source.postgresql.session import Connection, Cursor

_TOKEN = re.compile(
    r"""
      \b[eE]'(?:[^'\\]|\\.|'')*'        # string with backslash escapes
    | '(?:[^']|'')*'                    # string
    | "(?:[^"]|"")*"                    # quoted name
    | --[^\n]*                          # comment to the end of the line
    | (?P<block>/\*)                    # comment that may be nested
    | (?<![\w$])(?P<dollar>\$(?:[^\W\d]\w*)?\$).*?(?P=dollar)
    | ::                                # cast
    | :(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def run_query(cursor: Cursor, document: QueryDocument, parameters: Mapping[str, str]) -> bytes:
    """Gives the JSON text of a query's rows: an array, or the only row's object.

    Expects a pinned transaction, which lives on when the query fails.

    Raises:
        UnsupportedValueError: The query failed, or gave not exactly one row for an object.
        psycopg.Error: The connection was lost.
    """
    query = bind(document.query, parameters, cursor.connection)
    # `d.*` means the whole row also where a column has the name of the alias.
    statement = sql.SQL("SELECT row_to_json(d.*)::text FROM (\n{}\n) AS d").format(query)
    try:
        rows = [read_text(data, 0)[0] or b"null" for data in copied(cursor, statement)]
    except psycopg.Error as error:
        if is_connection_loss(error):
            raise
        message = f"the query failed: {refusal_text(error)}"
        raise UnsupportedValueError(
            message,
            where=document.path,
            hint="run the query in psql; names outside of pg_catalog need their schema",
        ) from None
    if document.is_array:
        return b"[" + b",\n".join(rows) + b"]"
    if len(rows) != 1:
        message = f"the query gave {counted(len(rows), 'row')}, and an object is exactly one"
        raise UnsupportedValueError(
            message, where=document.path, hint='use shape = "array", or add LIMIT 1'
        )
    return rows[0]


def bind(
    query: str, parameters: Mapping[str, str], connection: Connection | None = None
) -> sql.Composable:
    """Replaces `:name` by quoted literals, and drops a final semicolon."""
    pieces: list[str] = []
    position = 0
    while (token := _TOKEN.search(query, position)) is not None:
        end = _block_end(query, token.start()) if token["block"] else token.end()
        name = token["name"]
        pieces.append(query[position : token.start()])
        if name in parameters:
            pieces.append(sql.Literal(parameters[name]).as_string(connection))
        else:
            pieces.append(query[token.start() : end])
        position = end
    pieces.append(query[position:])
    return trusted("".join(pieces).rstrip().removesuffix(";"))


def trusted(text: str) -> sql.SQL:
    """Marks SQL of the configuration, which its owner wrote and accepted, as composable."""
    return sql.SQL(text)


def _block_end(query: str, start: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", query[start:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return start + mark.end()
    return len(query)
