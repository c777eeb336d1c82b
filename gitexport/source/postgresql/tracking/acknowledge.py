"""Acknowledges exactly the row versions that a commit holds, and waits for nobody.

Each batch is a transaction of its own, so that locks are short, and holds the fence: a run
that was superseded writes nothing. A row that is locked, changed or gone is passed over and
stays pending.

Locking rows before they are written is what passes locked ones over, and costs a third of
the time. So large batches are first written without, giving up at the first row that is
locked; whoever calls does such a batch again, without patience.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from gitexport.model.entity import Entity, Tracking
from gitexport.model.ports import Acknowledgement
from gitexport.model.relation import Relation, RelationKind
from gitexport.source.postgresql.parameters import parametrised
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.tracking.flag import XMIN_WIDTH
from gitexport.source.postgresql.tracking.parts import identifier, tracking_of

# Row places are cheap to look up and known for each row, but the planner cannot know how
# many there are of a function's rows, and would read the whole relation for each batch.
_SETTINGS = (
    "SET LOCAL gitexport.ack = '1'; SET LOCAL enable_hashjoin = off;"
    " SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
)
# The pinned search path holds no table of people, and the statements here need none: every
# name in them is qualified, and what is built in comes first.
_LIKE_ANY_SESSION = """
SELECT set_config(name, concat_ws(', ', CASE name WHEN 'search_path' THEN 'pg_catalog' END,
                                  nullif(reset_val, '')), true)
