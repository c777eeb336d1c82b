"""Matches documents with the rows that they stand for, in one statement for an entity.

Where rows are recognised by rows of their own entity (a folder by its name and its parent),
one statement for each generation: those without a parent first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from psycopg import sql

from gitexport.model.recognition import RowReference
from gitexport.source.postgresql.recognition.ambiguity import (
    refuse_ambiguity,
    refuse_circles,
    refuse_held_keys,
)
from gitexport.source.postgresql.recognition.assigned import NewValue
from gitexport.source.postgresql.recognition.tables import EntityTables, all_of, listed, spaced
from gitexport.source.postgresql.session import Cursor

# Types of which two values are equal exactly if their texts are, so that rows with null in
# every column can still be found by hashing.
_EQUAL_AS_TEXT = ("smallint", "integer", "bigint", "text", "character varying", "uuid", "date")
_RECORD = "CROSS JOIN LATERAL json_to_record(coalesce(d.{}, d.{})) AS {}({})"


def find_rows(
    cursor: Cursor,
    tables: EntityTables,
    parents: Mapping[str, EntityTables],
    new: Mapping[str, NewValue],
) -> None:
    """Makes the table of what is known of an entity's documents.

    Raises:
        ConflictError: Two documents, or two rows, have the same identifying values, rows
            identify each other in a circle, or a new row would have the key of another one.
        psycopg.Error: The server refused a statement, or a value of a document.
    """
    statement = _Matching(tables, parents, new)
    insert = sql.SQL("INSERT INTO {} {}")
    cursor.execute(
        sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(
            tables.known, listed(tables.definitions())
        )
    )
    cursor.execute(insert.format(tables.known, statement.select()))
    while statement.loops and cursor.rowcount:
        _analyze(cursor, tables)
        cursor.execute(insert.format(tables.known, statement.select(is_next=True)))
    if statement.loops:
        cursor.execute(insert.format(tables.known, statement.select(is_rest=True)))
    _analyze(cursor, tables)
    if statement.loops:
        refuse_circles(cursor, tables, statement.loops)
    if tables.entity.assigned:
        refuse_ambiguity(cursor, tables)
    if any(value.is_own for value in new.values()):
        refuse_held_keys(cursor, tables)


def _analyze(cursor: Cursor, tables: EntityTables) -> None:
    # A table without statistics is joined row by row, which takes for ever when it is large.
    cursor.execute(sql.SQL("ANALYZE {}").format(tables.known))


class _Matching:
    """The SELECT that matches documents with rows."""

    def __init__(
        self,
        tables: EntityTables,
        parents: Mapping[str, EntityTables],
        new: Mapping[str, NewValue],
    ) -> None:
        self._tables = tables
        self._parents = parents
        self._new = new
        identifying = tables.entity.identifying
        self._aliases = {reference: f"p{place}" for place, reference in enumerate(identifying)}
        self.loops = [
            reference for reference in identifying if reference.parent == tables.entity.name
        ]
        # The document in which a change started tells which row is meant.
        self._from = "m" if tables.merges else "r"
        self._found = [sql.Identifier(name) for name in ("t", "again")[: 1 + tables.merges]]
        if not tables.entity.assigned:
            self._found = []

    def select(self, *, is_next: bool = False, is_rest: bool = False) -> sql.Composable:
        """Makes the statement for all rows, or for one generation after the other."""
        tables = self._tables
        columns: list[sql.Composable] = [sql.SQL("d.n, d.is_written")]
        for name in tables.columns:
            own = sql.Identifier(name)
            columns.append(sql.SQL("r.{}").format(own))
            if tables.merges:
                columns.append(sql.SQL("m.{}").format(own))
            if name in tables.settled:
                columns.append(self._settled(name))
        there = [sql.SQL("{}.tableoid IS NOT NULL").format(found) for found in self._found]
        columns.append(sql.SQL(" OR ").join(there) if there else sql.SQL("NULL::boolean"))
        return sql.SQL("SELECT {} FROM {} d {} WHERE {} ORDER BY d.n").format(
            listed(columns),
            tables.taken,
            sql.SQL(" ").join([*self._records(), *self._parent_joins(), *self._target_join()]),
            self._generation(is_next=is_next, is_rest=is_rest),
        )

    def _has_parent(self, reference: RowReference) -> sql.Composable:
        return all_of(
            sql.SQL("{} IS NOT NULL").format(self._own(name)) for name in reference.columns
        )

    def _parent_matches(self, reference: RowReference, alias: str) -> sql.Composable:
        parent = self._parents[reference.parent or ""]
        return all_of(
            sql.SQL("{} = {}").format(parent.old(alias, referred), self._own(name))
            for name, referred in zip(reference.columns, reference.parent_columns, strict=True)
        )

    def _own(self, name: str) -> sql.Composable:
        return sql.SQL("{}.{}").format(sql.Identifier(self._from), sql.Identifier(name))

    def _records(self) -> list[sql.Composable]:
        types = self._tables.types()
        forms = [("document", "base", "r"), *([("base", "document", "m")] * self._tables.merges)]
        return [
            sql.SQL(_RECORD).format(
                sql.Identifier(first), sql.Identifier(second), sql.Identifier(alias), types
            )
            for first, second, alias in forms
        ]

    def _parent_joins(self) -> list[sql.Composable]:
        return [
            sql.SQL("LEFT JOIN {} {} ON {}").format(
                self._parents[reference.parent or ""].known,
                sql.Identifier(alias),
                self._parent_matches(reference, alias),
            )
            for reference, alias in self._aliases.items()
        ]

    def _target_join(self) -> list[sql.Composable]:
        if not self._tables.entity.assigned:
            return []
        conditions: list[sql.Composable] = [
            sql.SQL("(NOT ({}) OR {}.n IS NOT NULL)").format(
                self._has_parent(reference), sql.Identifier(alias)
            )
            for reference, alias in self._aliases.items()
        ]
        joins: list[sql.Composable] = []
        for place, found in enumerate(self._found):
            same = _same_row(self._tables, found, self._changed if place else self._rewritten)
            more = self._brought_before() if place else []
            joins.append(
                sql.SQL("LEFT JOIN {} {} ON {}").format(
                    self._tables.target, found, all_of([*conditions, *same, *more])
                )
            )
        return joins

    def _brought_before(self) -> list[sql.Composable]:
        """Limits the search by changed values to rows that an earlier merge may have changed."""
        referring = {name for reference in self._aliases for name in reference.columns}
        conditions: list[sql.Composable] = [sql.SQL("t.tableoid IS NULL AND d.base IS NOT NULL")]
        for name in sorted(referring):
            own = sql.Identifier(name)
            conditions.append(sql.SQL("r.{} IS NOT DISTINCT FROM m.{}").format(own, own))
        return conditions

    def _changed(self, name: str) -> sql.Composable:
        """Gives an identifying column's value in the target once the change is there."""
        if any(name in reference.columns for reference in self._aliases):
            return self._rewritten(name)
        return sql.SQL("r.{}").format(sql.Identifier(name))

    def _rewritten(self, name: str) -> sql.Composable:
        """Gives an identifying column's value in the target; null where that is not known."""
        followed: list[sql.Composable] = []
        lost: list[sql.Composable] = []
        for reference, alias in self._aliases.items():
            if name in reference.columns:
                parent = self._parents[reference.parent or ""]
                referred = reference.parent_columns[reference.columns.index(name)]
                there = sql.SQL("WHEN {}.n IS NOT NULL THEN {}")
                followed.append(there.format(sql.Identifier(alias), parent.new(alias, referred)))
                lost.append(sql.SQL("WHEN {} THEN NULL").format(self._has_parent(reference)))
        if not followed:
            return self._own(name)
        # A composite key that is partly null refers to nothing; another may have the column.
        return sql.SQL("CASE {} ELSE {} END").format(spaced([*followed, *lost]), self._own(name))

    def _settled(self, name: str) -> sql.Composable:
        if name not in self._tables.entity.assigned:
            return self._rewritten(name)
        own = sql.Identifier(name)
        found = [
            sql.SQL("WHEN {}.tableoid IS NOT NULL THEN {}.{}").format(row, row, own)
            for row in self._found
        ]
        return sql.SQL("CASE {} WHEN d.is_written THEN {} END").format(
            spaced(found), self._new_value(name)
        )

    def _new_value(self, name: str) -> sql.Composable:
        """Gives the value of an assigned column in a new row."""
        new = self._new[name]
        held = [self._held(key) for key in self._tables.keys if name in key]
        if new.otherwise is None or not held:
            return new.made
        return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(
            sql.SQL(" OR ").join(held), new.otherwise, new.made
        )

    def _held(self, key: Sequence[str]) -> sql.Composable:
        """Tells whether a row has the values of a key that a new row would have."""
        same = [
            sql.SQL("h.{} = {}").format(
                sql.Identifier(name),
                self._new[name].made if name in self._new else self._rewritten(name),
            )
            for name in key
        ]
        return sql.SQL("EXISTS (SELECT FROM {} h WHERE {})").format(
            self._tables.target, all_of(same)
        )

    def _generation(self, *, is_next: bool, is_rest: bool) -> sql.Composable:
        if not self.loops:
            return sql.SQL("true")
        if not (is_next or is_rest):
            return all_of(
                sql.SQL("NOT ({})").format(self._has_parent(reference)) for reference in self.loops
            )
        conditions = [
            sql.SQL("NOT EXISTS (SELECT FROM {} x WHERE x.n = d.n)").format(self._tables.known)
        ]
        if is_next:
            conditions += [
                sql.SQL("(NOT ({}) OR {}.n IS NOT NULL)").format(
                    self._has_parent(reference), sql.Identifier(self._aliases[reference])
                )
                for reference in self.loops
            ]
        return all_of(conditions)


def _same_row(
    tables: EntityTables, row: sql.Composable, value: Callable[[str], sql.Composable]
) -> list[sql.Composable]:
    conditions: list[sql.Composable] = []
    nullable: list[sql.Composable] = []
    for name in tables.entity.match:
        column = tables.entity.relation.column(name)
        there, here = sql.SQL("{}.{}").format(row, sql.Identifier(name)), value(name)
        equal = sql.SQL("{} = {}").format(there, here)
        if column is None or column.not_null:
            conditions.append(equal)
            continue
        both = sql.SQL("({} OR {} IS NULL AND {} IS NULL)").format(equal, there, here)
        conditions.append(both)
        if column.type_name.partition("(")[0] in _EQUAL_AS_TEXT:
            nullable.append(
                sql.SQL("coalesce({}::text, '') = coalesce({}::text, '')").format(there, here)
            )
    if len(nullable) == len(conditions):
        conditions += nullable
    return conditions
