"""The temporary tables of one entity: documents as they came, and what was found for each.

The first table holds a number, the key's texts and the documents. The second holds for each
number the columns that take part, under the places that `columns` gives them: `o0`, `o1`, …
as in the document, `b0`, … as in the document from which the change started, `v0`, … as in
the target. Both are gone when the transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from psycopg import sql

from gitexport.model.recognition import RecognisedEntity


@dataclass
class EntityTables:
    """The tables of one entity; `merges` says that documents may come with a base."""

    entity: RecognisedEntity
    number: int
    merges: bool = False

    @property
    def taken(self) -> sql.Composable:
        """The documents as they came."""
        return sql.Identifier("pg_temp", f"gitexport_taken_{self.number}")

    @property
    def known(self) -> sql.Composable:
        """What was found for each."""
        return sql.Identifier("pg_temp", f"gitexport_known_{self.number}")

    @property
    def target(self) -> sql.Composable:
        """The relation of people's."""
        return sql.Identifier(*self.entity.relation.name)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that take part, each once."""
        entity = self.entity
        mapped = [column for reference in entity.mapped for column in reference.columns]
        return tuple(
            dict.fromkeys((*entity.key, *entity.match, *entity.assigned, *entity.referred, *mapped))
        )

    @cached_property
    def settled(self) -> tuple[str, ...]:
        """The columns whose values in the target are known once the rows are recognised."""
        identifying = [name for found in self.entity.identifying for name in found.columns]
        return tuple(dict.fromkeys((*self.entity.assigned, *identifying)))

    @cached_property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """The keys of the relation that the target takes part in making, as far as it is known."""
        entity = self.entity
        mapped = {name for reference in entity.mapped for name in reference.columns}
        known = {*self.columns} - (mapped - {*self.settled})
        unique = [key.columns for key in entity.relation.unique_keys]
        return tuple(
            columns
            for columns in dict.fromkeys((entity.key, *unique))
            if known.issuperset(columns) and not {*entity.assigned}.isdisjoint(columns)
        )

    def old(self, alias: str, column: str) -> sql.Composable:
        """Refers to a column's value in the document."""
        return self._place(alias, "o", column)

    def base(self, alias: str, column: str) -> sql.Composable:
        """Refers to a column's value in the document from which the change started."""
        return self._place(alias, "b" if self.merges else "o", column)

    def new(self, alias: str, column: str) -> sql.Composable:
        """Refers to a column's value in the target, as far as it is settled."""
        return self._place(alias, "v" if column in self.settled else "o", column)

    def definitions(self) -> list[sql.Composable]:
        """Defines the columns of the table of what was found."""
        found: list[sql.Composable] = [sql.SQL("n bigint, is_written boolean")]
        for place, name in enumerate(self.columns):
            kinds = ["o", *("b" * self.merges), *("v" * (name in self.settled))]
            found += [
                sql.SQL("{} {}").format(sql.Identifier(f"{kind}{place}"), self.type_of(name))
                for kind in kinds
            ]
        return [*found, sql.SQL("is_known boolean")]

    def types(self) -> sql.Composable:
        """Lists the columns with their types, as `json_to_record` wants them."""
        return sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), self.type_of(name))
            for name in self.columns
        )

    def type_of(self, name: str) -> sql.Composable:
        """Names a column's type; the catalog wrote the name as SQL."""
        column = self.entity.relation.column(name)
        return sql.SQL(column.type_name if column else "text")

    def is_generated(self, name: str) -> bool:
        """Tells whether the target computes a column."""
        column = self.entity.relation.column(name)
        return column is not None and column.generated is not None

    def _place(self, alias: str, kind: str, column: str) -> sql.Composable:
        return sql.SQL("{}.{}").format(
            sql.Identifier(alias), sql.Identifier(f"{kind}{self.columns.index(column)}")
        )


def all_of(conditions: Iterable[sql.Composable]) -> sql.Composable:
    """Joins conditions that all have to hold; none is true."""
    return sql.SQL(" AND ").join([sql.SQL("true"), *conditions])


def listed(items: Iterable[sql.Composable]) -> sql.Composable:
    """Joins items with commas."""
    return sql.SQL(", ").join([*items])


def spaced(items: Iterable[sql.Composable]) -> sql.Composable:
    """Joins items with spaces."""
    return sql.SQL(" ").join([*items])
