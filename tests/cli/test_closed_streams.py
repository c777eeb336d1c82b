"""A caller that closes standard output or standard error gets the work done, and no words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.cli.test_export import execute
from tests.fixtures.repositories import fsck, git


def run_closed(closed: str, *arguments: str, dsn: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the program in a process of its own, under a shell that closes its streams."""
    return subprocess.run(
        [
            "bash",
            "-c",
            f'exec "$@" {closed}',
            "bash",
            sys.executable,
            "-m",
            "gitexport",
            *arguments,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "GITEXPORT_DSN": dsn},
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_commands_end_as_usual(tmp_path: Path, closed: str) -> None:
    for arguments, code in (
        (["--version"], 0),
        (["--help"], 0),
        (["completion", "bash"], 0),
        (["-C", str(tmp_path / "absent"), "fmt"], 2),
        (["-C", str(tmp_path / "absent"), "fmt", "-o", "json"], 2),
    ):
        done = run_closed(closed, *arguments)

        assert done.returncode == code, (arguments, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_export_makes_its_snapshot_and_writes_nothing_of_it_elsewhere(
    data: Program, shop: str, repository_path: Path, closed: str
) -> None:
    data.done("export", "-q")
    execute(shop, "UPDATE shop.customers SET name = 'x' WHERE id = 7")

    done = run_closed(closed, "-C", str(repository_path), "export", "-v", dsn=shop)

    assert done.returncode == 0, done.stderr
    assert len(git(repository_path, "tag").splitlines()) == 2
    assert git(repository_path, "status", "--porcelain") == ""
    fsck(repository_path)
    for arguments in (["status", "-o", "json"], ["log"], ["show", "latest"]):
        ended = run_closed(closed, "-C", str(repository_path), *arguments, dsn=shop)
        assert ended.returncode == 0, (arguments, ended.stderr)
