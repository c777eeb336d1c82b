"""Restores of a thousand changed rows into the database, at both ends of the scale."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from tests.bench.data import MILLION, SMALL, Data
from tests.bench.figures import Figure, seconds
from tests.bench.stand import Measure, Place, Stand

_CHANGED = 1000
_ROUNDS = 5


def rows(stand: Stand) -> Iterator[Figure]:
    """Measures `restore latest~1 --database` as whole processes, in turns."""
    large_data = replace(MILLION, rows=100_000) if stand.is_quick else MILLION
    small, large = stand.exported(SMALL), stand.exported(large_data)
    times: dict[Data, list[float]] = {small.data: [], large.data: []}
    for place in (small, large):
        # The first run after a mass update finds what that has left to the database.
        _restore(stand, place)
    for _ in range(stand.rounds(_ROUNDS)):
        for place in (small, large):
            times[place.data].append(_restore(stand, place))
    ours, base = times[large.data], times[small.data]
    yield Figure(
        f"restore {_CHANGED:,} changed rows: {large.data.title} / {small.data.title}",
        statistics.median(ours) / statistics.median(base),
        2,
        "x",
        note=f"{seconds(ours)} / {seconds(base)}",
    )


def _restore(stand: Stand, place: Place) -> float:
    place.execute(place.data.change(_CHANGED))
    stand.export(place)
    time.sleep(1.1)
    arguments = ("restore", "latest~1", "--database", "--yes", "-q", "-o", "json")
    done = stand.gitexport(place, *arguments)
    start = done.output.index('{"format":"gitexport.restore')
    report = json.JSONDecoder().raw_decode(done.output, start)[0]
    counts = report["rows"][place.data.entity]
    if counts != {"inserted": 0, "updated": _CHANGED, "deleted": 0}:
        message = f"a restore did something else: {counts}"
        raise RuntimeError(message)
    time.sleep(1.1)
    return done.seconds


MEASURES: dict[str, Measure] = {"restore": rows}
