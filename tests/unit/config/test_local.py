"""What a clone remembers, and where the connection string comes from."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gitexport.config.discover import find_dsn
from gitexport.config.local import LocalSettings, read_local, write_local
from gitexport.errors import ConfigError


def test_settings_come_back_and_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "gitexport"
    settings = LocalSettings("host=/x password='\"\\", "ab12", "f00d")

    write_local(directory, settings)

    assert read_local(directory) == settings
    mode = stat.S_IMODE((directory / "local.toml").stat().st_mode)
    assert mode == 0o600
    assert [entry.name for entry in directory.iterdir()] == ["local.toml"]


def test_no_file_means_no_settings(tmp_path: Path) -> None:
    assert read_local(tmp_path) == LocalSettings()


def test_repr_does_not_show_the_connection_string() -> None:
    settings = LocalSettings("password=hunter2")

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(find_dsn(None, {}, settings))


def test_typo_in_local_settings_is_told(tmp_path: Path) -> None:
    (tmp_path / "local.toml").write_text('dns = "host=/x"\n')

    with pytest.raises(ConfigError) as caught:
        read_local(tmp_path)

    assert caught.value.hint == "did you mean 'dsn'?"
    assert caught.value.where == f"{tmp_path}/local.toml:1"


def test_connection_string_is_found_in_order() -> None:
    environment = {"GITEXPORT_DSN": "dbname=env"}
    local = LocalSettings("dbname=local")

    assert find_dsn("dbname=option", environment, local).dsn == "dbname=option"
    assert find_dsn(None, environment, local).dsn == "dbname=env"
    assert find_dsn(None, {}, local).dsn == "dbname=local"
    assert find_dsn(None, {}, LocalSettings()).dsn == ""
