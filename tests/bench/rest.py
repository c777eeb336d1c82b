"""Acknowledging, starting, and what `git status` costs after an export."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from gitexport.config.parse import parse_config
from gitexport.model.entity import CONFIG_PATH, Entity, Publication
from gitexport.model.ports import Acknowledgement, RowQuery, RowScope
from gitexport.source.postgresql.source import PostgresSource
from tests.bench import processes
from tests.bench.data import MILLION, NARROW, WIDE
from tests.bench.figures import Figure, seconds
from tests.bench.stand import Measure, Place, Stand

_STARTS = 21
_BATCH = 10_000


def acknowledge(stand: Stand) -> Iterator[Figure]:
    """Measures acknowledging all rows against one UPDATE that sets the flag, in turns."""
    for data in (WIDE, NARROW):
        place = stand.unexported(data)
        ours, plain = [], []
        for _ in range(stand.rounds(5)):
            plain.append(_plain_update(place))
            _reset(place)
            ours.append(_acknowledgement(place))
            _reset(place)
        yield Figure(
            f"acknowledging {data.title} / one UPDATE of the flag",
            statistics.median(ours) / statistics.median(plain),
            1.3,
            "x",
            note=f"{seconds(ours)} / {seconds(plain)}",
        )


def _publication(place: Place) -> Publication:
    return parse_config((place.path / CONFIG_PATH).read_bytes())


def _acknowledgement(place: Place) -> float:
    publication = _publication(place)
    (entity,) = publication.entities
    source = PostgresSource(place.dsn)
    fence = source.begin(publication.repository_id, [entity])
    with source.view() as view:
        found = view.rows(entity, RowQuery(RowScope.ALL))
        rows = [Acknowledgement(row.key, row.version) for row in found]
    start = time.perf_counter()
    batches = _batches(entity, rows)
    done = source.acknowledge(publication.repository_id, fence, fence.tip, batches, {})
    spent = time.perf_counter() - start
    source.close()
    counts = done.counts
    if counts[entity.name].acknowledged != place.data.rows:
        message = f"acknowledged {counts[entity.name]}, not all rows"
        raise RuntimeError(message)
    return spent


def _batches(
    entity: Entity, rows: list[Acknowledgement]
) -> Iterator[tuple[Entity, list[Acknowledgement]]]:
    for start in range(0, len(rows), _BATCH):
        yield entity, rows[start : start + _BATCH]


def _plain_update(place: Place) -> float:
    with psycopg.connect(place.dsn) as connection:
        # Without this, the trigger that notices changes would take the flag back.
        connection.execute("SET LOCAL gitexport.ack = '1'")
        start = time.perf_counter()
        connection.execute(f"UPDATE {place.data.table} SET json_exported = TRUE".encode())
        connection.commit()
        return time.perf_counter() - start


def _reset(place: Place) -> None:
    place.execute(f"UPDATE {place.data.table} SET json_exported = FALSE", "VACUUM", "CHECKPOINT")


def start(stand: Stand) -> Iterator[Figure]:
    """Measures `gitexport --version` against an interpreter that does nothing."""
    commands = {
        "ours": [sys.executable, "-m", "gitexport", "--version"],
        "empty": [sys.executable, "-c", "pass"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(stand.rounds(_STARTS)):
        for name, command in commands.items():
            times[name].append(processes.run(command, stand.environment).seconds)
    ours, empty = times["ours"], times["empty"]
    ratio = statistics.median(ours) / statistics.median(empty)
    note = f"{statistics.median(ours) * 1000:.0f} ms / {statistics.median(empty) * 1000:.0f} ms"
    yield Figure("gitexport --version / python -c pass", ratio, 5, "x", note=note)


def status(stand: Stand) -> Iterator[Figure]:
    """Measures the second `git status` after an export against that after `git reset --hard`."""
    for data in (WIDE, NARROW) if stand.is_quick else (WIDE, NARROW, MILLION):
        place = stand.exported(data)
        ours, theirs = [], []
        for _ in range(stand.rounds(6)):
            ours.append(_second_status(stand, place.path))
            stand.git(place.path, "reset", "--quiet", "--hard")
            theirs.append(_second_status(stand, place.path))
            stand.change(place)
            stand.export(place)
        yield Figure(
            f"git status after an export / after git reset --hard, {data.title}",
            statistics.median(ours) / statistics.median(theirs),
            1.5,
            "x",
            note=f"{seconds(ours)} / {seconds(theirs)}",
        )


def _second_status(stand: Stand, path: Path) -> float:
    for _ in range(2):
        done = stand.git(path, "status", "--short")
        if done.output:
            message = f"'git status' finds changes:\n{done.output[:500]}"
            raise RuntimeError(message)
    return done.seconds


MEASURES: dict[str, Measure] = {
    "acknowledge": acknowledge,
    "start": start,
    "status": status,
}
