"""Gives the SQL of the demo's sample database: datamarts like those of an analytics site.

The text is for a new, empty database. Rows are made inside the server, set by set, and each
value follows from its row's number, so that two machines get the same documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files

COUNTRIES = 200
USERS = 10_000
_LARGEST = 10_000_000
_BRACES = re.compile(r"\{(\w+)((?: \d+)*)\}")


def schema_sql() -> str:
    """Gives the statements that make the schema `dwh` and its tables."""
    return _read("schema.sql")


def fill_sql(rows: int = USERS) -> str:
    """Gives the statements that fill the tables with `rows` users and 200 countries.

    Raises:
        ValueError: The number is not between 1 and ten million.
    """
    numbers = {"users": _number(rows), "countries": str(COUNTRIES)}
    return _BRACES.sub(lambda found: numbers.get(found[1]) or _repeated(found), _read("fill.sql"))


def change_sql(count: int = 50) -> str:
    """Gives the statement that changes the counters of `count` users, and nothing else.

    Raises:
        ValueError: The number is not between 1 and ten million.
    """
    return _read("change.sql").replace("{users}", _number(count))


def _repeated(found: re.Match[str]) -> str:
    """Writes out an expression that fill.sql names in braces."""
    return _EXPRESSIONS[found[1]](*map(int, found[2].split()))


def _numbers(salt: int, count: int) -> str:
    return f"ARRAY[{', '.join(_dice(salt + place, 23) for place in range(count))}]"


def _activity() -> str:
    years = (
        f"'{year}', jsonb_build_object('open', {_dice(year, 97)}, 'closed', {_dice(year + 50, 89)})"
        for year in range(2013, 2025)
    )
    return f"jsonb_build_object({', '.join(years)})"


def _dates(salt: int) -> str:
    days = (
        f"jsonb_build_object('date', date '2015-01-01' + {_dice(salt + place, 3600)},"
        f" 'quantity', {40 - 3 * place})"
        for place in range(4)
    )
    return f"jsonb_build_array({', '.join(days)})"


def _places(salt: int) -> str:
    places = (
        f"jsonb_build_object('rank', {place + 1},"
        f" 'country', 'Country ' || 1 + {_dice(salt + place, COUNTRIES)},"
        f" 'quantity', {90 - 7 * place})"
        for place in range(4)
    )
    return f"jsonb_build_array({', '.join(places)})"


def _dice(salt: int, sides: int) -> str:
    return f"pg_temp.dice(n, {salt}, {sides})"


_EXPRESSIONS: dict[str, Callable[..., str]] = {
    "numbers": _numbers,
    "activity": _activity,
    "dates": _dates,
    "places": _places,
}


def _read(name: str) -> str:
    return files("gitexport.setup").joinpath("sample_data", name).read_text(encoding="utf-8")


def _number(value: int) -> str:
    if not 1 <= value <= _LARGEST:
        message = f"{value} is not between 1 and {_LARGEST}"
        raise ValueError(message)
    return str(int(value))
