"""A restore of the repository, killed at every point, is whole or absent, and can be repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitexport.model import faults
from tests.fixtures.journey import Journey, journey
from tests.fixtures.repositories import fsck

__all__ = ["journey"]

ROOT = Path(__file__).parents[2]
_POINTS = ("S5.objects", "S5.sealed", "S7.before", "S7.after", "S8.tagged")


@pytest.mark.parametrize("point", _POINTS)
def test_killed_restore_is_whole_or_absent(journey: Journey, point: str) -> None:
    assert point in faults.POINTS
    first = journey.done("log", "-o", "json").json()["snapshots"][0]["snapshot"]
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42; DELETE FROM users WHERE id = 7")
    last = journey.export()
    expected = journey.git("rev-parse", f"{first}:data")

    _kill(journey, point, "restore", first)

    is_moved = point in {"S7.after", "S8.tagged"}
    assert (journey.git("rev-parse", "main:data") == expected) == is_moved
    journey.done("restore", first)
    assert journey.git("rev-parse", "main:data") == expected
    assert journey.git("status", "--porcelain") == ""
    assert journey.git("rev-list", "--count", f"{last}..main") == "1"
    fsck(journey.path)
    assert not list((journey.path / ".git/objects/pack").glob("*.keep"))


def _kill(journey: Journey, point: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), *arguments]
    environment = {**os.environ, "GITEXPORT_FAULT": f"{point}:kill"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == -9, done.stderr
