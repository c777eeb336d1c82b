"""A server never outlives the process that started it, and neither do its files."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import pytest

import gitexport
from gitexport.embedded.binaries import find_binaries
from gitexport.embedded.identity import server_identity
from gitexport.embedded.private import open_private_directory

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for processes as Linux does"),
]

_PARENT = """\
import sys, threading
from gitexport.embedded import process, server
process.HAS_PARENT_DEATH_SIGNAL = sys.argv[1] == "kernel"
def start():
    global running
    running = server.EmbeddedServer.start()
if sys.argv[2] == "thread":
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
else:
    start()
print(running.pid, running.data_directory.parent, flush=True)
sys.stdin.read()
if sys.argv[3] == "stop":
    running.stop()
"""


class _Parent:
    """A process that starts a server and waits."""

    def __init__(self, *arguments: str, python: str = sys.executable, **options: object) -> None:
        self.process = subprocess.Popen(
            [python, "-c", _PARENT, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,  # type: ignore[call-overload]
        )
        assert self.process.stdout is not None
        pid, folder = self.process.stdout.readline().split()
        self.folder = Path(folder)
        self.server_pid = int(pid)
        self.server = os.pidfd_open(self.server_pid)

    def server_ended(self, seconds: float) -> bool:
        """Waits for the end of the server."""
        return bool(select.select([self.server], [], [], seconds)[0])

    def files_are_gone(self, seconds: float) -> bool:
        """Waits for the end of the server's files, which nobody sweeps."""
        deadline = time.monotonic() + seconds
        while self.folder.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.folder.exists()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.server_ended(0):
            signal.pidfd_send_signal(self.server, signal.SIGQUIT)
            self.server_ended(10)
        os.close(self.server)
        self.process.kill()
        self.process.communicate()
        open_private_directory(server_identity()).remove()  # sweeps


@pytest.mark.parametrize(
    ("way", "starter", "number"),
    [
        ("kernel", "main", signal.SIGKILL),
        ("kernel", "thread", signal.SIGTERM),
        ("watcher", "main", signal.SIGTERM),
        ("watcher", "thread", signal.SIGKILL),
    ],
)
def test_server_and_its_files_end_with_their_parent(
    way: str, starter: str, number: signal.Signals
) -> None:
    with _Parent(way, starter, "wait") as parent:
        assert not parent.server_ended(0.1)
        parent.process.send_signal(number)
        parent.process.wait()

        assert parent.server_ended(20)
        assert parent.files_are_gone(20)


@pytest.mark.parametrize("way", ["kernel", "watcher"])
@pytest.mark.parametrize("end", ["stop", "forget"])
def test_server_and_files_end_with_a_parent_that_ends_in_order(way: str, end: str) -> None:
    with _Parent(way, "main", end) as parent:
        parent.process.communicate("")

        assert parent.process.returncode == 0
        assert parent.server_ended(20)
        assert not parent.folder.exists()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server() -> None:
    """It goes to a terminal's whole process group; we stop the server in order instead."""
    with _Parent("kernel", "main", "stop") as parent:
        assert os.getsid(parent.server_pid) != os.getsid(parent.process.pid)


def test_sweep_spares_the_files_of_a_parent_that_lives() -> None:
    with _Parent("kernel", "main", "stop") as parent:
        open_private_directory(server_identity()).remove()

        assert parent.folder.exists()
        assert not parent.server_ended(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming a normal user needs root")
def test_normal_user_gets_a_server_too() -> None:
    """The interpreter of root may lie where no one else can go, so a public one is used."""
    python = next(filter(_is_public_python, ["/usr/bin/python3", sys.executable]), None)
    if python is None:
        pytest.skip("no interpreter that a normal user can run")
    identity = server_identity()
    place = open_private_directory(identity)
    try:
        package = Path(gitexport.__file__).parent
        shutil.copytree(package, place.path / "code" / "gitexport")
        (place.path / "code").chmod(0o755)
        binaries = find_binaries(identity, place.path / "programs")
        environment = {
            "PATH": os.defpath,
            "HOME": "/nonexistent",
            "PYTHONPATH": str(place.path / "code"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GITEXPORT_PG_BIN": str(binaries.directory),
        }
        with _Parent(
            "kernel", "main", "wait", python=python, env=environment, cwd="/", **identity.options()
        ) as parent:
            assert parent.folder.stat().st_uid == identity.user

            parent.process.kill()
            assert parent.server_ended(20)
    finally:
        shutil.rmtree(parent.folder, ignore_errors=True)
        place.remove()


def _is_public_python(python: str) -> bool:
    try:
        done = subprocess.run(
            [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
            capture_output=True,
            check=False,
            **server_identity().options(),
        )
    except OSError:
        return False
    return done.returncode == 0
