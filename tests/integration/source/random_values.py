"""Random values of every kind, and a table that holds them and their arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence

import psycopg
from hypothesis import strategies as st
from psycopg import sql

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
DAYS = st.integers(-1_700_000, 2_000_000)
MICROSECONDS = st.integers(-(2**50), 2**53)


def _interval(months: int, days: int, microseconds: int) -> str:
    """Writes an interval as every server reads it: before 15, a number has 32 bits there."""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    hours, rest = divmod(seconds, 3600)
    sign = "-" if microseconds < 0 else ""
    time = f"{sign}{hours}:{rest // 60:02}:{rest % 60:02}.{fraction:06}"
    return f"{months} mons {days} days {time}"


_INTERVALS = st.builds(
    _interval,
    st.integers(-(2**31) + 1, 2**31 - 1),
    st.integers(-(2**31) + 1, 2**31 - 1),
    st.integers(-(2**62), 2**62),
)

COLUMNS: dict[str, tuple[str, st.SearchStrategy[str]]] = {
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
DATES = """
INSERT INTO things ("id", "o date", "p timestamp", "q timestamptz", "r range", "s time")
SELECT 2, date '2000-01-01' + %(day)s, timestamp '2000-01-01' + %(us)s * interval '1 microsecond',
       timestamptz '2000-01-01 00:00+00' + %(us)s * interval '1 microsecond',
       tstzrange('-infinity', timestamptz '2000-01-01' + %(us)s * interval '1 microsecond', '(]'),
       time '00:00' + %(us)s * interval '1 microsecond'
"""


def make_things(connection: psycopg.Connection) -> None:
    """Makes a table with a column of each kind, and one of its array."""
    columns = [f'"{name}" {kind}, "{name}[]" {kind}[]' for name, (kind, _) in COLUMNS.items()]
    dates = '"o date" date, "p timestamp" timestamp, "q timestamptz" timestamptz'
    connection.execute(
        f"CREATE TABLE things (id int PRIMARY KEY, {', '.join(columns)}, {dates},"
        ' "r range" tstzrange, "s time" time)'.encode()
    )


def insert(
    connection: psycopg.Connection,
    values: dict[str, str],
    others: dict[str, str],
    moment: tuple[int, int],
    *,
    without_arrays: Sequence[str] = (),
) -> None:
    """Writes one row of values and arrays, and one of a day and a time in microseconds."""
    cells = {name: sql.Literal(value) for name, value in values.items()} | {
        f"{name}[]": sql.SQL("ARRAY[{}, NULL, {}]::{}[]").format(
            sql.Literal(values[name]), sql.Literal(others[name]), sql.SQL(COLUMNS[name][0])
        )
        for name in values
        if name not in without_arrays
    }
    connection.execute(
        sql.SQL("INSERT INTO things (id, {}) VALUES (1, {})").format(
            sql.SQL(", ").join(map(sql.Identifier, cells)), sql.SQL(", ").join(cells.values())
        )
    )
    connection.execute(DATES, {"day": moment[0], "us": moment[1]})
