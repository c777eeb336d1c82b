"""What the type of a column stands upon, whatever it is called."""

from __future__ import annotations

from gitexport.model.relation import Relation, TypeKind

_OF_EXTENSIONS = ("citext", "hstore")


def base_type(relation: Relation, type_name: str) -> str:
    """Gives what domains stand upon in the end, without the schema of an extension."""
    named = {known.name: known for known in relation.types}
    while True:
        domain = named.get(type_name)
        if domain is None or domain.kind is not TypeKind.DOMAIN or domain.base is None:
            break
        type_name = domain.base
    last = type_name.rpartition(".")[2]
    return last if last in _OF_EXTENSIONS else type_name


def element_type(relation: Relation, type_name: str) -> str:
    """Gives what arrays and domains stand upon in the end."""
    found = base_type(relation, type_name)
    while found.endswith("]"):
        found = base_type(relation, found.rstrip("[]"))
    return found
