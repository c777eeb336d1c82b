"""`init` tells which columns look private whatever their rows hold, or makes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gitexport.api.init import InitOptions, init
from gitexport.api.session import Settings
from gitexport.errors import ConnectionFailedError, HeadMovedError
from gitexport.setup.init import InitReport
from tests.fixtures.workbench import RecordingProgress, SteppingClock

LOOKING = "look for private data"
USERS = """
CREATE TABLE users (id int PRIMARY KEY, password text, reach text);
INSERT INTO users VALUES (1, 'x', 'ada@example.org')
"""
Init = Callable[..., InitReport]


@pytest.fixture
def init_from(repository_path: Path) -> Init:
    """Runs init on a database; `meanwhile` runs just before rows are looked at."""

    def run(dsn: str, meanwhile: Callable[[], object] = lambda: None) -> InitReport:
        progress = RecordingProgress(hooks={LOOKING: meanwhile})
        settings = Settings(SteppingClock(), progress, {}, repository_path, dsn)
        return init(settings, InitOptions())

    return run


def _found(report: InitReport) -> dict[str, str]:
    return {column.finding.column: column.finding.by for column in report.private}


def test_bytes_that_are_no_text_hide_nothing(ascii_database: str, init_from: Init) -> None:
    with psycopg.connect(
        make_conninfo(ascii_database, client_encoding="SQL_ASCII"), autocommit=True
    ) as connection:
        connection.execute(USERS)
        connection.execute(b"INSERT INTO users VALUES (2, 'caf\xe9', 'caf\xe9'), (3, NULL, NULL)")
        # A thousand bytes end within a character.
        connection.execute("CREATE TABLE long (id int PRIMARY KEY, word text)")
        connection.execute("INSERT INTO long VALUES (1, 'a' || repeat('é', 1000))".encode())

    report = init_from(ascii_database)

    assert _found(report) == {"password": "by name", "reach": "by content"}
    assert report.warnings == []
    assert report.exit_code == 0


def test_rows_that_cannot_be_read_leave_the_names(
    connection: psycopg.Connection, database: str, init_from: Init
) -> None:
    connection.execute(USERS)
    connection.execute('CREATE ROLE "looks at nothing" LOGIN')
    try:
        report = init_from(make_conninfo(database, user="looks at nothing"))
    finally:
        connection.execute('DROP ROLE "looks at nothing"')

    assert _found(report) == {"password": "by name"}
    (warning,) = report.warnings
    assert warning == (
        "no row of public.users could be looked at, so only the names of its columns tell what "
        "is private: the database refused: permission denied for table users (grant the role "
        "SELECT on the table and USAGE on its schema)"
    )
    assert report.exit_code == 0


def test_nothing_is_made_where_the_look_is_interrupted(
    connection: psycopg.Connection, database: str, init_from: Init, repository_path: Path
) -> None:
    connection.execute(USERS)

    with pytest.raises(ConnectionFailedError):
        init_from(
            database,
            lambda: connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ),
        )

    assert not repository_path.exists()
    assert _found(init_from(database)) == {"password": "by name", "reach": "by content"}


def test_edits_made_meanwhile_are_not_written_over(
    connection: psycopg.Connection, database: str, init_from: Init, repository_path: Path
) -> None:
    connection.execute("CREATE TABLE first (id int PRIMARY KEY)")
    init_from(database)
    connection.execute(USERS)
    config = repository_path / "gitexport.toml"
    edited = "# mine\n" + config.read_text()

    with pytest.raises(HeadMovedError, match="was changed while init"):
        init_from(database, lambda: config.write_text(edited))

    assert config.read_text() == edited
    assert _found(init_from(database)) == {"password": "by name", "reach": "by content"}
