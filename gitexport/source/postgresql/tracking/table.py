"""Tracks by an outbox: one row of `gitexport.pending` for each key that changed.

People's rows are never updated. The version of a row is the sequence number of its last
change as the reader sees it; a later change has another number, so it stays pending.
"""

from __future__ import annotations

from psycopg import sql

from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Relation
from gitexport.source.postgresql.tracking.parts import ReadSql, column, identifier

OUTBOX_ALIAS = "gitexport_outbox"


def read_sql(entity: Entity, relation: Relation, alias: str) -> ReadSql:
    """Gives the parts of a SELECT that reads rows by the outbox's keys.

    The join compares typed values, so that few pending keys become index lookups; the
    comparison of text beside it decides. The outbox's columns have names of their own, so
    that people's conditions may name the relation's columns without its alias.
    """
    outbox = sql.Identifier(OUTBOX_ALIAS)
    source = sql.SQL(
        "{relation} AS {alias} LEFT JOIN"
        " (SELECT p.key AS gitexport_key, p.seq AS gitexport_seq FROM gitexport.pending AS p"
        " WHERE p.tracked = (SELECT id FROM gitexport.tracked WHERE relation = {name}"
        " AND method = {method} AND flag_column = {flag})) AS {outbox} ON {conditions}"
    ).format(
        relation=identifier(entity),
        alias=sql.Identifier(alias),
        outbox=outbox,
        name=sql.Literal(str(entity.relation)),
        method=sql.Literal(Tracking.TABLE.value),
        flag=sql.Literal(entity.flag),
        conditions=_same_key(entity, relation, alias),
    )
    pending: sql.Composable = sql.SQL("{}.gitexport_seq IS NOT NULL").format(outbox)
    if entity.modified is not None:
        pending = sql.SQL(
            "({pending} OR {a}.{on} IN (SELECT d.{on} FROM {d} AS d WHERE d.{modified} IS TRUE))"
        ).format(
            pending=pending,
            a=sql.Identifier(alias),
            on=sql.Identifier(entity.modified.on),
            d=sql.Identifier(*entity.modified.relation),
            modified=sql.Identifier(entity.modified.column),
        )
    version = sql.SQL("coalesce({}.gitexport_seq::text, '')").format(outbox)
    return ReadSql(source, pending, version)


def _same_key(entity: Entity, relation: Relation, alias: str) -> sql.Composable:
    conditions = []
    for place, name in enumerate(entity.key, start=1):
        part = sql.SQL("{}.gitexport_key[{}]").format(
            sql.Identifier(OUTBOX_ALIAS), sql.Literal(place)
        )
        found = relation.column(name)
        value = column(alias, name)
        if found is not None and "." not in found.type_name:
            typed = sql.SQL("{} = {}::{}").format(value, part, sql.SQL(found.type_name))
            conditions.append(typed)
        conditions.append(sql.SQL("{}::text = {}").format(value, part))
    return sql.SQL(" AND ").join(conditions)
