"""The line that tells of files and database at different snapshots."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.git.person import attempt
from tests.cli.program import Program
from tests.fixtures.repositories import git


@pytest.fixture
def patient(tmp_path: Path) -> str:
    """A gitexport for hooks that waits longer than people do."""
    program = tmp_path / "patient"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitexport "$@" --within 60\n')
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def tags(data: Program, hooked: Path, shop: str) -> tuple[str, str]:
    """Two snapshots, the second of which the database was acknowledged at."""
    first = git(hooked, "tag")
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("UPDATE shop.customers SET name = 'Ada' WHERE id = 7")
    return first, str(data.done("export", "-o", "json").json["snapshot"])


def said(path: Path, dsn: str, program: str, *arguments: str) -> list[str]:
    """Runs git, which has to succeed, and gives what gitexport said."""
    done = attempt(path, *arguments, GITEXPORT_DSN=dsn, GITEXPORT=program)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if "gitexport" in line]


def test_checkout_of_an_older_snapshot_says_how_they_come_together(
    hooked: Path, shop: str, patient: str, tags: tuple[str, str]
) -> None:
    (line,) = said(hooked, shop, patient, "checkout", "-q", tags[0])

    assert line == (
        f"gitexport: the files are at {tags[0]}, the database was acknowledged at {tags[1]}; "
        f"'gitexport restore {tags[0]} --database' brings the database to the files"
    )
    assert said(hooked, shop, patient, "checkout", "-q", "main") == []


def test_merge_that_brings_snapshots_names_export(
    data: Program, hooked: Path, shop: str, patient: str, tags: tuple[str, str]
) -> None:
    with psycopg.connect(shop, autocommit=True) as connection:
        connection.execute("UPDATE shop.customers SET name = 'Eve' WHERE id = 7")
    review = data.done("export", "--branch", "review", "-o", "json").json["snapshot"]

    (line,) = said(hooked, shop, patient, "merge", "-q", "--ff-only", "review")

    assert line == (
        f"gitexport: the files are at {review}, the database was acknowledged at {tags[1]}; "
        "'gitexport export' brings the files to the database"
    )


def test_nothing_is_said_of_files_and_of_branches_at_the_same_snapshot(
    hooked: Path, shop: str, patient: str, tags: tuple[str, str]
) -> None:
    del tags
    assert said(hooked, shop, patient, "checkout", "-q", "-b", "mine") == []
    git(hooked, "commit", "-q", "--allow-empty", "-m", "mine")
    assert said(hooked, shop, patient, "checkout", "-q", "main") == []
    assert said(hooked, shop, patient, "checkout", "-q", "HEAD~", "--", "README.md") == []


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The connection string of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        yield f"host=127.0.0.1 port={port} user=x dbname=x connect_timeout=600"


@pytest.mark.parametrize("where", ["nowhere", "silent"])
def test_database_that_cannot_be_reached_keeps_nobody_waiting(
    hooked: Path, tags: tuple[str, str], silent_server: str, where: str
) -> None:
    dsn = silent_server if where == "silent" else "host=127.0.0.1 port=1 user=x dbname=x"

    # With a server that never answers this would take as long as libpq is told to wait.
    done = attempt(hooked, "checkout", "-q", tags[0], GITEXPORT_DSN=dsn)

    assert (done.returncode, done.stderr) == (0, "")
    assert git(hooked, "describe", "--tags") == tags[0]


def test_checkout_of_what_is_no_data_is_silent(
    hooked: Path, shop: str, patient: str, tags: tuple[str, str]
) -> None:
    del tags
    git(hooked, "switch", "-q", "--orphan", "pages")
    git(hooked, "commit", "-q", "--allow-empty", "--no-verify", "-m", "pages")
    git(hooked, "branch", "more")
    git(hooked, "switch", "-q", "main")

    assert said(hooked, shop, patient, "switch", "-q", "more") == []


def test_answer_is_one_object_where_asked_for(
    data: Program, hooked: Path, tags: tuple[str, str]
) -> None:
    del hooked
    ended = data.done("hooks", "run", "post-merge", "--within", "60", "-o", "json")

    assert ended.json == {
        "format": "gitexport.hooks/v1",
        "hook": "post-merge",
        "shown": tags[1],
        "acknowledged": tags[1],
    }
