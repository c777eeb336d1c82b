"""The order of writing in words: phases, and what becomes of references in circles."""

from __future__ import annotations

from collections.abc import Iterable

from gitexport.model.foreign_keys import Component, Treatment
from gitexport.model.relation import RelationName
from gitexport.transfer.import_report import TreatedReference


def describe_order(
    order: Iterable[Component],
) -> tuple[dict[RelationName, int], list[TreatedReference]]:
    """Gives the phase of each relation, and the references that order alone does not keep.

    A relation is in the phase after the last one that it refers to.
    """
    phases: dict[RelationName, int] = {}
    treated = []
    for component in order:
        before = [
            phases[reference.target]
            for reference in component.references
            if reference.treatment is Treatment.ORDERED and reference.target in phases
        ]
        phases |= dict.fromkeys(component.relations, 1 + max(before, default=0))
        treated += [
            TreatedReference(
                str(reference.relation),
                reference.key.name,
                str(reference.target),
                reference.treatment.value,
                reference.reason,
            )
            for reference in component.references
            if reference.treatment is not Treatment.ORDERED
        ]
    return phases, treated
