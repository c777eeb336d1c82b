"""A machine that refuses: no space, no permission, an interruption, a reader that went away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.outside import Ended, Outside
from tests.fixtures.repositories import git

_MANY = "INSERT INTO users SELECT g, 'user ' || g, NULL FROM generate_series(31, 40000) g"

_NOISE = """
UPDATE users SET note = (SELECT string_agg(md5(random()::text || id || g), '')
                         FROM generate_series(1, 100) g)
"""


# Python ignores SIGXFSZ, so that a write over the limit fails as on a full disk.
_LIMITED = """
import os, resource, sys
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.parametrize("size", [0, 300, 1500, 20_000])
def test_disk_that_is_full_moves_nothing_and_the_next_run_completes(
    outside: Outside, size: int
) -> None:
    outside.sql(_NOISE)
    tip = outside.tip()

    error = outside.failed(10, prefix=[sys.executable, "-c", _LIMITED, str(size)])

    assert "file too large" in error["error"].lower()
    assert (outside.tip(), outside.pending()) == (tip, 30)
    outside.heal()
    assert git(outside.path, "rev-list", "--count", f"{tip}..main") == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_file_system_that_is_full(outside: Outside, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=2000", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount")
    try:
        git(tmp_path, "clone", "-q", str(outside.path), str(small / "clone"))
        clone = Outside(outside.dsn, small / "clone")
        clone.sql(_NOISE)
        filler = small / "filler"
        tip = clone.tip()
        _fill(filler)

        error = clone.failed(10)

        assert "no space left" in error["error"]
        assert (clone.tip(), clone.pending()) == (tip, 30)
        filler.unlink()
        clone.heal()
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO"])
def test_what_the_machine_refuses_ends_with_10(outside: Outside, number: str) -> None:
    tip = outside.tip()

    error = outside.failed(10, env={"GITEXPORT_FAULT": f"S5.sealed:raise:{number}"})

    assert error["error"].startswith("the machine refused: ")
    assert (outside.tip(), outside.pending()) == (tip, 5)
    outside.heal()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
@pytest.mark.parametrize("place", [".git/objects/pack", ".git/refs/heads", ".git/gitexport"])
def test_directory_that_is_read_only(outside: Outside, place: str) -> None:
    directory = outside.path / place
    mode = directory.stat().st_mode
    directory.chmod(0o555)
    try:
        error = outside.failed(10)
    finally:
        directory.chmod(mode)

    assert place in error["error"]
    assert outside.pending() == 5
    outside.heal()


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are listed by /proc")
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor starts no children")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_with_its_group_while_children_work(
    outside: Outside, number: signal.Signals
) -> None:
    outside.sql(_MANY)
    tip = outside.tip()
    # What a terminal does at Ctrl-C, and systemd to stop: everybody in the group gets the signal.
    process = subprocess.Popen(
        outside.command("export"),
        env=outside.settings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while len(children := _children(process.pid)) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=30)

    ended = Ended(process.returncode, out, err)
    assert ended.code == 130, ended.err
    assert "interrupted" in ended.err
    assert "Traceback" not in ended.err
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    assert outside.tip() == tip
    assert not list((outside.path / ".git").rglob("*.lock"))
    outside.heal()


@pytest.mark.parametrize("name", ["INT", "TERM"])
@pytest.mark.parametrize("point", ["S3.end", "S5.installed", "S7.after", "S9.before", "S10.index"])
def test_interrupted_at_a_point(outside: Outside, point: str, name: str) -> None:
    fault = f"{point}:exec:kill -{name} $PPID"

    ended = outside.run("export", "-o", "json", env={"GITEXPORT_FAULT": fault})

    assert ended.code == 130, ended.err
    assert ended.error["error"] == "interrupted"
    assert not list((outside.path / ".git").rglob("*.lock"))
    outside.heal()


def test_reader_that_goes_away_takes_nothing_back(outside: Outside) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        outside.command("export"),
        env=outside.settings(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    _out, err = process.communicate(timeout=60)

    assert process.returncode == 141, err
    assert "Traceback" not in err
    assert outside.pending() == 0
    outside.heal()
