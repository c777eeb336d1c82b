"""Refuses what recognition cannot decide: rows that look alike, and rows in a circle."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from gitexport.errors import ConflictError
from gitexport.model.address import format_address
from gitexport.model.recognition import RowReference
from gitexport.source.postgresql.recognition.tables import EntityTables, all_of, listed
from gitexport.source.postgresql.session import Cursor


def refuse_ambiguity(cursor: Cursor, tables: EntityTables) -> None:
    """Looks for documents and rows that their identifying values do not tell apart.

    Raises:
        ConflictError: There are some; the first ones are named.
        psycopg.Error: The server refused a statement.
    """
    entity = tables.entity
    names = ", ".join(entity.match)
    hint = f"choose columns that tell rows apart: --match {entity.name}=COLUMN"
    several = _pair(cursor, tables, [sql.SQL("k.n")], sql.SQL("true"))
    if several:
        message = f"several rows of '{entity.relation.name}' have the {names} of {several[0]}"
        raise ConflictError(message, where=several[0], hint=hint)
    rows = [tables.new("k", name) for name in entity.assigned]
    values = [
        tables.new("k", name) if name in tables.settled else tables.base("k", name)
        for name in entity.match
    ]
    alike = _pair(cursor, tables, rows, sql.SQL("k.is_known")) or _pair(
        cursor, tables, values, sql.SQL("NOT k.is_known AND k.is_written")
    )
    if alike:
        message = f"{alike[0]} and {alike[1]} have the same {names}"
        raise ConflictError(message, where=alike[0], hint=hint)


def refuse_held_keys(cursor: Cursor, tables: EntityTables) -> None:
    """Looks for new rows whose key is that of another row, and cannot be another one.

    Raises:
        ConflictError: There is one; it is named.
        psycopg.Error: The server refused a statement.
    """
    entity = tables.entity
    for key in tables.keys:
        same = (
            sql.SQL("h.{} = {}").format(sql.Identifier(name), tables.new("k", name)) for name in key
        )
        cursor.execute(
            sql.SQL(
                "SELECT d.key FROM {known} k JOIN {taken} d ON d.n = k.n"
                " WHERE NOT k.is_known AND k.is_written AND d.document IS NOT NULL"
                " AND EXISTS (SELECT FROM {target} h WHERE {same}) ORDER BY k.n LIMIT 1"
            ).format(
                known=tables.known, taken=tables.taken, target=tables.target, same=all_of(same)
            )
        )
        found = cursor.fetchone()
        if found is not None:
            address = format_address(entity.name, tuple(found[0]))
            message = (
                f"{address} is a new row by its {', '.join(entity.match)}, and another row of"
                f" '{entity.relation.name}' has its {', '.join(key)}"
            )
            hint = (
                f"recognise rows by that: --match {entity.name}={','.join(key)}; or give"
                f" {' and '.join(entity.assigned)} a default there, which makes other keys"
            )
            raise ConflictError(message, where=address, hint=hint)


def refuse_circles(cursor: Cursor, tables: EntityTables, loops: Sequence[RowReference]) -> None:
    """Looks at rows left over: their parents are missing, or they stand in a circle.

    Raises:
        ConflictError: They stand in a circle; one of them is named.
        psycopg.Error: The server refused a statement.
    """
    waiting = sql.SQL(" OR ").join(_waits(tables, reference) for reference in loops)
    absent = sql.SQL(" OR ").join(_is_astray(tables, reference) for reference in loops)
    cursor.execute(
        sql.SQL(
            "SELECT d.key, {absent} FROM {known} k JOIN {taken} d ON d.n = k.n"
            " WHERE {waiting} ORDER BY 2 DESC, k.n LIMIT 1"
        ).format(absent=absent, known=tables.known, taken=tables.taken, waiting=waiting)
    )
    found = cursor.fetchone()
    if found is None or found[1]:
        # What is missing is told with all other references that have no target.
        return
    address = format_address(tables.entity.name, tuple(found[0]))
    message = f"{address} is recognised by rows that are recognised by it"
    hint = f"choose other columns: --match {tables.entity.name}=COLUMN"
    raise ConflictError(message, where=address, hint=hint)


def _waits(tables: EntityTables, reference: RowReference) -> sql.Composable:
    """Makes the condition that a row has a reference which could not be followed yet."""
    columns = (tables.base("k", name) for name in reference.columns)
    return sql.SQL("{} AND {} IS NULL").format(
        all_of(sql.SQL("{} IS NOT NULL").format(column) for column in columns),
        tables.new("k", reference.columns[0]),
    )


def _is_astray(tables: EntityTables, reference: RowReference) -> sql.Composable:
    """Makes the condition that no row of the entity's own is what a reference leads to."""
    pairs = zip(reference.columns, reference.parent_columns, strict=True)
    return sql.SQL("NOT EXISTS (SELECT FROM {} p WHERE {})").format(
        tables.known,
        all_of(
            sql.SQL("{} = {}").format(tables.old("p", referred), tables.base("k", name))
            for name, referred in pairs
        ),
    )


def _pair(
    cursor: Cursor,
    tables: EntityTables,
    values: Sequence[sql.Composable],
    condition: sql.Composable,
) -> list[str]:
    """Finds two documents that agree in some values; gives their addresses."""
    statement = sql.SQL(
        "SELECT d.key FROM (SELECT min(k.n) AS low, max(k.n) AS high FROM {} k WHERE {}"
        " GROUP BY {} HAVING count(*) > 1 ORDER BY 1 LIMIT 1) AS f"
        " JOIN {} d ON d.n IN (f.low, f.high) ORDER BY d.n"
    ).format(tables.known, condition, listed(values), tables.taken)
    cursor.execute(statement)
    return [format_address(tables.entity.name, tuple(key)) for (key,) in cursor]
