"""Columns whose type was another one when the documents of a plan were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitexport.model.address import Address
from gitexport.model.pointer import parse_pointer
from gitexport.model.relation import Relation


def types_then(relation: Relation, addresses: Sequence[Address] = ()) -> dict[str, str]:
    """Gives the types of the columns from which documents, or fields of them, are taken."""
    types = {column.name: column.type_name for column in relation.columns}
    if addresses and all(address.pointer for address in addresses):
        members = {parse_pointer(address.pointer or "")[0] for address in addresses}
        return {name: types[name] for name in types if name in members}
    return types


def type_notes(name: str, relation: Relation, former: Mapping[str, str]) -> list[str]:
    """Says which columns of an entity are of another type than they were."""
    return [
        f"column '{column}' of '{name}' was {then} then and is {now.type_name} now: its values"
        " are converted"
        for column, then in former.items()
        if (now := relation.column(column)) is not None
    ]
