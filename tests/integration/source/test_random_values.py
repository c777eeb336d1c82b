"""Random values of every kind read as `row_to_json` writes them, and restore to equal rows."""

from __future__ import annotations

import json

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from gitexport.source.postgresql.view import open_view
from tests.integration.source.reading import documents, entity_of, oracle

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
_JSON = (
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**30), 10**30)
        | st.decimals(allow_nan=False).map(
            lambda number: float(number) if abs(number) < 10**300 else 1
        )
        | _TEXT,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
        max_leaves=12,
    )
    .filter(lambda value: value is not None)
    .map(json.dumps)
)
_FLOATS = st.floats(allow_subnormal=True).map(repr)
_FLOATS_32 = st.floats(width=32).map(repr)
_DIGITS = st.from_regex(r"-?[0-9]{1,60}(\.[0-9]{0,40})?", fullmatch=True)
_DAYS = st.integers(-1_700_000, 2_000_000)
_MICROSECONDS = st.integers(-(2**50), 2**53)
_INTERVALS = st.tuples(
    st.integers(-(2**31) + 1, 2**31 - 1), st.integers(-(2**31) + 1, 2**31 - 1),
    st.integers(-(2**62), 2**62),
).map(lambda parts: f"{parts[0]} mons {parts[1]} days {parts[2]} microseconds")  # fmt: skip

_COLUMNS: dict[str, tuple[str, st.SearchStrategy[str]]] = {
    "a text": ("text", _TEXT),
    "b numeric": ("numeric", _DIGITS),
    "c float8": ("float8", _FLOATS),
    "d float4": ("float4", _FLOATS_32),
    "f int8": ("int8", st.integers(-(2**63), 2**63 - 1).map(str)),
    "g bytea": ("bytea", st.binary(max_size=20).map(lambda data: "\\x" + data.hex())),
    "h interval": ("interval", _INTERVALS),
    "i uuid": ("uuid", st.uuids().map(str)),
    "j bit": ("varbit", st.from_regex("[01]{0,40}", fullmatch=True)),
    "k money": ("money", st.integers(-(2**62), 2**62).map(lambda cents: f"{cents / 100:.2f}")),
    "l inet": ("inet", st.ip_addresses().map(str)),
    "m bpchar": ("character(20)", _TEXT.map(lambda text: text[:20])),
    "n point": ("point", st.tuples(_FLOATS, _FLOATS).map(lambda at: f"({at[0]},{at[1]})")),
    "e jsonb": ("jsonb", _JSON),
}
_DATES = """
INSERT INTO things ("id", "o date", "p timestamp", "q timestamptz", "r range", "s time")
SELECT 2, date '2000-01-01' + %(day)s, timestamp '2000-01-01' + %(us)s * interval '1 microsecond',
       timestamptz '2000-01-01 00:00+00' + %(us)s * interval '1 microsecond',
       tstzrange('-infinity', timestamptz '2000-01-01' + %(us)s * interval '1 microsecond', '(]'),
       time '00:00' + %(us)s * interval '1 microsecond'
"""


@pytest.fixture
def things(connection: psycopg.Connection) -> psycopg.Connection:
    """A table with a column of each kind, and one of its array."""
    columns = [f'"{name}" {kind}, "{name}[]" {kind}[]' for name, (kind, _) in _COLUMNS.items()]
    dates = '"o date" date, "p timestamp" timestamp, "q timestamptz" timestamptz'
    connection.execute(
        f"CREATE TABLE things (id int PRIMARY KEY, {', '.join(columns)}, {dates},"
        ' "r range" tstzrange, "s time" time)'.encode()
    )
    connection.execute("SET synchronous_commit = off")
    return connection


@settings(max_examples=40)
@given(
    values=st.fixed_dictionaries({name: kind[1] for name, kind in _COLUMNS.items()}),
    others=st.fixed_dictionaries({name: kind[1] for name, kind in _COLUMNS.items()}),
    day=_DAYS,
    us=_MICROSECONDS,
)
def test_random_values_read_and_restore(
    things: psycopg.Connection, values: dict[str, str], others: dict[str, str], day: int, us: int
) -> None:
    connection = things
    connection.execute("TRUNCATE things")
    # `json_populate_record` cannot read a list as an element of jsonb[].
    cells = {name: sql.Literal(value) for name, value in values.items()} | {
        f"{name}[]": sql.SQL("ARRAY[{}, NULL, {}]::{}[]").format(
            sql.Literal(values[name]), sql.Literal(others[name]), sql.SQL(_COLUMNS[name][0])
        )
        for name in values
        if name != "e jsonb"
    }
    connection.execute(
        sql.SQL("INSERT INTO things (id, {}) VALUES (1, {})").format(
            sql.SQL(", ").join(map(sql.Identifier, cells)), sql.SQL(", ").join(cells.values())
        )
    )
    connection.execute(_DATES, {"day": day, "us": us})
    entity = entity_of("public.things")
    with open_view(connection) as view:
        assert documents(view, entity) == oracle(connection, entity)
    restored = connection.execute(
        "SELECT count(*) FROM things t WHERE"
        " json_populate_record(NULL::things, row_to_json(t.*)) *= t"
    ).fetchone()
    assert restored == (2,)
