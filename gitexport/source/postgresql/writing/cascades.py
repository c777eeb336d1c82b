"""Counts rows of other relations that deletions would change through foreign keys.

Cascades go on: a row that a cascade deletes may have others that refer to it. Rows that are
themselves staged are told to the writer anyway, and are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.model.relation import RelationName
from gitexport.model.writing import CascadeReach
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage

_REFERENCES = """
SELECT k.conname::text, cn.nspname::text, c.relname::text, fn.nspname::text, f.relname::text,
       k.confdeltype::text,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS w(attnum, place)
               JOIN pg_catalog.pg_attribute AS a
                 ON a.attrelid = k.conrelid AND a.attnum = w.attnum ORDER BY w.place),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS w(attnum, place)
               JOIN pg_catalog.pg_attribute AS a
                 ON a.attrelid = k.confrelid AND a.attnum = w.attnum ORDER BY w.place)
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS cn ON cn.oid = c.relnamespace
  JOIN pg_catalog.pg_class AS f ON f.oid = k.confrelid
  JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confdeltype IN ('c', 'n', 'd')
 ORDER BY 2, 3, 1
"""
_ACTIONS = {"c": "cascade", "n": "set null", "d": "set default"}


class _Reference(NamedTuple):
    name: str
    relation: RelationName
    target: RelationName
    action: str
    columns: Sequence[str]
    referenced: Sequence[str]


def find_reach(
    cursor: Cursor, stages: Sequence[Stage], staged: Sequence[Stage]
) -> tuple[CascadeReach, ...]:
    """Counts what the deletions of some stages reach; `staged` are all there are.

    Raises:
        psycopg.Error: The server refused a query.
    """
    references = _read(cursor)
    known: dict[RelationName, list[Stage]] = {}
    for stage in staged:
        known.setdefault(stage.target.relation.name, []).append(stage)
    waiting: list[tuple[RelationName, sql.Composable]] = [
        (stage.target.relation.name, _doomed(stage)) for stage in stages if stage.deletions
    ]
    found: list[CascadeReach] = []
    seen: set[tuple[str, RelationName]] = set()
    while waiting:
        target, rows = waiting.pop(0)
        for reference in references:
            if reference.target != target or (reference.name, reference.relation) in seen:
                continue
            seen.add((reference.name, reference.relation))
            reached = _reached(reference, rows, known.get(reference.relation, ()))
            cursor.execute(sql.SQL("SELECT count(*) FROM ({}) AS reached").format(reached))
            count = cursor.fetchall()[0][0]
            if count:
                found.append(
                    CascadeReach(
                        reference.relation, reference.name, target, reference.action, count
                    )
                )
                if reference.action == "cascade":
                    waiting.append((reference.relation, reached))
    return tuple(found)


def _read(cursor: Cursor) -> list[_Reference]:
    cursor.execute(_REFERENCES.encode())
    return [
        _Reference(
            name,
            RelationName(schema, relation),
            RelationName(other_schema, other),
            _ACTIONS[action],
            columns,
            referenced,
        )
        for name, schema, relation, other_schema, other, action, columns, referenced in cursor
    ]


def _doomed(stage: Stage) -> sql.Composable:
    return sql.SQL("SELECT r.ctid, r.tableoid FROM {} AS r, {} AS s WHERE {}").format(
        stage.target.table, stage.gone, stage.target.same_key("r", "s")
    )


def _reached(
    reference: _Reference, doomed: sql.Composable, stages: Sequence[Stage]
) -> sql.Composable:
    """Selects the rows that refer to rows about to be deleted, and are not staged themselves."""
    pairs = [
        sql.SQL("r.{} = t.{}").format(sql.Identifier(column), sql.Identifier(referenced))
        for column, referenced in zip(reference.columns, reference.referenced, strict=True)
    ]
    staged = [
        sql.SQL(" AND NOT EXISTS (SELECT FROM {} AS s WHERE {})").format(
            table, stage.target.same_key("r", "s")
        )
        for stage in stages
        for table in (stage.table, stage.gone)
    ]
    return sql.SQL(
        "SELECT r.ctid, r.tableoid FROM {relation} AS r WHERE EXISTS (SELECT FROM {target} AS t"
        " WHERE (t.ctid, t.tableoid) IN ({doomed}) AND {pairs}){staged}"
    ).format(
        relation=sql.Identifier(*reference.relation),
        target=sql.Identifier(*reference.target),
        doomed=doomed,
        pairs=sql.SQL(" AND ").join(pairs),
        staged=sql.SQL("").join(staged),
    )
