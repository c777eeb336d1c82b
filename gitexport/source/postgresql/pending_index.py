"""Builds the partial index that finds pending rows, without blocking writers.

A build that was interrupted leaves an invalid index, which is dropped and built again. On
a partitioned table PostgreSQL builds none concurrently: so each partition gets its own, and
they are attached to an index of the parent that starts out empty.

Source: PostgreSQL documentation, "Building Indexes Concurrently", "Table Partitioning".
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from psycopg import sql

from gitexport.model.entity import Entity
from gitexport.source.postgresql import ddl
from gitexport.source.postgresql.session import Connection, Cursor

# The relation itself and all its partitions, the deepest first, and for each the index of
# ours that is attached to the parent's one, or else the one with our name.
_TREE = """
WITH tree AS (
    SELECT pg_catalog.to_regclass(%(relation)s)::oid AS oid, NULL::oid AS parent, 0 AS level
    UNION SELECT relid, parentrelid, level
      FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%(relation)s)) WHERE level > 0)
SELECT n.nspname::text, c.relname::text, c.relkind = 'p', pn.nspname::text, p.relname::text
FROM tree AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class AS p ON p.oid = t.parent
LEFT JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
ORDER BY t.level DESC, n.nspname, c.relname
"""
_INDEX = """
SELECT n.nspname::text, c.relname::text, i.indisvalid,
       EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = c.oid)
FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE i.indrelid = pg_catalog.to_regclass(%(relation)s)::oid
  AND (c.relname = %(name)s OR EXISTS (
    SELECT FROM pg_catalog.pg_inherits AS h JOIN pg_catalog.pg_class AS p ON p.oid = h.inhparent
    WHERE h.inhrelid = c.oid AND p.relname = %(parent)s))
ORDER BY 4 DESC LIMIT 1
"""


class _Node(NamedTuple):
    """A relation of the tree, the name of its index, and of its parent's."""

    relation: tuple[str, str]
    is_partitioned: bool
    index_name: str
    parent: tuple[str, str] | None
    parent_index: str


class _Index(NamedTuple):
    schema: str
    name: str
    is_valid: bool
    is_attached: bool


def index_prefix(registration: str) -> str:
    """Gives the name of a registration's index, with which those of partitions begin."""
    return f"gitexport_{registration}_pending"


def find_index(cursor: Cursor, entity: Entity, registration: str) -> bool | None:
    """Tells whether a relation's index is valid; None where there is none."""
    found = _find(cursor, tuple(entity.relation), index_prefix(registration), "")
    return None if found is None else found.is_valid


def plan_index(cursor: Cursor, entity: Entity, registration: str) -> list[sql.Composable]:
    """Lists the statements of an index build, for people to read."""
    if find_index(cursor, entity, registration):
        return []
    nodes = _tree(cursor, entity, registration)
    creates = [_create(entity, node) for node in nodes]
    return creates + [
        _attach(node, node.index_name, node.relation[0]) for node in nodes if node.parent
    ]


def build_index(connection: Connection, entity: Entity, registration: str) -> list[sql.Composable]:
    """Builds what is missing of a relation's index; gives the statements executed.

    Raises:
        LockedError: The locks were not to be had.
        psycopg.Error: The server refused a statement.
    """
    with connection.cursor() as cursor:
        if find_index(cursor, entity, registration):
            return []
        nodes = _tree(cursor, entity, registration)
        done: list[sql.Composable] = []
        for node in nodes:
            done += _build_node(cursor, entity, node)
        for node in nodes:
            done += _attach_node(cursor, node)
    return done


def _build_node(cursor: Cursor, entity: Entity, node: _Node) -> list[sql.Composable]:
    found = _find(cursor, node.relation, node.index_name, node.parent_index)
    # The index of a partitioned table is invalid until all partitions have theirs.
    if found is not None and (found.is_valid or found.is_attached or node.is_partitioned):
        return []
    done: list[sql.Composable] = []
    if found is not None:
        name = sql.Identifier(found.schema, found.name)
        done.append(sql.SQL("DROP INDEX CONCURRENTLY {}").format(name))
        ddl.execute_outside(cursor.connection, done[-1])
    done.append(_create(entity, node))
    if node.is_partitioned:
        ddl.execute_all(cursor.connection, lambda _: done[-1:], where=".".join(node.relation))
    else:
        ddl.execute_outside(cursor.connection, done[-1])
    return done


def _attach_node(cursor: Cursor, node: _Node) -> list[sql.Composable]:
    found = _find(cursor, node.relation, node.index_name, node.parent_index)
    if node.parent is None or found is None or found.is_attached:
        return []
    attach = _attach(node, found.name, found.schema)
    ddl.execute_all(cursor.connection, lambda _: [attach], where=".".join(node.relation))
    return [attach]


def _tree(cursor: Cursor, entity: Entity, registration: str) -> list[_Node]:
    cursor.execute(_TREE, {"relation": _quoted(tuple(entity.relation))})
    root = tuple(entity.relation)
    prefix = index_prefix(registration)

    def name(relation: tuple[str, str]) -> str:
        if relation == root:
            return prefix
        return f"{prefix}_{hashlib.sha256(chr(0).join(relation).encode()).hexdigest()[:8]}"

    nodes = []
    for schema, relation, partitioned, parent_schema, parent in cursor:
        above = None if parent is None else (parent_schema, parent)
        own = (schema, relation)
        nodes.append(_Node(own, partitioned, name(own), above, name(above) if above else ""))
    return nodes


def _find(cursor: Cursor, relation: tuple[str, ...], name: str, parent: str) -> _Index | None:
    values = {"relation": _quoted(relation), "name": name, "parent": parent}
    row = cursor.execute(_INDEX, values).fetchone()
    return None if row is None else _Index(*row)


def _create(entity: Entity, node: _Node) -> sql.Composable:
    form = "CREATE INDEX CONCURRENTLY {name} ON {relation} ({key}) WHERE {flag} IS NOT TRUE"
    if node.is_partitioned:
        form = "CREATE INDEX {name} ON ONLY {relation} ({key}) WHERE {flag} IS NOT TRUE"
    return sql.SQL(form).format(
        name=sql.Identifier(node.index_name),
        relation=sql.Identifier(*node.relation),
        key=sql.SQL(", ").join(map(sql.Identifier, entity.key)),
        flag=sql.Identifier(entity.flag),
    )


def _attach(node: _Node, index: str, schema: str) -> sql.Composable:
    parent_schema = node.parent[0] if node.parent else schema
    return sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(
        sql.Identifier(parent_schema, node.parent_index), sql.Identifier(schema, index)
    )


def _quoted(relation: tuple[str, ...]) -> str:
    return sql.Identifier(*relation).as_string(None)
