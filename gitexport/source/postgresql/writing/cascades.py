"""Counts rows of other relations that writing would change through foreign keys.

Cascades go on: a row that a cascade deletes may have others that refer to it. Rows that are
themselves staged are told to the writer anyway, and are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.model.relation import RelationName
from gitexport.model.writing import CascadeReach
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.verdicts import Verdicts

_REFERENCES = """
SELECT k.conname::text, cn.nspname::text, c.relname::text, fn.nspname::text, f.relname::text,
       k.confdeltype::text, k.confupdtype::text,
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
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
 ORDER BY 2, 3, 1
"""
_TABLE = sql.Identifier("pg_temp", "gitexport_reached")
_MAKE = sql.SQL(
    "DROP TABLE IF EXISTS {table}; CREATE TEMPORARY TABLE {table}"
    " (depth int4, place tid, part oid) ON COMMIT DROP"
).format(table=_TABLE)
_ACTIONS = {"c": "cascade", "n": "set null", "d": "set default"}


class _Reference(NamedTuple):
    name: str
    relation: RelationName
    target: RelationName
    action: str | None
    update_action: str | None
    columns: tuple[str, ...]
    referenced: tuple[str, ...]


def find_reach(
    cursor: Cursor, stages: Sequence[Stage], staged: Sequence[Stage]
) -> tuple[CascadeReach, ...]:
    """Counts what the deletions of some stages reach; `staged` are all there are.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    deleting = [stage for stage in stages if stage.deletions]
    if not deleting:
        return ()
    known: dict[RelationName, list[Stage]] = {}
    for stage in staged:
        known.setdefault(stage.target.relation.name, []).append(stage)
    cursor.execute(_MAKE)
    for stage in deleting:
        cursor.execute(_doomed(stage))
    references = _read(cursor)
    counts = _follow(cursor, references, deleting, known)
    doomed = {stage.target.relation.name for stage in deleting}
    doomed.update(reference.relation for reference in counts)
    for reference in references:
        if reference.action in {"set null", "set default"} and reference.target in doomed:
            found = _reached(reference, known.get(reference.relation, ()), None)
            cursor.execute(sql.SQL("SELECT count(*) FROM ({}) AS f").format(found))
            counts[reference] = cursor.fetchall()[0][0]
    return tuple(
        CascadeReach(found.relation, found.name, found.target, found.action, count)
        for found, count in counts.items()
        if count and found.action
    )


