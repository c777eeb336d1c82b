"""The server's process: started by a thread that lives as long as the process does.

PR_SET_PDEATHSIG speaks of the death of the *thread* that started a process. A thread of our
own, which only waits for the server, makes that the death of our process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gitexport.embedded import launcher
from gitexport.embedded.binaries import Binaries
from gitexport.embedded.cluster import OTHER_SERVER, explain_failure, server_environment
from gitexport.embedded.identity import Identity
from gitexport.errors import MachineError, SourceError

_START_SECONDS = 60.0
_STATUS_LINE = 7  # of postmaster.pid, since PostgreSQL 10
LOG_NAME = "server.log"
HAS_PARENT_DEATH_SIGNAL = sys.platform == "linux"


class ServerProcess:
    """One `postgres` process and the thread that waits for it.

    `files` is the directory of what belongs to it alone: its log, and what is removed should
    this process be killed. It holds the lock that says whose it is.
    """

    def __init__(
        self,
        binaries: Binaries,
        identity: Identity,
        data: Path,
        settings: Mapping[str, str],
        files: Path,
    ) -> None:
        self._data = data
        self._files = files
        self._log_path = files / LOG_NAME
        self._pipe = os.pipe()
        self._child: subprocess.Popen[bytes] | None = None
        self._problems: list[OSError] = []
        self._started = threading.Event()
        self._ended = threading.Event()
        command = [binaries.program("postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        threading.Thread(
            target=self._keep,
            args=(self._launch_command(identity, command),),
            name="embedded PostgreSQL",
            daemon=True,
        ).start()
        self._started.wait()
        self._close_pipe(0)
        for problem in self._problems:
            message = f"cannot start the database server: {problem.strerror}"
            raise MachineError(
                message, where=command[0], hint=f"run as a normal user, or {OTHER_SERVER}"
            ) from problem

    @property
    def pid(self) -> int | None:
        """The process id, None before and after."""
        return self._child.pid if self._child and not self._ended.is_set() else None

    def wait_until_ready(self) -> None:
        """Returns once the server accepts connections.

        Raises:
            SourceError: It ended, or did not become ready in a minute.
            MachineError: It ended because the machine refused something.
        """
        status = self._data / "postmaster.pid"
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._ended.wait(0.005):
                failure = explain_failure("the database server ended", self._log(), self._log_path)
                raise failure
            try:
                lines = status.read_text().splitlines()
            except OSError:
                continue
            is_ours = bool(lines) and lines[0] == str(self.pid)
            if is_ours and len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready":
                return
        self.stop()
        message = "the database server did not become ready in 60 seconds"
        raise SourceError(message, where=str(self._log_path), hint="look into this log")

    def stop(self) -> None:
        """Asks the server to end, ever less politely, and returns when it has."""
        # Fast: rolls transactions back; immediate: as after a crash (pg_ctl, shutdown modes).
        for number, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            if self._child is None or self._ended.is_set():
                break
            self._child.send_signal(number)
            self._ended.wait(seconds)
        if self._pipe[1] >= 0:
            with suppress(BrokenPipeError):  # somebody has killed the watching process
                os.write(self._pipe[1], b".")
        self._close_pipe(1)

    def _launch_command(self, identity: Identity, command: list[str]) -> list[str]:
        user, group = (identity.user, identity.group) if identity.is_other else (-1, -1)
        kernel = int(HAS_PARENT_DEATH_SIGNAL)
        numbers = (user, group, os.getpid(), kernel, int(signal.SIGQUIT), self._pipe[0])
        words = [*map(str, numbers), str(self._files), *command]
        return [sys.executable, "-I", "-S", launcher.__file__, *words]

    def _keep(self, command: list[str]) -> None:
        try:
            with self._log_path.open("ab") as log:
                self._child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=server_environment(),
                    pass_fds=self._pipe[:1],
                    start_new_session=True,  # Ctrl-C is for us; we stop the server in order
                )
        except OSError as error:
            self._problems.append(error)
            self._started.set()
            return
        self._started.set()
        self._child.wait()
        self._ended.set()

    def _close_pipe(self, end: int) -> None:
        if self._pipe[end] >= 0:
            os.close(self._pipe[end])
            self._pipe = (-1, self._pipe[1]) if end == 0 else (self._pipe[0], -1)

    def _log(self) -> str:
        try:
            return self._log_path.read_text(errors="replace")
        except OSError:
            return ""
