"""Writes a comparison as SQL that turns the base's rows into the target's.

The statements stand in one transaction, in an order that the constraints allow, one on a line.
All are held until the order is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from gitexport.compare.comparison import Comparison
from gitexport.compare.formats import Write
from gitexport.compare.formats.sql_rows import RowSource
from gitexport.compare.row_changes import RowChange, RowStep
from gitexport.compare.row_order import Statement, plan_rows
from gitexport.model.changeset import ChangeKind, FileRole
from gitexport.model.relation import Relation, RelationName
from gitexport.model.sql_text import quote_name, quote_text

_OPENING = (
    "SET LOCAL client_encoding = 'UTF8';",
    "SET LOCAL standard_conforming_strings = on;",
    # As documents write money; nothing else depends on a setting.
    "SET LOCAL lc_monetary = 'C';",
    # Whatever the server may look at in the end alone, keys as well as references.
    "SET CONSTRAINTS ALL DEFERRED;",
)


_MOVE = (
    "SELECT setval(q.sequence, q.value) FROM (SELECT pg_get_serial_sequence({text}, {column})"
    "::regclass AS sequence, max({name})::int8 AS value FROM {table}) AS q"
    " JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = q.sequence"
    " WHERE s.seqincrement > 0 AND q.value BETWEEN s.seqmin AND s.seqmax"
    " AND q.value > coalesce(pg_sequence_last_value(q.sequence), s.seqstart - 1);"
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
    for file in comparison.files:
        if file.role is FileRole.RELATION and file.kind is ChangeKind.MODIFIED:
            out(f"-- {_comment(file.path)} differs, too: the table may have to be changed first.\n")
    for note in (*source.notes, *plan.notes):
        out(f"-- NOT POSSIBLE: {_comment(note)}\n")
    if not plan.statements:
        out("-- No row differs.\n")
        return
    out("BEGIN;\n")
    for setting in _OPENING:
        out(setting + "\n")
    for statement in plan.statements:
        out(_statement(statement, source.identities) + "\n")
    for line in _sequences(rows, source.relations):
        out(line + "\n")
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


def _sequences(rows: Sequence[RowChange], relations: Sequence[Relation]) -> Iterator[str]:
    """Moves sequences past the values that were inserted, and never back."""
    inserted: dict[RelationName, set[str]] = {}
    for row in rows:
        if row.step is RowStep.INSERT:
            inserted.setdefault(row.relation, set()).update(row.columns)
    for relation in relations:
        for column in relation.columns:
            counts = column.identity is not None or "nextval(" in (column.default or "")
            if counts and column.name in inserted.get(relation.name, ()):
                table, name = _table(relation.name), quote_name(column.name)
                yield _MOVE.format(
                    text=quote_text(table), column=quote_text(column.name), name=name, table=table
                )


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
