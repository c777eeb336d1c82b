"""Long output on a terminal: the person's pager, or none."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from gitexport.cli.render.pager import find_pager
from gitexport.store.repository import DataRepository
from tests.fixtures.snapshots import import_snapshots


@pytest.fixture
def many(repository_path: Path) -> Path:
    """A repository of three hundred snapshots."""
    repository = DataRepository.create(repository_path)
    import_snapshots(repository.path, 300)
    (repository.path / "gitexport.toml").write_text(f'format = 1\nid = "{"0" * 8}"\n')
    return repository.path


def log_on_terminal(path: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Runs `gitexport log` with everything on a terminal; gives its exit code and output."""
    kept = {name: value for name, value in os.environ.items() if "PAGER" not in name}
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gitexport", "-C", str(path), "log", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**kept, "PYTHONPATH": str(Path.cwd()), "TERM": "xterm", **environment},
    )
    os.close(follower)
    shown = b""
    with process, contextlib.suppress(OSError):
        while part := os.read(leader, 65536):
            shown += part
    os.close(leader)
    return process.returncode, shown.decode().replace("\r\n", "\n")


def test_log_goes_through_the_pager_on_a_terminal(many: Path) -> None:
    code, shown = log_on_terminal(many, PAGER="sed 's/^/paged: /'")

    assert code == 0
    assert len(shown.splitlines()) == 300
    assert all(line.startswith("paged: \x1b[1m20250101-000") for line in shown.splitlines())
    assert "\x1b" not in log_on_terminal(many, "--no-color", PAGER="sed 's/^/paged: /'")[1]


def test_git_pager_comes_first(many: Path) -> None:
    _code, shown = log_on_terminal(many, "-n", "1", GIT_PAGER="sed s/^/ours:/", PAGER="false")

    assert shown.startswith("ours:")


def test_leaving_the_pager_early_is_no_error(many: Path) -> None:
    code, shown = log_on_terminal(many, PAGER="head -n 2")

    assert code == 0
    assert len(shown.splitlines()) == 2


@pytest.mark.parametrize("pager", ["", "cat", "no-such-pager --x"])
def test_without_a_pager_everything_is_printed(many: Path, pager: str) -> None:
    code, shown = log_on_terminal(many, PAGER=pager)

    assert code == 0
    assert len(shown.splitlines()) == 300


def test_errors_come_after_the_pager(many: Path) -> None:
    code, shown = log_on_terminal(many, "nothing", PAGER="sed s/^/paged:/")

    assert code == 2
    assert "there is no entity 'nothing'" in shown
    assert "paged:" not in shown


@pytest.mark.parametrize(
    ("environment", "pager"),
    [
        ({"PAGER": "sh -c x"}, "sh -c x"),
        ({"PAGER": "LESS=R sh"}, "LESS=R sh"),
        ({"PAGER": "sh 'unbalanced"}, "sh 'unbalanced"),
        ({"PAGER": "sh", "TERM": "dumb"}, None),
        ({"PAGER": "sh", "GIT_PAGER": "cat"}, None),
        ({"PATH": ""}, None),
    ],
)
def test_pager_is_chosen_as_git_does(environment: dict[str, str], pager: str | None) -> None:
    assert find_pager({"PATH": os.environ["PATH"], **environment}) == pager
