"""What a way of tracking owes to a view: where to read, what is pending, which version."""

from __future__ import annotations

from typing import NamedTuple

from psycopg import sql


class ReadSql(NamedTuple):
    """The parts of a SELECT that depend on how a relation is tracked.

    `source` stands after FROM: the relation under its alias, and joins where there are any.
    `pending` is a boolean expression that is true for rows which no snapshot holds yet.
    `version` is a text expression that changes with every change of the row, and is empty
    where there is nothing to acknowledge.
    """

    source: sql.Composable
    pending: sql.Composable
    version: sql.Composable