def find_reach_of_updates(
    cursor: Cursor, updating: Sequence[Verdicts], staged: Sequence[Stage]
) -> tuple[CascadeReach, ...]:
    """Counts rows that refer to values which updates change; `staged` are all stages there are.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    reach = []
    for reference in _read(cursor):
        action = reference.update_action
        for verdicts in updating if action else ():
            if verdicts.stage.target.relation.name == reference.target:
                known = [s for s in staged if s.target.relation.name == reference.relation]
                rows = sum(_follow_updates(cursor, reference, verdicts, known))
                names = reference.relation, reference.name, reference.target
                reach += [CascadeReach(*names, action or "", rows, "update")] if rows else []
    return tuple(reach)


def _follow_updates(
    cursor: Cursor, reference: _Reference, verdicts: Verdicts, known: Sequence[Stage]
) -> Iterator[int]:
    """Yields numbers of rows that refer to what changes, for each shape of documents."""
    stage, target = verdicts.stage, verdicts.stage.target
    for shape in stage.used_shapes:
        left_out = {*stage.missing(shape), *stage.key}
        names = [n for n in reference.referenced if n in target.updatable and n not in left_out]
        if not names or not verdicts.counts().updated:
            continue
        changing = sql.SQL(
            "SELECT FROM {table} AS t JOIN {stage} AS s ON {same} JOIN {verdicts} AS v"
            " ON v.line = s.line AND v.verdict = 'u' WHERE s.shape = {shape} AND {pairs}"
            " AND {before} *<> {after}"
        ).format(
            table=target.table,
            stage=stage.table,
            same=target.same_key("t", "s"),
            verdicts=stage.verdicts,
            shape=sql.Literal(shape),
            pairs=_pairs(reference),
            before=target.image("t", names, is_staged=False),
            after=target.image("s", names, is_staged=True),
        )
        cursor.execute(
            sql.SQL("SELECT count(*) FROM {} AS r WHERE EXISTS ({}){}").format(
                sql.Identifier(*reference.relation), changing, _not_staged(known)
            )
        )
        yield cursor.fetchall()[0][0]


def _follow(
    cursor: Cursor,
    references: Sequence[_Reference],
    deleting: Sequence[Stage],
    known: Mapping[RelationName, Sequence[Stage]],
) -> dict[_Reference, int]:
    """Notes all rows that cascades delete, and counts them by the reference that led there."""
    counts: dict[_Reference, int] = {}
    reached = {stage.target.relation.name for stage in deleting}
    depth = 0
    while reached:
        cascading = [r for r in references if r.action == "cascade" and r.target in reached]
        reached = set()
        for reference in cascading:
            found = _reached(reference, known.get(reference.relation, ()), depth)
            cursor.execute(
                sql.SQL("INSERT INTO {} SELECT {}, place, part FROM ({}) AS f").format(
                    _TABLE, sql.Literal(depth + 1), found
                )
            )
            if cursor.rowcount:
                counts[reference] = counts.get(reference, 0) + cursor.rowcount
                reached.add(reference.relation)
        depth += 1
    return counts


def _read(cursor: Cursor) -> list[_Reference]:
    cursor.execute(_REFERENCES.encode())
    return [
        _Reference(
            name,
            RelationName(schema, relation),
            RelationName(*other),
            _ACTIONS.get(deletes),
            _ACTIONS.get(updates),
            tuple(columns),
            tuple(referenced),
        )
        for name, schema, relation, *other, deletes, updates, columns, referenced in cursor
    ]


def _doomed(stage: Stage) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {} SELECT 0, r.ctid, r.tableoid FROM {} AS r, {} AS s WHERE {}"
    ).format(_TABLE, stage.target.table, stage.gone, stage.target.same_key("r", "s"))


def _reached(reference: _Reference, stages: Sequence[Stage], depth: int | None) -> sql.Composed:
    """Selects rows that refer to doomed ones of a depth, or any, and are neither yet."""
    return sql.SQL(
        "SELECT r.ctid AS place, r.tableoid AS part FROM {relation} AS r WHERE EXISTS"
        " (SELECT FROM {table} AS d JOIN {target} AS t ON t.ctid = d.place"
        " AND t.tableoid = d.part WHERE {pairs}{depth})"
        " AND NOT EXISTS (SELECT FROM {table} AS d WHERE d.place = r.ctid AND d.part = r.tableoid)"
        "{staged}"
    ).format(
        relation=sql.Identifier(*reference.relation),
        table=_TABLE,
        target=sql.Identifier(*reference.target),
        pairs=_pairs(reference),
        depth=sql.SQL("" if depth is None else " AND d.depth = {}").format(sql.Literal(depth)),
        staged=_not_staged(stages),
    )


def _pairs(reference: _Reference) -> sql.Composable:
    """Makes the condition that a row `r` refers to `t`."""
    pairs = [
        sql.SQL("r.{} = t.{}").format(sql.Identifier(column), sql.Identifier(referenced))
        for column, referenced in zip(reference.columns, reference.referenced, strict=True)
    ]
    return sql.SQL(" AND ").join(pairs)


def _not_staged(stages: Sequence[Stage]) -> sql.Composable:
    """Makes the condition that a row `r` is not staged itself."""
    parts = [
        sql.SQL(" AND NOT EXISTS (SELECT FROM {} AS s WHERE {})").format(
            table, stage.target.same_key("r", "s")
        )
        for stage in stages
        for table in (stage.table, stage.gone)
    ]
    return sql.SQL("").join(parts)
