"""One embedded server: what it is, what it leaves, and who can disturb it."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gitexport.embedded import EmbeddedServer, without_libpq_variables
from gitexport.errors import MachineError, SourceError

_needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")


def _ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that the server's user can reach; pytest's own are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_server_is_utf8_and_sorts_by_code_point_on_no_network_address() -> None:
    with EmbeddedServer.start() as server:
        assert _ask(server.dsn(), "SHOW server_encoding") == "UTF8"
        assert _ask(server.dsn(), "SELECT 'Z' < 'a' AND 'z' < 'é'") is True
        assert _ask(server.dsn(), "SHOW listen_addresses") == ""
        assert str(_ask(server.dsn(), "SHOW server_version")).startswith(server.version)


def test_everything_is_gone_after_stop_and_stop_may_come_twice() -> None:
    server = EmbeddedServer.start()
    data = server.data_directory
    assert data.exists()

    server.stop()
    server.stop()

    assert not data.parent.exists()
    assert server.pid is None


def test_nobody_else_can_enter_the_directories_of_the_server() -> None:
    with EmbeddedServer.start() as server:
        private = server.data_directory.parent
        modes = {path.name: path.stat().st_mode & 0o077 for path in private.iterdir()}

    assert modes["data"] == modes["socket"] == modes["owner"] == 0


def test_no_user_is_added_and_no_folder_above_changes() -> None:
    def seen() -> tuple[str, list[int]]:
        above = [*Path(sys.executable).absolute().parents, *Path.home().parents]
        above += [Path("/tmp"), Path("/var/tmp"), Path("/root"), Path("/")]  # noqa: S108
        modes = [path.stat().st_mode for path in above if path.exists()]
        return Path("/etc/passwd").read_text(encoding="utf-8"), modes

    before = seen()
    with EmbeddedServer.start():
        during = seen()

    assert before == during == seen()


@_needs_root
def test_as_root_the_server_runs_as_the_user_that_owns_nothing() -> None:
    with EmbeddedServer.start() as server:
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")

    lines = dict(line.split(":", 1) for line in status.splitlines())
    assert lines["Uid"].split() == ["65534"] * 4
    assert lines["Gid"].split() == ["65534"] * 4
    assert lines["Groups"].split() == []


def test_two_servers_at_once_know_nothing_of_each_other() -> None:
    with EmbeddedServer.start() as one, EmbeddedServer.start() as two:
        with psycopg.connect(one.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE only_here")

        count = "SELECT count(*) FROM pg_database WHERE datname = 'only_here'"
        assert (_ask(one.dsn("only_here"), count), _ask(two.dsn(), count)) == (1, 0)


def test_server_survives_the_thread_that_started_it() -> None:
    """The kernel's notice is about threads: started from one that ends, a server would too."""
    started: list[EmbeddedServer] = []
    thread = threading.Thread(target=lambda: started.append(EmbeddedServer.start()))
    thread.start()
    thread.join()

    with started[0] as server:
        assert _ask(server.dsn(), "SELECT 1") == 1


def test_dsn_holds_against_the_users_own_libpq_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedServer.start() as server:
        for name, value in (("PGHOSTADDR", "192.0.2.1"), ("PGPORT", "1"), ("PGUSER", "x")):
            monkeypatch.setenv(name, value)

        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute('CREATE DATABASE "a b\'c\\d"')
        assert _ask(server.dsn("a b'c\\d"), "SELECT current_database()") == "a b'c\\d"


def test_libpq_variables_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICE", "nosuch")
    before = dict(os.environ)

    with without_libpq_variables():
        assert {name for name in os.environ if name.startswith("PG")} == set()

    assert dict(os.environ) == before


def test_settings_win_over_ours_and_durable_waits_for_the_disk() -> None:
    with EmbeddedServer.start(settings={"work_mem": "7MB"}, durable=True) as server:
        assert _ask(server.dsn(), "SHOW work_mem") == "7MB"
        assert _ask(server.dsn(), "SHOW fsync") == "on"


def test_wrong_setting_ends_in_the_servers_words_and_leaves_nothing() -> None:
    with pytest.raises(SourceError, match="no_such_setting"):
        EmbeddedServer.start(settings={"no_such_setting": "1"})


def test_named_data_directory_is_kept_and_used_again(shared_folder: Path) -> None:
    data = shared_folder / "cluster"
    with EmbeddedServer.start(data) as server, psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    with EmbeddedServer.start(data) as server:
        assert _ask(server.dsn(), "SELECT answer FROM kept") == 42


def test_data_directory_of_another_version_is_refused(shared_folder: Path) -> None:
    data = shared_folder / "cluster"
    EmbeddedServer.start(data).stop()
    (data / "PG_VERSION").write_text("9\n", encoding="ascii")

    with pytest.raises(SourceError, match="made by PostgreSQL 9"):
        EmbeddedServer.start(data)


def test_folder_with_other_things_is_never_made_a_cluster(shared_folder: Path) -> None:
    data = shared_folder / "letters"
    data.mkdir(mode=0o700)
    (data / "letter").write_text("dear", encoding="ascii")
    if os.geteuid() == 0:
        os.chown(data, 65534, 65534)

    with pytest.raises(SourceError, match="holds no database cluster"):
        EmbeddedServer.start(data)


@_needs_root
def test_data_directory_below_a_private_folder_is_refused_not_opened(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    with pytest.raises(MachineError, match=r"(?i)permission denied") as caught:
        EmbeddedServer.start(tmp_path / "cluster")

    assert caught.value.hint
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []
