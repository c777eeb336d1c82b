"""Lengths of time as people write them: `90s`, `10m`, `2h`, `1d`."""

from __future__ import annotations

import re
from datetime import timedelta

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,9})([smhdw])")
_MINUTES_FROM = 99.995
_STEPS = ((86400 * 2, 86400, "days"), (7200, 3600, "hours"), (120, 60, "minutes"))


def parse_duration(text: str) -> timedelta:
    """Reads the text of an option: a number with a unit, s, m, h, d or w.

    Raises:
        click.BadParameter: The text is not a length of time.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        message = f"'{text}' is not a length of time such as 90s, 10m, 2h or 1d"
        raise click.BadParameter(message)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def in_words(seconds: int) -> str:
    """Writes an age for people."""
    for least, unit, word in _STEPS:
        if seconds >= least:
            return f"{seconds // unit} {word}"
    return f"{seconds} seconds" if seconds != 1 else "1 second"


def spent(milliseconds: int) -> str:
    """Writes how long something took, for people."""
    seconds = milliseconds / 1000
    if seconds < _MINUTES_FROM:
        return f"{seconds:.2f} s"
    minutes = seconds / _UNITS["m"]
    return f"{minutes:.1f} min" if minutes < _MINUTES_FROM else f"{minutes / 60:.1f} h"
