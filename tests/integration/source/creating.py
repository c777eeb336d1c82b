"""Describes relations of one database, and makes them in another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import psycopg

from gitexport.canonical.value import canonical_value, loads
from gitexport.model.creation import CreationPlan, WantedRelation
from gitexport.model.relation import Relation
from gitexport.model.relation_json import relation_from_json, relation_to_json
from gitexport.source.postgresql.catalog import read_catalog
from gitexport.source.postgresql.create.plan import plan_creation
from gitexport.source.postgresql.create.run import create
from gitexport.source.postgresql.session import pin, reading


def describe(connection: psycopg.Connection, script: str) -> list[Relation]:
    """Runs a script and gives relations as their files say them, partitions left out."""
    connection.execute(script.encode())
    return [through_files(relation) for relation in read(connection) if not relation.is_partition]


def read(connection: psycopg.Connection) -> list[Relation]:
    """Reads the catalog."""
    with reading(connection) as cursor:
        return [replace(relation, estimated_rows=0) for relation in read_catalog(cursor)]


def through_files(relation: Relation, published: Collection[str] | None = None) -> Relation:
    """Writes and reads a relation's file."""
    names = [column.name for column in relation.columns] if published is None else published
    value = relation_to_json(relation, names, None)
    return relation_from_json(loads(canonical_value(value)))  # type: ignore[arg-type]


def wanted(relations: list[Relation]) -> list[WantedRelation]:
    """Wants relations with all their columns."""
    return [
        WantedRelation(relation, tuple(column.name for column in relation.columns), ())
        for relation in relations
    ]


def make(connection: psycopg.Connection, items: list[WantedRelation]) -> CreationPlan:
    """Plans and makes relations in one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        pin(cursor)
        plan = plan_creation(cursor, items)
        create(cursor, plan)
    return plan
