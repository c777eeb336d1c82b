"""Finds values that `row_to_json` cannot hold so that they restore to equal ones.

Each check is a boolean SQL expression over one column; it looks into arrays, domains and
composites. What no check can tell, because a type has no input function at all, is found by
asking the server (`unrestorable_columns`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import psycopg
from psycopg import sql

from gitexport.model.ports import RowProblem
from gitexport.source.postgresql.errors import is_connection_loss
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.value_types import ValueType

_NOT_SUPPORTED = "0A000"
_BOUNDS = "an array whose lower bound is not 1"
_GEOMETRY = "a geometry that GeoJSON does not hold exactly"
_DIMENSIONS = "an array of several dimensions whose elements may be arrays themselves"
_REFERENCE = "the name of an object that the server cannot look up again"
# Stands before the column's name, which may hold any character; a reason never holds this one.
_COLUMN = "\x01"
# The names of these may be ambiguous or gone; a plain number or a dash always reads back.
_LOOKUPS = {
    "regproc": "to_regproc",
    "regprocedure": "to_regprocedure",
    "regoper": "to_regoper",
    "regoperator": "to_regoperator",
    "regclass": "to_regclass",
    "regcollation": "to_regcollation",
    "regtype": "to_regtype",
    "regrole": "to_regrole",
    "regnamespace": "to_regnamespace",
}
_LOOKUP = (
    "CASE WHEN {value}::text ~ '^(-|[0-9]+)$' THEN false"
    " ELSE {lookup}({value}::text)::oid IS DISTINCT FROM {value}::oid END"
)


class Problem(NamedTuple):
    """A condition that is true where a value does not restore, and what it then is."""

    condition: sql.Composable
    reason: str


def problem_expression(
    columns: Mapping[str, ValueType], alias: sql.Composable
) -> sql.Composable | None:
    """Makes a text expression that names a row's first problem, and is NULL without any.

    `read_problem` reads what it gives. None where no column can have one. A JSON null is
    none: as in every reader of JSON, it is the same as no value.
    """
    branches = [
        sql.SQL("WHEN {} THEN {}").format(
            problem.condition, sql.Literal(f"holds {problem.reason}{_COLUMN}{name}")
        )
        for name, value_type in columns.items()
        for problem in _problems(value_type, sql.SQL(".").join([alias, sql.Identifier(name)]), 0)
    ]
    if not branches:
        return None
    return sql.SQL("CASE {} END").format(sql.SQL(" ").join(branches))


def read_problem(text: str) -> RowProblem:
    """Reads what the expression of `problem_expression` gave for a row."""
    reason, _, column = text.partition(_COLUMN)
    return RowProblem(reason, column)


def _problems(value_type: ValueType, value: sql.Composable, depth: int) -> Iterator[Problem]:
    base = value_type.base
    if base.code == "a" and base.inner is not None and not base.is_vector:
        # Nearly all arrays have one dimension, and for those this is a look at one number.
        yield Problem(
            sql.SQL(
                "(array_lower({value}, 1) <> 1 OR"
                " (array_ndims({value}) > 1 AND array_dims({value}) ~ {other}))"
            ).format(value=value, other=sql.Literal(r"\[(?!1:)")),
            _BOUNDS,
        )
        element = base.inner.base
        is_list = element.code == "a" and not element.is_vector
        if is_list or element.is_json or element.has_json_cast:
            # [[1]] is one row of a table of numbers, or one element that is a list.
            yield Problem(sql.SQL("array_ndims({}) > 1").format(value), _DIMENSIONS)
        item = sql.Identifier(f"item{depth}")
        # In the select list, unnest keeps a composite element whole.
        elements = sql.SQL("(SELECT unnest({}) AS v) AS {}").format(value, item)
        for problem in _problems(base.inner, sql.SQL("{}.v").format(item), depth + 1):
            yield Problem(
                sql.SQL("EXISTS (SELECT FROM {} WHERE {})").format(elements, problem.condition),
                problem.reason,
            )
    elif base.code == "c" and not base.has_json_cast:
        for name, attribute in base.attributes:
            member = sql.SQL("({}).{}").format(value, sql.Identifier(name))
            yield from _problems(attribute, member, depth)
    elif base.is_builtin and base.name in _LOOKUPS:
        lookup = sql.SQL(_LOOKUP).format(value=value, lookup=sql.Identifier(_LOOKUPS[base.name]))
        yield Problem(lookup, _REFERENCE)
    elif base.has_json_cast and base.name == "geometry":
        yield Problem(_geometry(base, value), _GEOMETRY)


def _geometry(base: ValueType, value: sql.Composable) -> sql.Composable:
    """Compares the extended well-known binary with that of the GeoJSON read back."""
    schema = sql.Identifier(base.schema)
    return sql.SQL(
        "{schema}.st_asewkb({value}) IS DISTINCT FROM"
        " {schema}.st_asewkb({schema}.st_geomfromgeojson(({value})::json))"
    ).format(schema=schema, value=value)


def unrestorable_columns(cursor: Cursor, columns: Mapping[str, ValueType]) -> dict[str, str]:
    """Tells which columns have types whose values cannot be put back, and why.

    Asks the server to read a value of each type: types without input say that they are
    not supported. Expects an open transaction and leaves it as it was.

    Raises:
        psycopg.Error: The connection was lost.
    """
    known: dict[str, bool] = {}
    reasons = {}
    for name, value_type in columns.items():
        for leaf in _leaves(value_type):
            if leaf.sql_name not in known:
                known[leaf.sql_name] = _accepts_input(cursor, leaf)
            if not known[leaf.sql_name]:
                reasons[name] = f"type '{leaf.sql_name}' has no input"
            elif leaf.has_json_cast and leaf.name not in {"hstore", "geometry"}:
                reasons[name] = f"type '{leaf.sql_name}' has a cast to json of its own"
    return reasons


def _leaves(value_type: ValueType) -> Iterator[ValueType]:
    base = value_type.base
    if base.code == "a" and base.inner is not None:
        yield from _leaves(base.inner)
    elif base.code == "c":
        for _, attribute in base.attributes:
            yield from _leaves(attribute)
    else:
        yield base


def _accepts_input(cursor: Cursor, leaf: ValueType) -> bool:
    cursor.execute("SAVEPOINT gitexport_probe")
    try:
        # `format_type` quotes the name as SQL needs it.
        cursor.execute(f"SELECT CAST('' AS {leaf.sql_name})".encode())
    except psycopg.Error as error:
        if is_connection_loss(error):
            raise
        return error.sqlstate != _NOT_SUPPORTED
    else:
        return True
    finally:
        if not cursor.connection.closed:
            cursor.execute("ROLLBACK TO SAVEPOINT gitexport_probe")
            cursor.execute("RELEASE SAVEPOINT gitexport_probe")
