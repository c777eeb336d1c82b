"""Which keys the target assigns, which references follow, and which entity is recognised first.

A key column that does not help to recognise a row is a surrogate: the target gives it its
value. Every reference to such a column is rewritten, and where a rewritten column is itself
referred to, those references too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from gitexport.errors import ConfigError
from gitexport.model.recognition import RecognisedEntity, RowReference
from gitexport.model.relation import ForeignKey


def plan_identities(
    entities: Sequence[RecognisedEntity], known: Mapping[str, Sequence[ForeignKey]] | None = None
) -> list[RecognisedEntity]:
    """Completes entities with assigned columns and references, in the order of recognition.

    `known` are foreign keys by entity that the snapshot has and the target may lack. Entities
    that are only looked up and that nothing needs are left out.

    Raises:
        ConfigError: Rows of two entities would each be recognised by the other's, or a reference
            to a period would have to be rewritten.
    """
    references = _references(entities, known or {})
    assigned = {entity.name: _assigned(entity, references[entity.name]) for entity in entities}
    changed = _changed(entities, references, assigned)
    completed = {
        entity.name: entity._replace(
            # Where the target gives no key, the key alone says which row is meant.
            match=entity.match if assigned[entity.name] else entity.key,
            assigned=assigned[entity.name],
            references=tuple(
                reference._replace(
                    is_mapped=not reference.is_temporal and bool(_rewritten(reference, changed))
                )
                for reference in references[entity.name]
            ),
        )
        for entity in entities
    }
    referred = _referred(completed.values())
    completed = {
        name: entity._replace(referred=referred[name]) for name, entity in completed.items()
    }
    needed = _needed(completed)
    for name in sorted(needed):
        _refuse_lost_periods(completed[name], changed)
    return [completed[name] for name in _order(completed) if name in needed]


def _referred(entities: Collection[RecognisedEntity]) -> dict[str, tuple[str, ...]]:
    referred: dict[str, dict[str, None]] = defaultdict(dict)
    for entity in entities:
        for reference in entity.mapped:
            if reference.parent is not None:
                referred[reference.parent] |= dict.fromkeys(reference.parent_columns)
    return {entity.name: tuple(referred[entity.name]) for entity in entities}


def _references(
    entities: Sequence[RecognisedEntity], known: Mapping[str, Sequence[ForeignKey]]
) -> dict[str, tuple[RowReference, ...]]:
    names = {entity.relation.name: entity.name for entity in entities}
    # A reference to a partition is one to the rows of the whole.
    for entity in entities:
        names |= dict.fromkeys(entity.relation.partitions, entity.name)
    found = {}
    for entity in entities:
        by_shape: dict[object, RowReference] = {}
        for key in (*entity.relation.foreign_keys, *known.get(entity.name, ())):
            shape = (key.columns, key.references, key.referenced_columns)
            if set(key.columns) <= set(entity.columns) and shape not in by_shape:
                by_shape[shape] = RowReference(
                    key.name,
                    key.columns,
                    names.get(key.references),
                    key.references,
                    key.referenced_columns,
                    is_temporal=key.is_temporal,
                )
        found[entity.name] = tuple(by_shape.values())
    return found


def _assigned(entity: RecognisedEntity, references: Sequence[RowReference]) -> tuple[str, ...]:
    referring = {column for reference in references for column in reference.columns}
    candidates = dict.fromkeys((*entity.key, *entity.relation.primary_key))
    return tuple(
        column
        for column in candidates
        if column in entity.columns and column not in entity.match and column not in referring
        # What the target computes, and no document is named by, is not given by us either.
        if column in entity.key or not _is_generated(entity, column)
    )


def _is_generated(entity: RecognisedEntity, name: str) -> bool:
    column = entity.relation.column(name)
    return column is not None and column.generated is not None


def _changed(
    entities: Sequence[RecognisedEntity],
    references: Mapping[str, Sequence[RowReference]],
    assigned: Mapping[str, Sequence[str]],
) -> dict[str, set[str]]:
    """Finds the columns of each entity whose values may be others in the target."""
    changed = {entity.name: set(assigned[entity.name]) for entity in entities}
    is_growing = True
    while is_growing:
        is_growing = False
        for name, known in references.items():
            for reference in known:
                more = _rewritten(reference, changed) - changed[name]
                changed[name] |= more
                is_growing = is_growing or bool(more)
    return changed


def _rewritten(reference: RowReference, changed: Mapping[str, set[str]]) -> set[str]:
    if reference.parent is None:
        return set()
    pairs = zip(reference.columns, reference.parent_columns, strict=True)
    return {column for column, referred in pairs if referred in changed[reference.parent]}


def _refuse_lost_periods(entity: RecognisedEntity, changed: Mapping[str, set[str]]) -> None:
    followed = {column for reference in entity.mapped for column in reference.columns}
    for reference in entity.references:
        if not reference.is_temporal:
            continue
        lost = _rewritten(reference, changed) - followed
        if lost and (entity.is_written or not lost.isdisjoint((*entity.match, *entity.referred))):
            message = (
                f"'{reference.name}' refers to periods of '{reference.parent}', whose rows may"
                " have other keys in the target, and nothing else says which ones"
            )
            hint = "recognise the rows that it leads to by their keys, with --match ENTITY=KEY"
            raise ConfigError(message, where=f"entity '{entity.name}'", hint=hint)


def _needed(entities: Mapping[str, RecognisedEntity]) -> set[str]:
    needed = {name for name, entity in entities.items() if entity.is_written}
    waiting = list(needed)
    while waiting:
        entity = entities[waiting.pop()]
        followed = entity.mapped if entity.is_written else entity.identifying
        for reference in followed:
            if reference.parent is not None and reference.parent not in needed:
                needed.add(reference.parent)
                waiting.append(reference.parent)
    return needed


def _order(entities: Mapping[str, RecognisedEntity]) -> list[str]:
    graph = {
        name: {
            reference.parent
            for reference in entity.identifying
            if reference.parent is not None and reference.parent != name
        }
        for name, entity in entities.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        names = " and ".join(f"'{name}'" for name in sorted(set(error.args[1])))
        message = f"rows of {names} can only be recognised by each other"
        hint = "choose other columns for one of them with --match ENTITY=COLUMN"
        raise ConfigError(message, where="natural_key", hint=hint) from error
