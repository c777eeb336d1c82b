"""Imports into an empty copy, against what PostgreSQL itself needs for the same documents."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql

from tests.bench.data import NARROW, Data
from tests.bench.figures import Figure, seconds
from tests.bench.processes import Finished
from tests.bench.stand import Measure, Place, Stand

_ROUNDS = 3
_LARGEST_PROCESS_MB = 200
_BLOCK = 1 << 20
_STAGING = "CREATE TEMP TABLE staging (document json) ON COMMIT DROP"


def documents(stand: Stand) -> Iterator[Figure]:
    """Measures `import --mode upsert` as whole processes, and its peers, in turns."""
    data = replace(NARROW, rows=20_000) if stand.is_quick else NARROW
    place = stand.exported(data)
    escaped, plain = stand.fresh("documents"), stand.fresh("rows")
    _write_documents(place, escaped)
    _copy_out(place, plain)
    ours: list[Finished] = []
    staged: list[float] = []
    copied: list[float] = []
    for _ in range(stand.rounds(_ROUNDS)):
        ours.append(_import(stand, place, _empty_copy(stand, place)))
        staged.append(_stage_and_insert(_empty_copy(stand, place), data, escaped))
        copied.append(_copy_in(_empty_copy(stand, place), data, plain))
    times = [done.seconds for done in ours]
    note = f"import {seconds(times)}; staging {seconds(staged)}; COPY {seconds(copied)}"
    middle = statistics.median(times)
    yield Figure(
        f"import {data.title} / COPY of documents and INSERT … SELECT",
        middle / statistics.median(staged),
        2,
        "x",
        note=note,
    )
    yield Figure(f"import {data.title} / plain COPY", middle / statistics.median(copied), 6, "x")
    yield Figure(
        f"largest process, import of {data.title}",
        max(done.peak_mb for done in ours),
        _LARGEST_PROCESS_MB,
        " MB",
    )


def _empty_copy(stand: Stand, place: Place) -> str:
    """Makes a database with the same tables and no rows, and no tracking."""
    dsn, _ = stand.empty(f"copy_{stand.fresh('copy').name.partition('-')[0]}")
    table = place.data.statements()[0].partition(";")[0]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(table.encode())
    return dsn


def _import(stand: Stand, place: Place, dsn: str) -> Finished:
    there = replace(place, dsn=dsn)
    done = stand.gitexport(
        there, "import", str(place.path), "--mode", "upsert", "--yes", "-q", "-o", "json"
    )
    start = done.output.index('{"format":"gitexport.import')
    report = json.JSONDecoder().raw_decode(done.output, start)[0]
    inserted = report["entities"][place.data.entity]["inserted"]
    if inserted != place.data.rows:
        message = f"an import brought {inserted} rows"
        raise RuntimeError(message)
    return done


def _write_documents(place: Place, path: Path) -> None:
    """Writes the documents as COPY reads them, a line for each."""
    with path.open("wb") as stream:
        for file in sorted((place.path / "data").rglob("*.json")):
            line = file.read_bytes().replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
            stream.write(line + b"\n")


def _copy_out(place: Place, path: Path) -> None:
    with psycopg.connect(place.dsn) as connection, path.open("wb") as stream:
        columns = _columns(connection, place.data)
        statement = sql.SQL("COPY {} ({}) TO STDOUT").format(_table(place.data), columns)
        with connection.cursor().copy(statement) as copy:
            for block in copy:
                stream.write(block)


def _stage_and_insert(dsn: str, data: Data, path: Path) -> float:
    start = time.perf_counter()
    with psycopg.connect(dsn) as connection:
        connection.execute(_STAGING)
        _feed(connection, sql.SQL("COPY staging FROM STDIN"), path)
        connection.execute(
            sql.SQL(
                "INSERT INTO {table} SELECT (json_populate_record(NULL::{table}, document)).*"
                " FROM staging"
            ).format(table=_table(data))
        )
    return time.perf_counter() - start


def _copy_in(dsn: str, data: Data, path: Path) -> float:
    start = time.perf_counter()
    with psycopg.connect(dsn) as connection:
        columns = _columns(connection, data)
        _feed(connection, sql.SQL("COPY {} ({}) FROM STDIN").format(_table(data), columns), path)
    return time.perf_counter() - start


def _feed(
    connection: psycopg.Connection[tuple[object, ...]],
    statement: sql.SQL | sql.Composed,
    path: Path,
) -> None:
    with connection.cursor().copy(statement) as copy, path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            copy.write(block)


def _table(data: Data) -> sql.Identifier:
    return sql.Identifier(*data.table.split("."))


def _columns(connection: psycopg.Connection[tuple[object, ...]], data: Data) -> sql.Composable:
    rows = connection.execute(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attname <> 'json_exported' ORDER BY attnum",
        [data.table],
    )
    return sql.SQL(", ").join(sql.Identifier(str(name)) for (name,) in rows)


MEASURES: dict[str, Measure] = {"import": documents}
