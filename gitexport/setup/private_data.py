"""Finds columns that look personal or secret, by their names and by what a few rows hold.

A hint for the person who decides what becomes public, never a proof of the opposite. Values
stay here: a finding says what a column looks like, not what is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitexport.model.relation import Relation, TypeKind
from gitexport.setup.private_rules import what_name_says, what_values_say

SAMPLE_ROWS = 200
_OF_EXTENSIONS = ("citext", "hstore")


@dataclass(frozen=True, slots=True)
class Finding:
    """A column that looks private: what it looks like, and what told so."""

    entity: str
    column: str
    what: str
    by: str

    @property
    def sentence(self) -> str:
        """One line for people."""
        return f"column '{self.column}' of '{self.entity}' looks like {self.what} ({self.by})"


def find_private_columns(
    entity: str,
    relation: Relation,
    published: Sequence[str],
    rows: Sequence[Sequence[str | None]],
) -> list[Finding]:
    """Lists the published columns that look private; `rows` are in the relation's order."""
    findings = []
    for place, column in enumerate(relation.columns):
        if column.name not in published:
            continue
        by_name = what_name_says(column.name, _base_type(relation, column.type_name))
        by_content = what_values_say([row[place] or "" for row in rows])
        what = by_content or by_name
        if what is not None:
            both = by_name is not None and by_content is not None
            by = "by name and content" if both else "by name" if by_name else "by content"
            findings.append(Finding(entity, column.name, what, by))
    return findings


def _base_type(relation: Relation, type_name: str) -> str:
    """Gives what arrays and domains stand upon in the end, without the schema of an extension."""
    named = {known.name: known for known in relation.types}
    while True:
        type_name = type_name.rstrip("[]")
        domain = named.get(type_name)
        if domain is None or domain.kind is not TypeKind.DOMAIN or domain.base is None:
            break
        type_name = domain.base
    last = type_name.rpartition(".")[2]
    return last if last in _OF_EXTENSIONS else type_name
