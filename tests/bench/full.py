"""Full exports against what git and plain writes need for the same files; memory and a shell."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.bench import processes
from tests.bench.data import MILLION, NARROW, WIDE, Data
from tests.bench.figures import Figure, seconds
from tests.bench.peers import fast_import, plain_files, write_stream
from tests.bench.stand import Export, Measure, Place, Stand

_LIMITS = {WIDE: 0.55, NARROW: 0.70, MILLION: 0.95}
_ROUNDS = {WIDE: 5, NARROW: 3, MILLION: 2}
_LARGEST_PROCESS_MB = 400
_BIG_ROW_BYTES = 100_000_000
_SHELL_ROWS = 100
_BIG = f"""
CREATE TABLE notes (note_id integer PRIMARY KEY, body text);
INSERT INTO notes SELECT n, 'note ' || n FROM generate_series(1, 1000) AS n;
INSERT INTO notes VALUES (1001, repeat('x', {_BIG_ROW_BYTES}))
"""


def full(stand: Stand, data: Data) -> Iterator[Figure]:
    """Measures first exports into a working tree, and their peers, in turns."""
    exports: list[Export] = []
    imports: list[float] = []
    writes: list[float] = []
    stream: Path | None = None
    for _ in range(stand.rounds(_ROUNDS[data])):
        place = stand.unexported(data)
        exports.append(stand.export(place))
        stand.keep(place)
        stream = stream or write_stream(place, stand.fresh("stream"))
        imports.append(fast_import(stand, stream))
        writes.append(plain_files(stand, stream))
    to_tag = [export.seconds_to_tag for export in exports]
    yield Figure(
        f"full export, {data.title}, up to the tag / (fast-import + files)",
        statistics.median(to_tag) / (statistics.median(imports) + statistics.median(writes)),
        _LIMITS[data],
        note=f"export {seconds(to_tag)}; fast-import {seconds(imports)}; files {seconds(writes)}",
    )
    whole = [export.seconds for export in exports]
    yield Figure(
        f"the same, with acknowledgement and working tree, {data.title}",
        statistics.median(whole),
        unit=" s",
        note=exports[-1].stages,
    )
    yield Figure(
        f"largest process, {data.title}",
        max(export.process.peak_mb for export in exports),
        _LARGEST_PROCESS_MB,
        " MB",
    )


def shell(stand: Stand) -> Iterator[Figure]:
    """Measures a row of a full export against one pass of a shell loop: three calls of psql."""
    loops, exports = [], []
    for _ in range(stand.rounds(3)):
        loops.append(_shell_loop(stand, stand.unexported(WIDE).dsn) / _SHELL_ROWS)
        place = stand.unexported(WIDE)
        exports.append(stand.export(place).seconds / WIDE.rows)
    row, ours = statistics.median(loops), statistics.median(exports)
    yield Figure(
        "a row in a shell loop / in an export (wide)",
        row / ours,
        500,
        "x",
        is_least=True,
        note=f"{row * 1000:.0f} ms against {ours * 1000:.3f} ms a row",
    )


def _shell_loop(stand: Stand, dsn: str) -> float:
    """Runs the body of the loop: is there a row, its JSON into a file, its flag."""
    target = stand.fresh("shell")
    target.mkdir()
    script = f"""
set -eu
for id in $(psql "$DSN" -Atqc "SELECT user_id FROM {WIDE.table} LIMIT {_SHELL_ROWS}"); do
  there=$(psql "$DSN" -Atqc "SELECT count(*) FROM {WIDE.table} WHERE user_id = $id")
  [ "$there" -gt 0 ] || continue
  psql "$DSN" -Atqc "SELECT row_to_json(t) FROM {WIDE.table} t WHERE user_id = $id" > "$id.json"
  psql "$DSN" -Atqc "UPDATE {WIDE.table} SET json_exported = TRUE WHERE user_id = $id"
done
"""
    environment = {**stand.environment, "DSN": dsn}
    return processes.run(["sh", "-c", script], environment, directory=target).seconds


def big_row(stand: Stand) -> Iterator[Figure]:
    """Exports a table in which one row of 100 MB has to fail alone."""
    place = Place(NARROW, *stand.empty("big"))
    place.execute(*_BIG.split(";"))
    stand.gitexport(place, "init", str(place.path), "--table", "public.notes")
    stand.gitexport(place, "track")
    # Exit code 3: done, but something was quarantined.
    export = stand.export(place, expected=3)
    counts = export.report["entities"]["notes"]
    failed = len(counts["quarantined"])
    yield Figure(
        "rows lost beside a row of 100 MB",
        float(1000 - counts["added"] + failed - 1),
        0,
        note=f"{counts['added']} exported, {failed} refused, {export.process.peak_mb:.0f} MB",
    )


MEASURES: dict[str, Measure] = {
    "full-wide": partial(full, data=WIDE),
    "full-narrow": partial(full, data=NARROW),
    "full-million": partial(full, data=MILLION),
    "shell": shell,
    "big-row": big_row,
}
