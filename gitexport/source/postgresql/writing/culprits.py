"""Finds the staged document that broke a constraint, by asking the staging tables.

The server names a constraint, and values that must not be shown. The staged rows are still
there after the failed statement was undone, so the same constraint is looked up in them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from gitexport.model.ports import Key
from gitexport.model.relation import ForeignKey, Relation, RelationName
from gitexport.source.postgresql.catalog import read_relations
from gitexport.source.postgresql.query_document import trusted
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.references import Answers, agree, is_unanswered
from gitexport.source.postgresql.writing.refusals import (
    CHECK,
    FOREIGN_KEY,
    NOT_NULL,
    UNIQUE,
    Broken,
)
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.unique_values import read_unique_indexes


def find_culprit(
    cursor: Cursor, stages: Sequence[Stage], error: psycopg.Error
) -> tuple[str | None, Key | None]:
    """Gives the entity and the key of the document that a refusal speaks of, where known.

    Raises:
        psycopg.Error: The server refused the question.
    """
    broken = Broken.of(error)
    own = [stage for stage in stages if broken.relation in _tree(stage.target.relation)]
    for stage in own:
        for condition in _conditions(cursor, stage, broken):
            for key in stage.keys_of(_written(stage, condition)):
                return stage.target.entity.name, key
    if broken.sqlstate == FOREIGN_KEY and broken.relation is not None:
        referring = read_relations(cursor, [broken.relation]).values()
        for stage, relation in itertools.product(stages, referring):
            for condition in _still_referenced(stage, relation, broken):
                for key in stage.keys_of(condition, is_gone=True):
                    return stage.target.entity.name, key
    named = own or stages
    return (named[0].target.entity.name if len(named) == 1 else None), None


def _tree(relation: Relation) -> tuple[RelationName, ...]:
    return (relation.name, *relation.partitions)


def _written(stage: Stage, condition: sql.Composable) -> sql.Composable:
    """Leaves out staged rows that stay as they are."""
    form = "{} AND NOT EXISTS (SELECT FROM {} AS v WHERE v.line = s.line AND v.verdict <> 'u')"
    return sql.SQL(form).format(condition, stage.verdicts)


def _conditions(cursor: Cursor, stage: Stage, broken: Broken) -> list[sql.Composable]:
    """Gives conditions of which one holds for the staged row `s` that broke the constraint."""
    relation, places = stage.target.relation, stage.target.places
    if broken.sqlstate == NOT_NULL and broken.column in places:
        return [sql.SQL("s.{} IS NULL").format(places[broken.column])]
    if broken.sqlstate == CHECK:
        texts = [text for name, text in relation.checks if name == broken.constraint]
        return [_fails(stage, definition) for definition in texts]
    if broken.sqlstate == UNIQUE:
        indexes = read_unique_indexes(cursor, stage.target)
        # The index of a partition has a name of its own.
        named = [index for index in indexes if index.name == broken.constraint] or indexes
        columns = [index.columns for index in named]
        return [_is_taken(stage, names) for names in columns if set(names) <= set(places)]
    if broken.sqlstate == FOREIGN_KEY:
        references = [key for key in relation.foreign_keys if key.name == broken.constraint]
        return [_lacks_target(stage, key) for key in references if set(key.columns) <= set(places)]
    return []


def _fails(stage: Stage, definition: str) -> sql.Composable:
    """Evaluates a check, written as the catalog writes it, on a staged row."""
    expression = definition.removeprefix("CHECK ")
    for suffix in (" NOT ENFORCED", " NOT VALID", " NO INHERIT"):
        expression = expression.removesuffix(suffix)
    columns = [
        sql.SQL("s.{} AS {}").format(place, sql.Identifier(name))
        for name, place in stage.target.places.items()
    ]
    # The catalog's own text, and the same row under the names that it uses.
    return sql.SQL("NOT (SELECT {} FROM (SELECT {}) AS checked)").format(
        trusted(expression), sql.SQL(", ").join(columns)
    )


def _is_taken(stage: Stage, columns: Sequence[str]) -> sql.Composable:
    target = stage.target
    twins = [sql.SQL("o.{0} = s.{0}").format(target.places[name]) for name in columns]
    others = [
        sql.SQL("r.{} = s.{}").format(sql.Identifier(name), target.places[name]) for name in columns
    ]
    return sql.SQL(
        "(EXISTS (SELECT FROM {stage} AS o WHERE o.line < s.line AND {twins})"
        " OR EXISTS (SELECT FROM {table} AS r WHERE {others} AND NOT ({same})"
        " AND NOT EXISTS (SELECT FROM {gone} AS g WHERE {left})))"
    ).format(
        stage=stage.table,
        twins=sql.SQL(" AND ").join(twins),
        table=target.table,
        others=sql.SQL(" AND ").join(others),
        same=target.same_key("r", "s"),
        gone=stage.gone,
        left=target.same_key("r", "g"),
    )


def _lacks_target(stage: Stage, reference: ForeignKey) -> sql.Composable:
    referring = [sql.SQL("s.{}").format(stage.target.places[name]) for name in reference.columns]
    referred = [sql.Identifier("p", name) for name in reference.referenced_columns]
    there = Answers(sql.Identifier(*reference.references), referred)
    return is_unanswered(reference, referring, [there])


def _still_referenced(stage: Stage, relation: Relation, broken: Broken) -> Iterator[sql.Composable]:
    for reference in relation.foreign_keys:
        names = reference.referenced_columns
        if (
            reference.name != broken.constraint
            or reference.references not in _tree(stage.target.relation)
            or not set(names) <= set(stage.key)
        ):
            continue
        referred = [sql.SQL("s.{}").format(stage.target.places[name]) for name in names]
        referring = [sql.Identifier("c", name) for name in reference.columns]
        yield sql.SQL("EXISTS (SELECT FROM {} AS c WHERE {})").format(
            sql.Identifier(*relation.name), agree(reference, referring, referred)
        )
