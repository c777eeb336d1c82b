"""The part of a relation's file that only somebody needs who makes the relation again.

Constraints as the catalog writes them, the bounds of partitions, sequences and extensions.
What mentions a column that is not published is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from gitexport.model.json_shape import (
    as_mapping,
    as_number,
    as_optional,
    as_sequence,
    as_text,
    without_empty,
)
from gitexport.model.relation import PartitionBound, Relation, RelationName, Sequence

_NUMBERS = ("start", "minimum", "maximum")


def structure_to_json(relation: Relation, hidden: Collection[str]) -> dict[str, object]:
    """Describes constraints, bounds, sequences and extensions; `hidden` names other columns."""
    keys = [relation.partition_key, *(bound.partition_key for bound in relation.bounds)]
    # A bound holds values of the columns that the key is made of.
    is_secret = any(key is not None and mentions(key, hidden) for key in keys)
    return {
        "constraints": {
            name: text for name, text in relation.constraints if not mentions(text, hidden)
        },
        "bounds": [] if is_secret else [_bound_to_json(bound) for bound in relation.bounds],
        "sequences": [
            _sequence_to_json(sequence)
            for sequence in relation.sequences
            if sequence.column not in hidden
        ],
        "extensions": dict(relation.extensions),
    }


def mentions(text: str, columns: Collection[str]) -> bool:
    """Tells whether SQL names one of some columns; it may also find a name inside of text."""
    return any(
        re.search(rf"(?<![\w$]){re.escape(spelled)}(?![\w$])", text)
        for name in columns
        for spelled in {name, name.replace('"', '""')}
    )


def constraints_from_json(value: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Reads definitions by name.

    Raises:
        TypeError: They are none.
    """
    found = as_mapping(value.get("constraints", {}))
    return tuple((name, as_text(text)) for name, text in sorted(found.items()))


def bounds_from_json(value: Mapping[str, object]) -> tuple[PartitionBound, ...]:
    """Reads the bounds of partitions.

    Raises:
        KeyError: One lacks a member.
        TypeError: They are none.
        ValueError: A name is none.
    """
    return tuple(
        PartitionBound(
            RelationName.parse(as_text(item["partition"])),
            RelationName.parse(as_text(item["of"])),
            as_text(item["bound"]),
            as_optional(item.get("partition_key")),
        )
        for item in map(as_mapping, as_sequence(value.get("bounds", ())))
    )


def sequences_from_json(value: Mapping[str, object]) -> tuple[Sequence, ...]:
    """Reads sequences.

    Raises:
        KeyError: One lacks a member.
        TypeError: They are none.
        ValueError: A name is none.
    """
    return tuple(
        _sequence(item) for item in map(as_mapping, as_sequence(value.get("sequences", ())))
    )


def extensions_from_json(value: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Reads extensions with their schemas.

    Raises:
        TypeError: They are none.
    """
    found = as_mapping(value.get("extensions", {}))
    return tuple((name, as_text(schema)) for name, schema in sorted(found.items()))


def _bound_to_json(bound: PartitionBound) -> dict[str, object]:
    return without_empty(
        {
            "partition": str(bound.name),
            "of": str(bound.parent),
            "bound": bound.bound,
            "partition_key": bound.partition_key,
        }
    )


def _sequence_to_json(sequence: Sequence) -> dict[str, object]:
    return without_empty(
        {
            "sequence": str(sequence.name),
            "column": sequence.column,
            "type": sequence.type_name,
            "owned": sequence.is_owned,
            "start": sequence.start,
            "increment": None if sequence.increment == 1 else sequence.increment,
            "minimum": sequence.minimum,
            "maximum": sequence.maximum,
            "cache": None if sequence.cache == 1 else sequence.cache,
            "cycles": sequence.cycles,
        }
    )


def _sequence(item: Mapping[str, object]) -> Sequence:
    start, minimum, maximum = (
        None if item.get(name) is None else as_number(item[name]) for name in _NUMBERS
    )
    return Sequence(
        name=RelationName.parse(as_text(item["sequence"])),
        column=as_text(item["column"]),
        type_name=as_text(item["type"]),
        is_owned=bool(item.get("owned", False)),
        start=start,
        increment=as_number(item.get("increment", 1)),
        minimum=minimum,
        maximum=maximum,
        cache=as_number(item.get("cache", 1)),
        cycles=bool(item.get("cycles", False)),
    )
