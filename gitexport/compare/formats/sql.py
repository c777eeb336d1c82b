"""Writes a comparison as SQL that turns the base's rows into the target's.

The statements stand in one transaction, in an order that the constraints allow, one on a line.
All are held until the order is known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from gitexport.compare.comparison import Comparison
from gitexport.compare.formats import Write
from gitexport.compare.formats.sql_rows import RowSource
from gitexport.compare.formats.sql_values import quote_name
from gitexport.compare.row_changes import RowChange, RowStep
from gitexport.compare.row_order import Statement, plan_rows
from gitexport.model.relation import RelationName

_SETTINGS = (
    "SET LOCAL client_encoding = 'UTF8';",
    "SET LOCAL standard_conforming_strings = on;",
    # As documents write money; nothing else depends on a setting.
    "SET LOCAL lc_monetary = 'C';",
)


def write(comparison: Comparison, out: Write) -> None:
    """Writes the script; what it cannot hold is said in comments."""
    source = RowSource()
    for document in comparison.changes():
        source.add(document)
    rows = source.rows()
    plan = plan_rows(rows, source.relations)
    out(f"-- Turns {comparison.base.name} into {comparison.target.name}.\n")
    out(f"-- {_counts(rows)}\n")
    out("-- Run it with: psql -v ON_ERROR_STOP=1 -f FILE\n")
    for note in (*source.notes, *plan.notes):
        out(f"-- NOT POSSIBLE: {_comment(note)}\n")
    if not plan.statements:
        out("-- No row differs.\n")
        return
    out("BEGIN;\n")
    for setting in _SETTINGS:
        out(setting + "\n")
    if plan.defers_constraints:
        out("SET CONSTRAINTS ALL DEFERRED;\n")
    for statement in plan.statements:
        out(_statement(statement, source.identities) + "\n")
    out("COMMIT;\n")


def _counts(rows: Sequence[RowChange]) -> str:
    steps = {"inserted": RowStep.INSERT, "updated": RowStep.UPDATE, "deleted": RowStep.DELETE}
    counted = [f"{sum(row.step is step for row in rows)} {word}" for word, step in steps.items()]
    return f"Rows: {', '.join(counted)}."


def _statement(rows: Statement, identities: Collection[RelationName]) -> str:
    """Writes the rows of one statement: several kinds of them as common table expressions."""
    parts = [
        _part(list(group), identities)
        for _, group in groupby(rows, key=lambda row: (row.relation, row.step, tuple(row.columns)))
    ]
    *first, main = parts
    if not first:
        return main + ";"
    names = ", ".join(f"part{place} AS ({part})" for place, part in enumerate(first))
    return f"WITH {names} {main};"


# Every name and value in a part was quoted.
def _part(rows: Sequence[RowChange], identities: Collection[RelationName]) -> str:
    row = rows[0]
    table = _table(row.relation)
    if row.step is RowStep.DELETE:
        return f"DELETE FROM {table} WHERE {_keys([row.key for row in rows])}"  # noqa: S608
    if row.step is RowStep.UPDATE:
        written = [f"{quote_name(name)} = {value}" for name, value in row.columns.items()]
        return f"UPDATE {table} SET {', '.join(written)} WHERE {_keys([row.key])}"  # noqa: S608
    if not row.columns:
        return f"INSERT INTO {table} DEFAULT VALUES"
    names = ", ".join(map(quote_name, row.columns))
    overriding = " OVERRIDING SYSTEM VALUE" if row.relation in identities else ""
    values = ", ".join(f"({', '.join(row.columns.values())})" for row in rows)
    return f"INSERT INTO {table} ({names}){overriding} VALUES {values}"  # noqa: S608


def _keys(keys: Sequence[Mapping[str, str]]) -> str:
    names = list(keys[0])
    if len(keys) == 1:
        return " AND ".join(f"{quote_name(name)} = {keys[0][name]}" for name in names)
    columns = ", ".join(map(quote_name, names))
    rows = [", ".join(key[name] for name in names) for key in keys]
    if len(names) == 1:
        return f"{columns} IN ({', '.join(rows)})"
    return f"({columns}) IN ({', '.join(f'({row})' for row in rows)})"


def _table(name: RelationName) -> str:
    return f"{quote_name(name.schema)}.{quote_name(name.name)}"


def _comment(text: str) -> str:
    """Keeps a text on one line and without effect on a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
