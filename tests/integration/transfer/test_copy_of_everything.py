"""An archive alone becomes a database like the one it was made from: tables, values, numbers."""

from __future__ import annotations

from pathlib import Path

import psycopg

from gitexport.model.relation import Relation
from tests.integration.source.creating import SCHEMA, as_known, read
from tests.integration.transfer.conftest import Transfer

ROWS = """
INSERT INTO "Ünï""x"."Table" ("select", pair, code, codes, span, spans, many, store, name, path,
    number, day)
  SELECT 'text ' || n, ROW('abc', '{sad,"it''s"}', n + 0.10)::dwh.pair, 'code', '{a,b}',
         dwh.span(n, n + 0.5), ARRAY[dwh.span(n, NULL)], dwh.span_multirange(dwh.span(1, 2)),
         ext.hstore('k', 'v ' || n), 'Name ' || n, '{Top.Science}', n * 3, int4range(n, n + 1)
    FROM generate_series(1, 20) AS n;
INSERT INTO dwh.countries (code) SELECT chr(64 + n) || 'X' FROM generate_series(1, 20) AS n;
INSERT INTO dwh.cities (country, twin) SELECT n, NULL FROM generate_series(1, 20) AS n;
UPDATE dwh.cities SET twin = 21 - id; UPDATE dwh.countries SET capital = id;
INSERT INTO dwh.lines SELECT n, 'line; ' || n, n FROM generate_series(1, 9) AS n;
INSERT INTO dwh.notes SELECT a, a, b, 'AX' FROM dwh.lines;
INSERT INTO dwh.split SELECT n, (ARRAY['x', 'it''s; --', 'other'])[1 + n % 3]
  FROM generate_series(1, 30) AS n;
INSERT INTO dwh.hashed SELECT generate_series(1, 30);
INSERT INTO dwh.of_split SELECT n, id, k FROM dwh.split, LATERAL (SELECT id) AS s(n);
DELETE FROM dwh.of_split WHERE id % 4 = 0; DELETE FROM "Ünï""x"."Table" WHERE number % 2 = 0;
"""
TABLES = (
    '"Ünï""x"."Table"',
    "dwh.countries",
    "dwh.cities",
    "dwh.lines",
    "dwh.notes",
    "dwh.split",
    "dwh.hashed",
    "dwh.of_split",
)


def described(connection: psycopg.Connection) -> list[Relation]:
    """Reads the catalog, without the flags of tracking."""
    return [
        relation._replace(
            columns=tuple(column for column in relation.columns if column.name != "json_exported"),
        )
        for relation in read(connection)
    ]


def test_archive_alone_becomes_the_database(transfer: Transfer, tmp_path: Path) -> None:
    known = (as_known(transfer.source.connection, script) for script in (SCHEMA, ROWS))
    transfer.source.sql(*known)
    transfer.snapshot()
    archive = tmp_path / "s.tar.gz"
    assert transfer.run("archive", "latest", "-f", str(archive)).code == 0

    report = transfer.loaded("--mode", "upsert", "--create", source=str(archive))

    assert report["notes"] == []
    assert transfer.target.dump(*TABLES) == transfer.source.dump(*TABLES)
    assert described(transfer.target.connection) == described(transfer.source.connection)
    compared = transfer.plainly(
        *("-C", str(transfer.path), "--dsn", transfer.target.dsn),
        *("compare", "latest", "@database", "--exit-code"),
    )
    assert compared.code == 0, compared.out + compared.err
    # New rows go on where the old ones end, in steps of the same size.
    highest = transfer.target.value('SELECT max(id) FROM "Ünï""x"."Table"')
    new = 'INSERT INTO "Ünï""x"."Table" ("select") VALUES (\'new\') RETURNING id'
    assert transfer.target.value(new) == highest + 10
