"""`gitexport demo`: the main job with nothing installed, and nothing left but the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitexport.embedded.binaries import find_binaries
from gitexport.embedded.cluster import create_cluster
from gitexport.embedded.identity import Identity, server_identity
from gitexport.errors import SourceError
from gitexport.model.snapshot import parse_tag
from tests.fixtures.repositories import fsck, git


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A temporary directory with a short name, as sockets need."""
    path = Path(tempfile.mkdtemp(prefix="gx-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def demo(scratch: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the demo with 60 users in a process of its own."""
    environment = dict(os.environ, TMPDIR=str(scratch), **variables)
    return subprocess.run(
        [sys.executable, "-m", "gitexport", "demo", "--rows", "60", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def names(directory: Path) -> list[str]:
    """Lists the names in a directory."""
    return sorted(path.name for path in directory.iterdir())


def done(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Gives the JSON object of a demo that succeeded."""
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_demo_leaves_three_snapshots_and_no_server(scratch: Path) -> None:
    found = done(demo(scratch, "-o", "json"))

    path = Path(found["path"])
    assert path.parent == scratch
    assert found["format"] == "gitexport.demo/v1"
    first, second, third = found["snapshots"]
    assert first["mode"] == "full"
    assert first["entities"]["datamartusers"]["added"] == 60
    assert second["mode"] == "incremental"
    assert second["entities"]["datamartusers"]["modified"] == 50
    assert parse_tag(second["snapshot"]) > parse_tag(first["snapshot"])
    tags = [made["snapshot"] for made in (first, second, third)]
    assert git(path, "tag").splitlines() == tags
    assert git(path, "rev-parse", "main") == third["commit"]
    assert third["entities"]["datamartusers"]["modified"] == 50
    assert git(path, "rev-parse", "main:data") == git(path, "rev-parse", f"{tags[0]}:data")
    assert found["documents"] == 260
    assert found["differences"]["modified"] == 50
    assert sum(found["differences"].values()) == 50
    changed = found["changed_document"]
    assert changed["kind"] == "modified"
    assert {field["pointer"] for field in changed["fields"]} >= {"/history_whole_open"}
    assert git(path, "status", "--porcelain") == ""
    fsck(path)
    assert names(scratch) == [path.name], "the server's files are gone"


def test_text_shows_the_story_and_commands_that_work_anywhere(scratch: Path) -> None:
    # As in a fresh checkout: the program is in no directory of the person's PATH.
    (scratch / "bin").mkdir()
    (scratch / "bin" / "git").symlink_to(shutil.which("git") or "")
    path = f"{scratch / 'bin'}:{os.defpath}"
    result = demo(scratch, PATH=path)

    assert result.returncode == 0, result.stderr
    for heading in ("What happened", "What a changed file looks like", "What to try next"):
        assert heading in result.stdout
    assert "~ /history_whole_open: " in result.stdout
    commands = [
        line for line in result.stdout.splitlines() if " -C " in line and not line.startswith("#")
    ]
    assert len(commands) == 7
    for command in commands:
        subprocess.run(  # noqa: S602 - as typed
            command,
            shell=True,
            check=True,
            capture_output=True,
            cwd="/",
            env=dict(os.environ, PATH=path),
        )


def test_directory_is_used_and_what_is_there_stays(scratch: Path) -> None:
    mine = scratch / "mine"
    first = done(demo(scratch, str(mine), "-o", "json"))
    (mine / "note.txt").write_text("keep\n")
    second = done(demo(scratch, str(mine), "-o", "json"))
    third = done(demo(scratch, str(mine), "-o", "json"))

    assert first["path"] == str(mine)
    assert second["path"] == str(mine / "gitexport-demo")
    assert third["path"] == str(mine / "gitexport-demo-2")
    assert (mine / "note.txt").read_text() == "keep\n"


def test_settings_of_another_database_do_not_count(scratch: Path) -> None:
    elsewhere = "host=/nonexistent dbname=none"

    done(demo(scratch, "-o", "json", GITEXPORT_DSN=elsewhere, PGHOST="/none"))


def test_database_that_is_named_is_refused(scratch: Path) -> None:
    result = demo(scratch, "--dsn", "host=/nonexistent dbname=none")

    assert result.returncode == 2
    assert "gitexport init DIR --dsn" in result.stderr
    assert names(scratch) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as a user that nobody knows")
def test_user_that_the_system_does_not_know_is_told_what_works(scratch: Path) -> None:
    unknown = 54_321
    server = find_binaries(server_identity(), scratch / "programs")
    data = scratch / "data"
    data.mkdir()
    os.chown(data, unknown, unknown)

    with pytest.raises(SourceError, match="54321") as caught:
        create_cluster(server, Identity(unknown, unknown, is_other=True), data)

    assert caught.value.hint is not None
    assert "/etc/passwd" in caught.value.hint
    assert "gitexport init DIR --dsn" in caught.value.hint


def test_settings_for_other_connections_do_not_count(scratch: Path) -> None:
    refused = {
        "PGSERVICE": "nosuch",
        "PGTARGETSESSIONATTRS": "standby",
        "PGREQUIREAUTH": "scram-sha-256",
        "PGGSSENCMODE": "require",
        "PGCHANNELBINDING": "require",
        "PGOPTIONS": "-c default_transaction_read_only=on",
    }

    done(demo(scratch, "-o", "json", **refused))


def test_interrupted_demo_leaves_nothing(scratch: Path) -> None:
    result = demo(scratch, GITEXPORT_FAULT="S9.before:exec:kill -INT $PPID; sleep 5")

    assert result.returncode == 130
    assert names(scratch) == []


def test_interrupted_in_an_empty_directory_leaves_it_empty(scratch: Path) -> None:
    (scratch / "mine").mkdir()

    result = demo(scratch, str(scratch / "mine"), GITEXPORT_FAULT="S9.before:raise:ENOSPC")

    assert result.returncode == 10
    assert names(scratch / "mine") == []


def test_directory_that_people_have_survives_an_interruption(scratch: Path) -> None:
    mine = scratch / "mine"
    mine.mkdir()
    (mine / "note.txt").write_text("keep\n")

    result = demo(scratch, str(mine), GITEXPORT_FAULT="S9.before:raise:ENOSPC")

    assert result.returncode == 10
    assert [path.name for path in mine.iterdir()] == ["note.txt"]


@pytest.mark.parametrize("rows", ["0", "-1", "many", "99999999999"])
def test_number_of_rows_is_checked(scratch: Path, rows: str) -> None:
    result = demo(scratch, "--rows", rows)

    assert result.returncode == 2
    assert names(scratch) == []
