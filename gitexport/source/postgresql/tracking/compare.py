"""Tracks nothing: every row is read and compared in each run, and no write is needed."""

from __future__ import annotations

from psycopg import sql

from gitexport.model.entity import Entity
from gitexport.source.postgresql.tracking.parts import ReadSql, identifier


def read_sql(entity: Entity, alias: str) -> ReadSql:
    """Gives the parts of a SELECT that takes every row for pending."""
    source = sql.SQL("{} AS {}").format(identifier(entity), sql.Identifier(alias))
    return ReadSql(source, sql.SQL("TRUE"), sql.SQL("''"))
