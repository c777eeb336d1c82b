"""What must not be read anywhere: the password, and values of rows where they are no data."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gitexport.embedded import EmbeddedServer
from tests.faults.outside import CHANGE, TABLES, Outside, publish
from tests.fixtures.repositories import git

PASSWORD = "canary-9f2c-p@ss/w%rd"  # noqa: S105 - this is what is looked for
VALUE = "canary-value-77aa"
_ACCESS = "local all postgres trust\nlocal all all scram-sha-256\n"


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """A server that asks the role `publisher` for its password."""
    with EmbeddedServer.start() as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(
                f"CREATE ROLE publisher LOGIN SUPERUSER PASSWORD '{PASSWORD}'".encode()
            )
            (server.data_directory / "pg_hba.conf").write_text(_ACCESS)
            connection.execute("SELECT pg_reload_conf()")
        yield make_conninfo(server.dsn(), user="publisher")


@pytest.fixture
def published(guarded: str, repository_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outside:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    made = Outside(guarded, repository_path)
    made.sql("DROP SCHEMA IF EXISTS gitexport CASCADE; DROP TABLE IF EXISTS users, orders")
    made.sql(TABLES)
    publish(made)
    made.sql(CHANGE)
    return made


def everything(path: Path) -> bytes:
    """Gives all bytes below a directory, and all objects of its repository unpacked."""
    files = [found.read_bytes() for found in path.rglob("*") if found.is_file()]
    objects = ["cat-file", "--batch-all-objects", "--batch", "--buffer"]
    unpacked = subprocess.run(["git", "-C", path, *objects], capture_output=True, check=True)
    return b"\0".join([*files, unpacked.stdout])


def test_right_password_is_written_nowhere(published: Outside, tmp_path: Path) -> None:
    log = tmp_path / "log"
    dsn = make_conninfo(published.dsn, password=PASSWORD)

    runs = [
        published.run("--dsn", dsn, "-v", "--log-file", log, *command)
        for command in (["init"], ["track"], ["export"], ["status"], ["export", "-o", "json"])
    ]

    said = "".join(ended.out + ended.err for ended in runs) + log.read_text()
    assert [ended.code for ended in runs] == [0] * 5, said
    assert PASSWORD not in said
    assert PASSWORD.encode() not in everything(published.path)
    assert "canary" not in git(published.path, "config", "--list")


@pytest.mark.parametrize(
    "shape",
    [
        "{dsn} password=canary-wrong",
        "{dsn} password='canary wrong",
        "postgresql://publisher:canary-w@ong@localhost/postgres",
        "postgresql://publisher:canary%zz@localhost/postgres",
        "canary-wrong",
        "host=/nowhere password=canary-wrong dbname=x",
    ],
)
def test_wrong_password_is_never_shown(published: Outside, tmp_path: Path, shape: str) -> None:
    log = tmp_path / "log"
    dsn = shape.format(dsn=published.dsn)

    text = published.run("--dsn", dsn, "--log-file", log, "export")
    as_json = published.run("--dsn", dsn, "-o", "json", "-v", "export")

    assert (text.code, as_json.code) == (8, 8), text.err
    said = text.out + text.err + as_json.out + as_json.err + log.read_text()
    assert "canary" not in said
    assert as_json.error["hint"]
    assert b"canary" not in everything(published.path)


def test_wrong_password_is_said_to_be_wrong(published: Outside) -> None:
    error = published.failed(8, env={"PGPASSWORD": "canary-wrong"})

    assert error["error"] == "cannot connect to the database: the password is wrong or missing"
    assert "PGPASSWORD" in error["hint"]


def test_values_of_rows_are_in_no_message(outside: Outside, tmp_path: Path) -> None:
    log = tmp_path / "log"
    outside.sql("ALTER TABLE users ALTER note TYPE json USING to_json(note)")
    outside.sql(f"""UPDATE users SET note = '{{"a": "{VALUE}", "a": 2}}' WHERE id = 9""")
    outside.sql(f"""UPDATE users SET note = '["{VALUE}"]' WHERE id = 10""")

    refused = outside.run("export", "-v", "--log-file", log)
    strict = outside.run("export", "-v", "--strict", "--log-file", log)

    assert (refused.code, strict.code) == (3, 3), refused.err
    said = refused.out + refused.err + strict.out + strict.err + log.read_text()
    assert "users:9" in said
    assert VALUE not in said
    assert VALUE not in git(outside.path, "log", "--format=%B")
    assert VALUE not in "".join(
        path.read_text(errors="replace")
        for path in (outside.path / ".git/gitexport").rglob("*")
        if path.is_file()
    )