FROM pg_catalog.pg_settings WHERE name IN ('search_path', 'row_security')
"""

guards_versions = True
"""Only a test sets this to False, to prove that it would notice a lost update."""


def allow(cursor: Cursor, flag: str = "") -> None:
    """Tells the triggers, for this transaction only, that the exporter writes its marks.

    With `flag`, the column becomes TRUE whatever people's triggers do. Those find the names
    that they use, as in any session of the role.
    """
    cursor.execute(_SETTINGS)
    cursor.execute(_LIKE_ANY_SESSION)
    cursor.execute("SELECT set_config('gitexport.flag', %s, true)", (flag,))


def acknowledge_rows(
    cursor: Cursor,
    entity: Entity,
    relation: Relation,
    rows: Sequence[Acknowledgement],
    *,
    patience_ms: int | None = None,
) -> int:
    """Acknowledges the rows of one batch that still have the version read; counts them.

    With a patience, flags are written without locking their rows first, and a locked one is
    waited for only as long as that; otherwise locked rows are passed over.

    Raises:
        psycopg.errors.LockNotAvailable: A row stayed locked for longer than the patience.
        psycopg.Error: The server refused the statement.
    """
    written = rows if all(row.version for row in rows) else [row for row in rows if row.version]
    done = len(rows) - len(written)
    method = tracking_of(entity, relation)
    if not written or method is Tracking.COMPARE:
        return len(rows)
    texts = [array_text([row.key[place] for row in written]) for place in range(len(entity.key))]
    versions = [row.version for row in written]
    if method is Tracking.FLAG:
        texts += _split_versions(versions, is_partitioned=_is_partitioned(relation))
        if patience_ms is not None:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (f"{patience_ms}ms",))
        statement = _flag_statement(entity, relation, passes_locked=patience_ms is None)
        cursor.execute(parametrised(statement), texts)
    else:
        statement = _outbox_statement(entity)
        cursor.execute(parametrised(statement), [*texts, array_text(versions)])
    return done + cursor.rowcount


def count_unmarked(
    cursor: Cursor, entity: Entity, relation: Relation, rows: Sequence[Acknowledgement]
) -> int:
    """Counts rows of a batch that still have the version read, and that nobody has locked.

    After the batch was acknowledged, these are rows whose UPDATE was dropped.

    Raises:
        psycopg.Error: The server refused the statement.
    """
    written = [row for row in rows if row.version]
    texts = [array_text([row.key[place] for row in written]) for place in range(len(entity.key))]
    versions = [row.version for row in written]
    texts += _split_versions(versions, is_partitioned=_is_partitioned(relation))
    found = _unchanged_rows(entity, relation)
    cursor.execute(parametrised(sql.SQL("SELECT count(*) FROM ({}) AS l").format(found)), texts)
    return int(cursor.fetchall()[0][0])


def _split_versions(versions: Sequence[str], *, is_partitioned: bool) -> list[str]:
    """Splits `       727(0,1)16385` into xmin, place and partition, faster than the server."""
    arrays = [array_text([version[:XMIN_WIDTH] for version in versions])]
    places = [version[XMIN_WIDTH:] for version in versions]
    if not is_partitioned:
        return [*arrays, array_text(places)]
    parts = [place.partition(")") for place in places]
    arrays.append(array_text([f"{place})" for place, _, _ in parts]))
    return [*arrays, array_text([part for _, _, part in parts])]


def _is_partitioned(relation: Relation) -> bool:
    return relation.kind is RelationKind.PARTITIONED


def array_text(values: Sequence[str]) -> str:
    """Writes an array's text as PostgreSQL reads it.

    The driver writes lists element by element, which took longer than the statement itself.

    Source: PostgreSQL documentation, "Array Input and Output Syntax".
    """
    texts = values
    joined = "".join(values)
    if '"' in joined or "\\" in joined:
        texts = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return '{"' + '","'.join(texts) + '"}' if texts else "{}"


def _batch(entity: Entity, **others: str) -> sql.Composable:
    """Gives the rows of a batch: key texts, then other columns by their types."""
    columns = {f"k{place}": "text" for place in range(len(entity.key))} | others
    return sql.SQL("SELECT * FROM unnest({arrays}) AS b ({columns})").format(
        arrays=sql.SQL(", ").join(
            sql.SQL("{}::{}[]").format(sql.Placeholder(), sql.SQL(kind))
            for kind in columns.values()
        ),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
    )


def _same_key(entity: Entity, row: str) -> sql.Composable:
    return sql.SQL(" AND ").join(
        sql.SQL("coalesce({}::text, '') = {}").format(
            sql.Identifier(row, name), sql.Identifier("b", f"k{place}")
        )
        for place, name in enumerate(entity.key)
    )


def _same_partition(entity: Entity, relation: Relation, row: str, batch: str) -> sql.Composable:
    """Compares typed keys too, which leads the server to the one partition of each row."""
    conditions = [
        sql.SQL("{}.tableoid = {}.part").format(sql.Identifier(row), sql.Identifier(batch))
    ]
    for place, name in enumerate(entity.key):
        found = relation.column(name)
        if found is not None and "." not in found.type_name:
            condition = sql.SQL("{} = {}::{}").format(
                sql.Identifier(row, name),
                sql.Identifier(batch, f"k{place}"),
                sql.SQL(found.type_name),
            )
            conditions.append(condition)
    return sql.SQL(" AND ").join(conditions)


def _flag_statement(
    entity: Entity, relation: Relation, *, passes_locked: bool = True
) -> sql.Composed:
    batch = _batch_of_rows(entity, relation)
    table, flag = identifier(entity), sql.Identifier(entity.flag)
    if not guards_versions:
        form = "WITH b AS ({batch}) UPDATE {table} AS t SET {flag} = TRUE FROM b WHERE {same_key}"
        return sql.SQL(form).format(
            batch=batch, table=table, flag=flag, same_key=_same_key(entity, "t")
        )
    # The guard on xmin and key keeps a concurrent change pending: without it, a row changed
    # between our read and this statement would be marked as exported in a state that no
    # commit holds.
    if not passes_locked:
        return _direct_statement(entity, relation)
    same_row: sql.Composable = sql.SQL("TRUE")
    if _is_partitioned(relation):
        same_row = _same_partition(entity, relation, "t", "l")
    # Subqueries instead of WITH, which the server refuses where a rule rewrites the UPDATE; one
    # that locks rows is never merged into the query around it.
    return sql.SQL(
        "UPDATE {table} AS t SET {flag} = TRUE FROM ({rows}) AS l"
        " WHERE t.ctid = l.place AND {same_row}"
    ).format(table=table, flag=flag, rows=_unchanged_rows(entity, relation), same_row=same_row)


def _batch_of_rows(entity: Entity, relation: Relation) -> sql.Composable:
    parts = {"part": "oid"} if _is_partitioned(relation) else {}
    return _batch(entity, xmin="xid", place="tid", **parts)


def _same_part(entity: Entity, relation: Relation) -> sql.Composable:
    if _is_partitioned(relation):
        return _same_partition(entity, relation, "t", "b")
    return sql.SQL("TRUE")


def _unchanged_rows(entity: Entity, relation: Relation) -> sql.Composable:
    """Gives the query that locks those rows of a batch that have the version read."""
    kept = ["place"]
    if _is_partitioned(relation):
        kept += ["part", *(f"k{place}" for place in range(len(entity.key)))]
    return sql.SQL(
        "SELECT {kept} FROM ({batch}) AS b JOIN {table} AS t"
        " ON t.ctid = b.place AND t.xmin = b.xmin AND {same_key} AND {same_part}"
        " FOR NO KEY UPDATE OF t SKIP LOCKED"
    ).format(
        batch=_batch_of_rows(entity, relation),
        kept=sql.SQL(", ").join(sql.Identifier("b", name) for name in kept),
        table=identifier(entity),
        same_key=_same_key(entity, "t"),
        same_part=_same_part(entity, relation),
    )


def _direct_statement(entity: Entity, relation: Relation) -> sql.Composed:
    """Gives the statement that writes rows without locking them first."""
    return sql.SQL(
        "UPDATE {table} AS t SET {flag} = TRUE FROM ({batch}) AS b"
        " WHERE t.ctid = b.place AND t.xmin = b.xmin AND {same_key} AND {same_part}"
    ).format(
        table=identifier(entity),
        flag=sql.Identifier(entity.flag),
        batch=_batch_of_rows(entity, relation),
        same_key=_same_key(entity, "t"),
        same_part=_same_part(entity, relation),
    )


def _outbox_statement(entity: Entity) -> sql.Composed:
    keys = sql.SQL(", ").join(sql.Identifier("b", f"k{place}") for place in range(len(entity.key)))
    guard = sql.SQL("AND p.seq = b.version::bigint" if guards_versions else "")
    return sql.SQL(
        "WITH l AS MATERIALIZED (SELECT p.tracked, p.key, p.seq FROM ({batch}) AS b"
        " JOIN gitexport.pending AS p ON p.key = ARRAY[{keys}] {guard} AND p.tracked ="
        " (SELECT id FROM gitexport.tracked WHERE relation = {relation}"
        " AND method = {method} AND flag_column = {flag}) FOR UPDATE OF p SKIP LOCKED)"
        " DELETE FROM gitexport.pending AS p USING l"
        " WHERE p.tracked = l.tracked AND p.key = l.key AND p.seq = l.seq"
    ).format(
        batch=_batch(entity, version="text"),
        keys=keys,
        guard=guard,
        relation=sql.Literal(str(entity.relation)),
        method=sql.Literal(Tracking.TABLE.value),
        flag=sql.Literal(entity.flag),
    )
