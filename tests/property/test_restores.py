"""Random rows of many types, changed at random, go back to what any snapshot held."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql

from gitexport.restore.database import RowsRequest, restore_rows
from gitexport.restore.rows import RowsReport
from gitexport.restore.snapshot import Workplace
from gitexport.restore.to_snapshot import plan_restore
from gitexport.store.revisions import resolve
from tests.fixtures.workbench import Workbench

_TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'Very "happy"');
CREATE TYPE place AS (city text, at point);
CREATE DOMAIN amount AS numeric CHECK (VALUE <> 13);
CREATE TABLE groups (id integer PRIMARY KEY, name text UNIQUE);
CREATE TABLE things (
    id integer PRIMARY KEY,
    group_id integer REFERENCES groups,
    parent_id integer REFERENCES things,
    "select" text, n amount, f float8, r real, b bytea, ok boolean, at timestamptz, day date,
    span interval, j jsonb, js json, words text[], grid integer[], range int4range, bits varbit,
    net inet, feeling mood, spot place, length integer GENERATED ALWAYS AS (octet_length("select"))
    STORED)
"""
_GROUPS = 4
_THINGS = 8
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
# A document has one null: JSON's own, at the top of a column, comes back as no value.
_JSON = _VALUES.filter(lambda value: value is not None).map(json.dumps)
_NUMERIC = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?", fullmatch=True)


def _float(value: float) -> str:
    return "NaN" if math.isnan(value) else str(value)


def _array(values: Sequence[str | None]) -> str:
    quoted = ("NULL" if value is None else _quoted(value) for value in values)
    return "{" + ",".join(quoted) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_COLUMNS: dict[str, st.SearchStrategy[str]] = {
    "select": _TEXT,
    "n": (_NUMERIC | st.just("NaN")).filter(lambda text: text.rstrip("0").rstrip(".") != "13"),
    "f": st.floats().map(_float),
    "r": st.floats(width=32).map(_float),
    "b": st.binary(max_size=10).map(lambda data: f"\\x{data.hex()}"),
    "ok": st.sampled_from(["t", "f"]),
    "at": st.datetimes().map(str) | st.sampled_from(["infinity", "-infinity", "0044-03-15 BC"]),
    "day": st.dates().map(str) | st.sampled_from(["infinity", "5874897-12-31"]),
    "span": st.sampled_from(["1 year -3 days 04:05:06.789", "-1 month", "0", "99999 hours"]),
    "j": _JSON,
    "js": _JSON,
    "words": st.lists(st.none() | _TEXT, max_size=3).map(_array),
    "grid": st.sampled_from(["{{1,2},{3,NULL}}", "{}", "{NULL}"]),
    "range": st.sampled_from(["empty", "[1,5)", "(,)", "[3,)"]),
    "bits": st.from_regex(r"[01]{0,9}", fullmatch=True),
    "net": st.sampled_from(["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10"]),
    "feeling": st.sampled_from(["sad", "ok", 'Very "happy"']),
    "spot": st.sampled_from(['(Rome,"(1.5,-0)")', '("a ""b""",)', "(,)"]),
}
_ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(1, _THINGS),
        "group_id": st.none() | st.integers(1, _GROUPS),
        "parent_id": st.none() | st.integers(1, _THINGS),
        **{name: st.none() | values for name, values in _COLUMNS.items()},
    }
)


@dataclass
class World:
    """A database with its data repository, and what its rows were at each snapshot."""

    bench: Workbench
    dumps: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def dump(self) -> tuple[str, ...]:
        """Gives the text of all rows."""
        with psycopg.connect(self.bench.dsn) as connection:
            connection.execute("SET TIME ZONE 'UTC'")
            connection.execute("ALTER TABLE things DROP COLUMN json_exported")
            connection.execute("ALTER TABLE groups DROP COLUMN json_exported")
            # The type keeps spaces and the order of members, which canonical JSON does not.
            connection.execute("ALTER TABLE things ALTER js TYPE jsonb")
            found = connection.execute(
                "SELECT 'g' || g::text FROM groups AS g"
                " UNION ALL SELECT 't' || t::text FROM things AS t ORDER BY 1"
            ).fetchall()
            connection.rollback()
        return tuple(row[0] for row in found)

    def write(self, rows: Sequence[dict[str, object]], gone: Sequence[int]) -> None:
        """Replaces some rows and deletes others; references to what is gone become null."""
        with psycopg.connect(self.bench.dsn, autocommit=True) as connection:
            for group in range(1, _GROUPS + 1):
                connection.execute(
                    "INSERT INTO groups VALUES (%s, %s) ON CONFLICT DO NOTHING",
                    (group, f"group {group}"),
                )
            for key in gone:
                connection.execute(
                    "UPDATE things SET parent_id = NULL WHERE parent_id = %s", (key,)
                )
                connection.execute("DELETE FROM things WHERE id = %s", (key,))
            for row in rows:
                _put(connection, row)
            connection.execute(
                "DELETE FROM groups WHERE id NOT IN"
                " (SELECT group_id FROM things WHERE group_id IS NOT NULL)"
            )

    def export(self) -> None:
        """Exports, and remembers what the rows were."""
        snapshot = self.bench.export().snapshot
        if snapshot is not None:
            self.dumps[snapshot] = self.dump()

    def restore(self, snapshot: str) -> RowsReport:
        """Restores rows."""
        bench = self.bench
        place = Workplace(bench.repository, bench.publication, bench.clock, bench.progress)
        commit = resolve(bench.repository, "main", snapshot)
        return restore_rows(
            place,
            bench.source,
            lambda tip: plan_restore(tip, commit),
            RowsRequest(),
            lambda _plan: None,
        )


def _put(connection: psycopg.Connection, row: dict[str, object]) -> None:
    known = connection.execute("SELECT id FROM things").fetchall()
    values = dict(row)
    if (values["parent_id"],) not in [*known, (values["id"],)]:
        values["parent_id"] = None
    columns = [sql.Identifier(name) for name in values]
    pairs = [sql.SQL("{0} = EXCLUDED.{0}").format(column) for column in columns]
    connection.execute(
        sql.SQL("INSERT INTO things ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}").format(
            sql.SQL(", ").join(columns),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
            sql.SQL(", ").join(pairs),
        ),
        [None if value is None else str(value) for value in values.values()],
    )


@pytest.fixture
def world(workbench: Workbench) -> World:
    """Two tracked tables with references, one of them to itself, and an empty repository."""
    for statement in _TABLES.split(";"):
        workbench.sql(statement)
    columns = ("id", "group_id", "parent_id", *_COLUMNS, "length")
    workbench.add_entity("things", *columns)
    workbench.add_entity("groups", "id", "name")
    return World(workbench)


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(_ROWS, max_size=4), st.lists(st.integers(1, _THINGS), max_size=3), st.integers(0, 20)
)
def test_rows_go_back_to_any_snapshot(
    world: World, changed: list[dict[str, object]], gone: list[int], back: int
) -> None:
    """The examples build upon each other, so that the history grows."""
    world.write(changed, gone)
    world.export()
    if not world.dumps:
        return
    snapshot = sorted(world.dumps)[-1 - back % len(world.dumps)]

    report = world.restore(snapshot)

    assert world.dump() == world.dumps[snapshot]
    if report.after is not None and report.after.snapshot is not None:
        world.dumps[report.after.snapshot] = world.dump()
    assert world.bench.export().snapshot is None
    assert world.bench.export(full=True).snapshot is None
    world.bench.check()
