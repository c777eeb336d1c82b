"""Changed rows: what a changed document means for the row that it was made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gitexport.canonical.value import JsonValue, dumps_line
from gitexport.model.relation import ForeignKey, RelationName

Values = tuple[str, ...]
"""The values of some columns of one row, as JSON text."""


class RowStep(str, Enum):
    """What is done to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that is inserted, updated or deleted.

    `key` names the row before, in SQL literals by column. `columns` are the columns written,
    as literals. `old` and `new` are the values, as JSON text, of the columns that other rows
    may depend on; both are empty where the row is not there.
    """

    relation: RelationName
    step: RowStep
    key: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)
    old: Mapping[str, str] = field(default_factory=dict)
    new: Mapping[str, str] = field(default_factory=dict)

    def before(self, columns: Collection[str]) -> Values | None:
        """Gives the old values of columns; None where one is null, unknown or not there."""
        return _values(self.old, columns)

    def after(self, columns: Collection[str]) -> Values | None:
        """Gives the new values of columns, as `before` gives the old ones."""
        return _values(self.new, columns)


def watched_values(document: Mapping[str, JsonValue], columns: Collection[str]) -> dict[str, str]:
    """Gives the values of some of a document's members as JSON text, nulls left out."""
    return {
        name: dumps_line(document[name]).decode()
        for name in columns
        if document.get(name) is not None
    }


def referred(row: RowChange, keys: Collection[ForeignKey]) -> Iterator[tuple[ForeignKey, Values]]:
    """Yields the foreign keys by which a row referred to others before, with their values."""
    for key in keys:
        values = row.before(key.columns)
        if values is not None:
            yield key, values


def _values(known: Mapping[str, str], columns: Collection[str]) -> Values | None:
    if not columns or any(name not in known for name in columns):
        return None
    return tuple(known[name] for name in columns)
