"""The tables that are exported, in the three shapes that the limits speak of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gitexport.setup.sample import change_sql, fill_sql, schema_sql

CHANGED = 50

_NARROW = """
CREATE TABLE items (
    item_id integer PRIMARY KEY, name text NOT NULL, code varchar(12), kind text,
    amount numeric(10,2), quantity integer, ratio double precision, is_active boolean,
    created_on date, updated_at timestamptz, note text, parent_id integer);
INSERT INTO items SELECT n, 'item ' || n, upper(substr(md5(n::text), 1, 10)),
    (ARRAY['way', 'node', 'relation', 'area'])[1 + n % 4], n % 100000 / 100.0, n % 977,
    (n % 1000) / 7.0, n % 3 > 0, date '2015-01-01' + n % 3000,
    timestamptz '2025-01-01' + n * interval '1 second', substr(md5(n::text), 1, 24),
    nullif(n / 10, 0)
    FROM generate_series(1, {rows}) AS n
"""
_CHANGE_NARROW = """
UPDATE items SET quantity = quantity + 1
WHERE item_id IN (SELECT 1 + n * ({rows} / {count}) + n % 7 FROM generate_series(0, {count} - 1) n)
"""


class Shape(Enum):
    """What a row looks like."""

    WIDE = "wide"
    NARROW = "narrow"


@dataclass(frozen=True, slots=True)
class Data:
    """One table of some number of rows."""

    shape: Shape
    rows: int

    @property
    def name(self) -> str:
        """A short name, fit for a database and a directory."""
        return f"{self.shape.value}_{self.rows}"

    @property
    def title(self) -> str:
        """A name for people."""
        return f"{self.rows:,} {self.shape.value} rows"

    @property
    def table(self) -> str:
        """The table's name as SQL has it."""
        return "dwh.datamartusers" if self.shape is Shape.WIDE else "public.items"

    @property
    def entity(self) -> str:
        """The name that `init` gives the entity."""
        return self.table.rpartition(".")[2]

    @property
    def key(self) -> str:
        """The key column."""
        return "user_id" if self.shape is Shape.WIDE else "item_id"

    def statements(self) -> list[str]:
        """Gives the SQL that makes and fills the table."""
        if self.shape is Shape.WIDE:
            return [schema_sql(), fill_sql(self.rows)]
        return [_NARROW.format(rows=self.rows)]

    def change(self, count: int = CHANGED) -> str:
        """Gives the SQL that changes some rows, spread over all of the table."""
        if self.shape is Shape.WIDE:
            return change_sql(count)
        return _CHANGE_NARROW.format(rows=self.rows, count=count)


WIDE = Data(Shape.WIDE, 10_000)
SMALL = Data(Shape.NARROW, 10_000)
NARROW = Data(Shape.NARROW, 100_000)
MILLION = Data(Shape.NARROW, 1_000_000)
