"""What is swept, and above all what is not."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from gitexport.embedded import private
from gitexport.embedded.identity import server_identity
from gitexport.errors import MachineError


def _left_over(base: Path, name: str = "gitexport-pg-left") -> Path:
    path = base / name
    path.mkdir()
    (path / "owner").touch()
    (path / "file").write_text("text", encoding="ascii")
    return path


def test_directory_without_a_living_owner_is_swept(tmp_path: Path) -> None:
    left = _left_over(tmp_path)

    private._sweep(tmp_path)

    assert not left.exists()


def test_other_names_stay(tmp_path: Path) -> None:
    names = ["gitexport-data", "other", "gitexport"]
    for name in names:
        _left_over(tmp_path, name)

    private._sweep(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_link_with_our_name_is_not_followed(tmp_path: Path) -> None:
    aim = _left_over(tmp_path, "precious")
    (tmp_path / "gitexport-pg-link").symlink_to(aim)

    private._sweep(tmp_path)

    assert (aim / "file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_directory_of_another_user_stays(tmp_path: Path) -> None:
    left = _left_over(tmp_path)
    os.chown(left, 12345, 12345)

    private._sweep(tmp_path)

    assert left.exists()


def test_half_made_directory_stays_for_an_hour(tmp_path: Path) -> None:
    young, old = (tmp_path / f"gitexport-new-{name}" for name in ("young", "old"))
    for path in (young, old):
        path.mkdir()
    hours_ago = time.time() - 2 * 3600
    os.utime(old, (hours_ago, hours_ago))

    private._sweep(tmp_path)

    assert young.exists()
    assert not old.exists()


def test_removal_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    left = _left_over(tmp_path)
    (left / "owner").unlink()

    private._sweep(tmp_path)

    assert not left.exists()


def test_process_that_has_a_number_used_again_does_not_keep_a_directory(tmp_path: Path) -> None:
    """The number in postmaster.pid may by now be that of anyone, here our own."""
    left = _left_over(tmp_path)
    (left / "data").mkdir()
    (left / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n", encoding="ascii")

    private._sweep(tmp_path)

    assert not left.exists()


def test_long_temporary_path_is_left_for_one_that_a_socket_fits_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    made = private.open_private_directory(server_identity())
    made.remove()

    assert not made.path.is_relative_to(long)
    assert len(f"{made.path}/socket/.s.PGSQL.5432") <= 100


@pytest.mark.skipif(os.geteuid() != 0, reason="for its own user any directory will do")
def test_temporary_path_that_the_server_cannot_reach_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    made = private.open_private_directory(server_identity())
    made.remove()

    assert not made.path.is_relative_to(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_no_usable_place_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "_bases", lambda: [Path("/nonexistent")])

    with pytest.raises(MachineError) as caught:
        private.open_private_directory(server_identity())

    assert "TMPDIR" in str(caught.value.hint)
