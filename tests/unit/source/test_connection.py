"""Why a connection fails is told without ever showing a password."""

from __future__ import annotations

import socket
import traceback
from pathlib import Path

import pytest

from gitexport.errors import ConnectionFailedError
from gitexport.source.postgresql.connection import connect, describe

_CANARY = "CaNaRy"


@pytest.mark.parametrize(
    "dsn",
    [
        f"host=/nowhere password={_CANARY} {_CANARY}",
        f"host=/nowhere password='{_CANARY}",
        f"host=/nowhere password={_CANARY} port={_CANARY}",
        f"host=/nowhere pass word={_CANARY}",
        f"postgresql://user:S3%{_CANARY}@localhost:1/db",
        f"postgresql://user:p@{_CANARY}@localhost:1/db",
        f"postgresql://user:p/{_CANARY}@localhost:1/db",
        f"postgresql://user:{_CANARY}@[::1/db",
        f"postgresql://user:{_CANARY}",
        f"postgres://user:{_CANARY}@localhost:1/db?sslmode={_CANARY}",
        f"postgresql://localhost:1/db?password={_CANARY}&nonsense=1",
        f"mysql://user:{_CANARY}@localhost/db",
        _CANARY,
        f"password={_CANARY} host=/nowhere connect_timeout={_CANARY}",
        f"password={_CANARY} host=/nowhere dbname=x",
    ],
)
def test_no_shape_of_connection_string_shows_the_password(dsn: str) -> None:
    with pytest.raises(ConnectionFailedError) as caught:
        connect(dsn)
    told = "".join(traceback.format_exception(caught.value))
    # The test's own line is part of the traceback, with a variable's name and no value.
    for text in (told, caught.value.where, caught.value.hint, describe(dsn)):
        assert _CANARY not in str(text)
    assert caught.value.hint


def test_a_description_names_what_a_person_needs() -> None:
    assert describe("postgresql://ann:secret@db.example.org:5433/shop") == (
        "database 'shop', host 'db.example.org', port '5433', role 'ann'"
    )
    assert describe("host=/run/pg dbname=shop password=secret") == "database 'shop', host '/run/pg'"
    assert describe("nonsense") == "the configured database"


def test_without_a_dsn_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe() == "the default database"
    monkeypatch.setenv("PGDATABASE", "shop")
    monkeypatch.setenv("PGHOST", "/nowhere")
    assert describe() == "database 'shop', host '/nowhere'"
    with pytest.raises(ConnectionFailedError, match="no server answers there") as caught:
        connect()
    assert caught.value.where == "database 'shop', host '/nowhere'"
    assert caught.value.is_transient


def test_a_port_where_nobody_listens_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionFailedError, match="no server answers there"):
        connect(f"host=127.0.0.1 port={port}")


def test_a_server_that_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ConnectionFailedError, match="did not answer in time"):
            connect(f"host=127.0.0.1 port={port} connect_timeout=2")


def test_an_unknown_service_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "none"))
    with pytest.raises(ConnectionFailedError, match="service is not defined") as caught:
        connect("service=shop")
    assert not caught.value.is_transient
