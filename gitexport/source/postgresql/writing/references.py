"""Conditions on rows that refer to others, and on those that answer them.

A row answers a reference if it equals it in all columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql


class Answers(NamedTuple):
    """Rows `p` of a table that may answer a reference.

    `referred` are their values for the columns that are referred to; `more` is ANDed.
    """

    table: sql.Composable
    referred: Sequence[sql.Composable]
    more: sql.Composable = sql.SQL("")


def agree(
    referring: Sequence[sql.Composable],
    referred: Sequence[sql.Composable],
) -> sql.Composed:
    """Makes the condition that a row refers to another."""
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(left, right)
        for left, right in zip(referred, referring, strict=True)
    )


def is_unanswered(referring: Sequence[sql.Composable], answers: Sequence[Answers]) -> sql.Composed:
    """Makes the condition that a row refers to something, and nothing answers."""
    parts: list[sql.Composable] = [sql.SQL("{} IS NOT NULL").format(value) for value in referring]
    parts += [
        sql.SQL("NOT EXISTS (SELECT FROM {} AS p WHERE {}{})").format(
            table, agree(referring, referred), more
        )
        for table, referred, more in answers
    ]
    return sql.SQL(" AND ").join(parts)
