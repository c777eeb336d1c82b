"""Names of entities, made from the names of relations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from gitexport.model.relation import RelationName

_OTHER = re.compile(r"[^a-z0-9_]+")
_DEVICE = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")
_LONGEST = 100


def simple_name(text: str) -> str:
    """Lower-cases a name and writes every run of other characters as `_`.

    A name that Windows keeps for a device gets a `_` behind, as it names files too.

    Source: "Naming Files, Paths, and Namespaces" of Microsoft's Win32 documentation.
    """
    name = _OTHER.sub("_", text.lower())[:_LONGEST]
    return f"{name}_" if _DEVICE.fullmatch(name) else name


def name_entities(
    relations: Sequence[RelationName], taken: Collection[str]
) -> Mapping[RelationName, str]:
    """Names an entity for each relation; the schema comes in front only where two collide.

    `taken` are names in use already. Where names collide even with their schemas, as those
    of another alphabet can, a number follows, in the order of the relations' names.
    """
    ordered = sorted(relations)
    plain = {relation: simple_name(relation.name) for relation in ordered}
    shared = Counter(plain.values()) + Counter(taken)
    names: dict[RelationName, str] = {}
    used = set(taken)
    for relation in ordered:
        name = plain[relation]
        if shared[name] > 1:
            name = simple_name(f"{relation.schema}_{relation.name}")
        names[relation] = _unused(name, used)
        used.add(names[relation])
    return names


def _unused(name: str, used: Collection[str]) -> str:
    number, candidate = 2, name
    while candidate in used:
        candidate = f"{name}_{number}"
        number += 1
    return candidate
