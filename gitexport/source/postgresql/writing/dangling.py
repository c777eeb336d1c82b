"""Finds references of staged rows that nothing answers, before the server would refuse them."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from gitexport.model.recognition import Dangling
from gitexport.model.relation import ForeignKey
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.references import Answers, is_unanswered
from gitexport.source.postgresql.writing.stage import Stage

_SHOWN = 100


def find_dangling(
    cursor: Cursor, stages: Sequence[Stage], staged: Sequence[Stage]
) -> tuple[Dangling, ...]:
    """Gives the first 100 rows to be written whose reference has no target.

    A target is a staged row, or one that is there and not to be deleted.

    Raises:
        psycopg.Error: The server refused a query.
    """
    found: list[Dangling] = []
    for stage in sorted(stages, key=lambda stage: stage.target.entity.name):
        for reference in stage.target.relation.foreign_keys:
            if stage.rows and set(reference.columns) <= set(stage.target.places):
                limit = _SHOWN - len(found)
                found += _of_reference(cursor, stage, reference, staged, limit)
    return tuple(found)


def _of_reference(
    cursor: Cursor,
    stage: Stage,
    reference: ForeignKey,
    staged: Sequence[Stage],
    limit: int,
) -> list[Dangling]:
    places = [stage.target.places[name] for name in reference.columns]
    texts = [sql.SQL("s.{}::text").format(place) for place in places]
    cursor.execute(
        sql.SQL("SELECT {}, {} FROM {} AS s WHERE {} ORDER BY s.line LIMIT {}").format(
            stage.key_texts("s"),
            sql.SQL(", ").join(texts),
            stage.table,
            sql.SQL(" AND ").join(_conditions(stage, reference, staged)),
            sql.Literal(limit),
        )
    )
    parts = len(stage.key)
    return [
        Dangling(
            stage.target.entity.name,
            tuple(row[:parts]),
            reference.name,
            tuple(row[parts:]),
            reference.references,
            reference.referenced_columns,
        )
        for row in cursor
    ]


def _conditions(stage: Stage, reference: ForeignKey, staged: Sequence[Stage]) -> list[sql.Composed]:
    """Says that a staged row is written, and that nothing answers its reference."""
    referring = [sql.SQL("s.{}").format(stage.target.places[name]) for name in reference.columns]
    is_written = sql.SQL(
        "NOT EXISTS (SELECT FROM {} AS v WHERE v.line = s.line AND v.verdict <> 'u')"
    ).format(stage.verdicts)
    parents = [other for other in staged if _is_target(other, reference)]
    answers = [_staying(reference, parents)]
    for parent in parents:
        if parent.rows and set(reference.referenced_columns) <= set(parent.target.places):
            places = [parent.target.places[name] for name in reference.referenced_columns]
            answers.append(Answers(parent.table, [sql.SQL("p.{}").format(p) for p in places]))
    return [is_written, is_unanswered(reference, referring, answers)]


def _is_target(stage: Stage, reference: ForeignKey) -> bool:
    relation = stage.target.relation
    return reference.references in {relation.name, *relation.partitions}


def _staying(reference: ForeignKey, parents: Sequence[Stage]) -> Answers:
    """Gives the rows that are there and not to be deleted."""
    left = [
        sql.SQL(" AND NOT EXISTS (SELECT FROM {} AS g WHERE {})").format(
            parent.gone, parent.target.same_key("p", "g")
        )
        for parent in parents
        if parent.deletions
    ]
    return Answers(
        sql.Identifier(*reference.references),
        [sql.Identifier("p", name) for name in reference.referenced_columns],
        sql.SQL("").join(left),
    )
