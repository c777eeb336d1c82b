"""Exports of 50 changed rows, of none, and what a thousand of them leave behind."""

from __future__ import annotations

import os
import statistics
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitexport.api.export import ExportRequest, export
from gitexport.api.session import Settings
from tests.bench.data import CHANGED, MILLION, SMALL, WIDE, Data
from tests.bench.figures import Figure, seconds
from tests.bench.stand import Measure, Place, Stand

_ROUNDS = 7
_MANY = 1000
_KILOBYTE = 1000


class Silence:
    """Progress that nobody looks at."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Ignores a stage."""

    def advance(self, steps: int = 1) -> None:
        """Ignores steps."""

    def warn(self, message: str) -> None:
        """Ignores a warning."""

    def detail(self, message: str) -> None:
        """Ignores a detail."""


class InProcess:
    """Exports in this process, under a clock that steps by a second for each export.

    It starts after the last snapshot, which may be one of another such clock: ahead of time.
    """

    def __init__(self, stand: Stand, place: Place) -> None:
        last = float(stand.git(place.path, "log", "-1", "--format=%ct").output)
        self._now = max(datetime.now(UTC), datetime.fromtimestamp(last, UTC))
        self._settings = Settings(
            clock=lambda: self._now,
            progress=Silence(),
            environment=dict(os.environ),
            directory=place.path,
            dsn=place.dsn,
        )

    def export(self) -> float:
        """Exports as a fresh session, with a connection of its own; gives seconds."""
        self._now = max(datetime.now(UTC), self._now + timedelta(seconds=1))
        start = time.perf_counter()
        report = export(self._settings, ExportRequest()).report
        spent = time.perf_counter() - start
        if report.snapshot is None:
            message = "an export found nothing to commit"
            raise RuntimeError(message)
        return spent


def changed(stand: Stand) -> Iterator[Figure]:
    """Measures whole processes at 10,000 and at a million rows, in turns."""
    for is_bare, limit, what in ((False, 2.5, "working tree"), (True, 1.3, "bare")):
        small = stand.exported(SMALL, is_bare=is_bare)
        large = stand.exported(_large(stand), is_bare=is_bare)
        yield _ratio(stand, f"50 changed rows, {what}", small, large, limit, stand.change)
        if not is_bare:
            yield _ratio(stand, "nothing pending", small, large, 1.3, lambda _place: None)


def _ratio(  # noqa: PLR0913, PLR0917 - what is measured, where, and how
    stand: Stand,
    what: str,
    small: Place,
    large: Place,
    limit: float,
    prepare: Callable[[Place], None],
) -> Figure:
    times: dict[Data, list[float]] = {small.data: [], large.data: []}
    stages = ""
    for place in (small, large):
        # The first run after a mass update finds what that has left to the database.
        prepare(place)
        stand.export(place)
    for _ in range(stand.rounds(_ROUNDS)):
        for place in (small, large):
            prepare(place)
            done = stand.export(place)
            times[place.data].append(done.seconds)
            stages = done.stages
    ours, base = times[large.data], times[small.data]
    return Figure(
        f"{what}: {large.data.title} / {small.data.title}",
        statistics.median(ours) / statistics.median(base),
        limit,
        "x",
        note=f"{seconds(ours)} / {seconds(base)}; {stages}",
    )


def against_git(stand: Stand) -> Iterator[Figure]:
    """Measures an export in process against `git add` and `git commit` of the same files."""
    place = stand.exported(_large(stand))
    inside = InProcess(stand, place)
    ours: list[float] = []
    peers: list[float] = []
    for _ in range(stand.rounds(_ROUNDS)):
        # A run after people's git has written the index looks at it more closely.
        for times in ([], ours):
            place.execute(place.data.change())
            times.append(inside.export())
        peers.append(_add_and_commit(stand, place))
    ratio = statistics.median(peers) / statistics.median(ours)
    note = f"{seconds(peers)} / {seconds(ours)}"
    name = f"git add + git commit / export in process, 50 files of {place.data.rows:,}"
    yield Figure(name, ratio, 7, "x", is_least=True, note=note)


def _add_and_commit(stand: Stand, place: Place) -> float:
    listing = stand.git(place.path, "diff", "--name-only", "HEAD~1", "HEAD", "--", "data")
    names = listing.output.split()
    for name in names:
        (place.path / name).write_bytes((place.path / name).read_bytes() + b"\n")
    start = time.perf_counter()
    stand.git(place.path, "add", "--", *names)
    stand.git(place.path, "commit", "--quiet", "-m", "the same files")
    spent = time.perf_counter() - start
    stand.git(place.path, "reset", "--quiet", "--hard", "HEAD~1")
    return spent


def growth(stand: Stand) -> Iterator[Figure]:
    """Measures what a commit of 50 changed rows adds, at both ends of the scale."""
    place = stand.exported(WIDE)
    sizes, deflated = _added(stand, place)
    yield Figure(
        f"bytes added by 50 changed rows / their deflated size, {WIDE.title}",
        statistics.median(sizes) / statistics.median(deflated),
        2,
        "x",
        note=f"{statistics.median(sizes) / _KILOBYTE:.0f} kB for "
        f"{statistics.median(deflated) / _KILOBYTE:.0f} kB",
    )
    place = stand.exported(_large(stand))
    sizes, _ = _added(stand, place)
    name = f"added by 50 changed rows, {place.data.title}"
    yield Figure(name, statistics.median(sizes) / _KILOBYTE, 120, " kB")


def _added(stand: Stand, place: Place) -> tuple[Sequence[int], Sequence[int]]:
    inside = InProcess(stand, place)
    sizes, deflated = [], []
    for _ in range(3):
        place.execute(place.data.change())
        before = _object_bytes(place.path)
        inside.export()
        sizes.append(_object_bytes(place.path) - before)
        names = stand.git(place.path, "diff", "--name-only", "HEAD~1", "HEAD", "--", "data")
        files = [(place.path / name).read_bytes() for name in names.output.split()]
        if len(files) != CHANGED:
            message = f"{len(files)} files changed, not {CHANGED}"
            raise RuntimeError(message)
        deflated.append(sum(len(zlib.compress(content, 1)) for content in files))
    return sizes, deflated


def _object_bytes(path: Path) -> int:
    objects = path / ".git" / "objects"
    return sum(found.stat().st_size for found in objects.rglob("*") if found.is_file())


def many(stand: Stand) -> Iterator[Figure]:
    """Measures whether the thousandth incremental export costs more than the first."""
    place = stand.unexported(SMALL)
    stand.export(place)
    inside = InProcess(stand, place)
    times = []
    for number in range(stand.rounds(_MANY)):
        place.execute(place.data.change())
        if number % 100 == 0:
            # What a database does by itself, where it is not told otherwise.
            place.execute("VACUUM")
        times.append(inside.export())
    first, last = statistics.median(times[:10]), statistics.median(times[-10:])
    yield Figure(
        f"last ten of {len(times):,} incremental exports / first ten",
        last / first,
        1.2,
        "x",
        note=f"{last * 1000:.0f} ms / {first * 1000:.0f} ms, "
        f"slowest {max(times) * 1000:.0f} ms (joins packs)",
    )


def _large(stand: Stand) -> Data:
    return replace(MILLION, rows=100_000) if stand.is_quick else MILLION


MEASURES: dict[str, Measure] = {
    "incremental": changed,
    "git": against_git,
    "growth": growth,
    "many": many,
}
