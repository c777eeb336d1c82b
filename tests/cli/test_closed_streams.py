"""Streams that are closed or full: the work is done, and no words are got."""

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


def test_a_full_standard_error_stops_no_work(
    data: Program, shop: str, repository_path: Path
) -> None:
    data.done("export", "-q")
    execute(shop, "UPDATE shop.customers SET name = 'x' WHERE id = 7")

    done = run_closed("2>/dev/full", "-C", str(repository_path), "export", "-v", dsn=shop)

    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("snapshot ")
    refused = run_closed("2>/dev/full", "-C", str(repository_path), "show", "2019", dsn=shop)
    assert refused.returncode == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_file_on_a_full_disk_ends_a_run_with_one_error(
    data: Program, shop: str, repository_path: Path, form: str
) -> None:
    execute(shop, "UPDATE shop.customers SET name = 'x' WHERE id = 7")
    arguments = ["-C", str(repository_path), "export", "-q", "-o", form, "--log-file", "/dev/full"]

    done = run_closed("", *arguments, dsn=shop)

    assert done.returncode == 10
    assert done.stderr.count("cannot write the log file '/dev/full': No space left") == 1
    assert "Traceback" not in done.stderr
    data.done("export")
