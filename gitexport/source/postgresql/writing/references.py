"""Conditions on rows that refer to others, and on those that answer them.

One row answers a plain reference, and equals it. Several together answer a reference to a
period: they agree in the other columns, and their periods cover it without a gap.

Source: PostgreSQL, src/backend/utils/adt/ri_triggers.c, RI_FKey_check.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.model.relation import ForeignKey


class Answers(NamedTuple):
    """Rows `p` of a table that may answer a reference.

    `referred` are their values for the columns that are referred to; `more` is ANDed.
    """

    table: sql.Composable
    referred: Sequence[sql.Composable]
    more: sql.Composable = sql.SQL("")


def agree(
    reference: ForeignKey,
    referring: Sequence[sql.Composable],
    referred: Sequence[sql.Composable],
) -> sql.Composed:
    """Makes the condition that a row has to do with another: equal, but periods overlap."""
    operators = [sql.SQL("=")] * len(referring)
    if reference.is_temporal:
        operators[-1] = sql.SQL("&&")
    return sql.SQL(" AND ").join(
        sql.SQL("{} {} {}").format(left, operator, right)
        for left, operator, right in zip(referred, operators, referring, strict=True)
    )


def is_unanswered(
    reference: ForeignKey, referring: Sequence[sql.Composable], answers: Sequence[Answers]
) -> sql.Composed:
    """Makes the condition that a row refers to something, and nothing answers."""
    parts: list[sql.Composable] = [sql.SQL("{} IS NOT NULL").format(value) for value in referring]
    if reference.is_temporal:
        parts.append(_is_uncovered(reference, referring, answers))
    else:
        parts += [
            sql.SQL("NOT EXISTS (SELECT FROM {} AS p WHERE {}{})").format(
                table, agree(reference, referring, referred), more
            )
            for table, referred, more in answers
        ]
    return sql.SQL(" AND ").join(parts)


def _is_uncovered(
    reference: ForeignKey, referring: Sequence[sql.Composable], answers: Sequence[Answers]
) -> sql.Composed:
    periods = [
        sql.SQL("SELECT {} AS period FROM {} AS p WHERE {}{}").format(
            referred[-1], table, agree(reference, referring, referred), more
        )
        for table, referred, more in answers
    ]
    return sql.SQL("({} <@ (SELECT range_agg(a.period) FROM ({}) AS a)) IS NOT TRUE").format(
        referring[-1], sql.SQL(" UNION ALL ").join(periods)
    )
