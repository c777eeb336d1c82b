"""Making a snapshot's relations in a database that lacks them: values, and what a maker owes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gitexport.model.relation import Relation, RelationName


class WantedRelation(NamedTuple):
    """A relation to make: `published` columns are in documents, those of `key` identify rows."""

    relation: Relation
    published: tuple[str, ...]
    key: tuple[str, ...]


class CreationStep(NamedTuple):
    """One statement, and what it makes: `table public.users`."""

    what: str
    statement: str


class CreationPlan(NamedTuple):
    """What is to be made, in an order that works.

    `made` are the relations that the steps make, partitions left out. `existing` are those
    that are there and as they should be. `left_out` are sentences on
    what the snapshot does not say, or the database does not have. `calls` are functions of
    people's own, or of extensions, that defaults, checks and generated columns call.
    """

    steps: tuple[CreationStep, ...] = ()
    made: tuple[RelationName, ...] = ()
    existing: tuple[RelationName, ...] = ()
    left_out: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


class RelationMaker(Protocol):
    """Makes relations in an open transaction."""

    def relations(self, names: Sequence[RelationName]) -> dict[RelationName, Relation]:
        """Describes relations as they are in the transaction; those that are not are left out."""

    def plan_creation(self, wanted: Sequence[WantedRelation]) -> CreationPlan:
        """Compares the database with what is wanted, and changes nothing.

        Raises:
            ConflictError: Something of the same name is there and is different.
            ConfigError: A description cannot be made into a relation.
            DecisionNeededError: An expression calls what no column needs.
        """

    def create(self, plan: CreationPlan) -> None:
        """Makes everything, or fails.

        Raises:
            SourceError: The database refused; the transaction can only be given up.
        """
