"""Starts and stops one PostgreSQL server on a private unix socket.

The server is a direct child. It listens on no network address, trusts whoever can enter its
directory (only its own user and we), and cannot outlive this process: the kernel tells it
when the thread that started it is gone, which is why that thread does nothing but wait. Its
files go then, too.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from gitexport.embedded.binaries import Binaries, find_binaries
from gitexport.embedded.cluster import adopt_cluster, create_cluster
from gitexport.embedded.identity import server_identity
from gitexport.embedded.private import PrivateDirectory, open_private_directory
from gitexport.embedded.process import LOG_NAME, ServerProcess

_PORT = 5432
_USER = "postgres"
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "shared_buffers": "64MB",
    # Containers often have a tiny /dev/shm, which parallel queries would overflow.
    "dynamic_shared_memory_type": "mmap",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "4GB",
}


class EmbeddedServer:
    """A running server; as a context manager, it stops at the end.

    `version` is what the programs say, such as `18.6`. `log_path` is the server's log, there
    until `stop`.
    """

    def __init__(
        self, private: PrivateDirectory, binaries: Binaries, process: ServerProcess, data: Path
    ) -> None:
        self.version = binaries.version
        self.data_directory = data
        self.log_path = private.path / LOG_NAME
        self._private = private
        self._owner = os.getpid()
        self._process: ServerProcess | None = process

    @classmethod
    def start(
        cls,
        data_directory: Path | None = None,
        settings: Mapping[str, str] | None = None,
        *,
        durable: bool = False,
    ) -> Self:
        """Starts a server and returns once it accepts connections.

        Without `data_directory` the cluster is new and gone after `stop`; with one it is made
        there, or used again, and kept. `settings` are those of postgresql.conf. Unless
        `durable`, the server never waits for the disk: a crash of the machine loses data.

        Raises:
            SourceError: No server is installed, or it does not start.
            MachineError: Disk, memory or permissions do not allow it.
        """
        identity = server_identity()
        private = open_private_directory(identity)
        process: ServerProcess | None = None
        try:
            binaries = find_binaries(identity, private.path / "programs")
            sockets = private.make("socket", identity)
            if data_directory is None:
                data = create_cluster(binaries, identity, private.make("data", identity))
            else:
                data = adopt_cluster(binaries, identity, data_directory.absolute())
            options = {**_SETTINGS, **({} if durable else _FAST), **(settings or {})}
            options["unix_socket_directories"] = str(sockets)
            process = ServerProcess(binaries, identity, data, options, private.path)
            process.wait_until_ready()
        except BaseException:
            if process is not None:
                process.stop()
            private.remove()
            raise
        server = cls(private, binaries, process, data)
        atexit.register(server.stop)
        return server

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    def dsn(self, database: str = "postgres") -> str:
        """Gives a libpq connection string for a database of this server.

        The role is a superuser. `hostaddr` is only there where PGHOSTADDR would win over
        the socket.
        """
        parts = {
            "host": str(self._private.path / "socket"),
            "port": str(_PORT),
            "user": _USER,
            "dbname": database,
        }
        if os.environ.get("PGHOSTADDR"):
            parts["hostaddr"] = ""
        return " ".join(f"{name}={_quote(value)}" for name, value in parts.items())

    def stop(self) -> None:
        """Stops the server and removes its private files; safe to call twice."""
        atexit.unregister(self.stop)
        if os.getpid() != self._owner:
            return  # a forked copy of the owner: the server is not its to stop
        if self._process is not None:
            self._process.stop()
            self._process = None
        self._private.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _quote(value: str) -> str:
    """Quotes a value for libpq, where it needs quotes."""
    if value and not any(char.isspace() or char in "'\\" for char in value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
