"""A PostgreSQL server of our own, for the demo and the tests.

Finds the binaries of a server, starts it on a private unix socket, and leaves nothing
behind: the server ends with the process that started it, however that one ends, and its
files are removed. Knows nothing of what is done with the server, and needs no driver.
"""

from __future__ import annotations

from gitexport.embedded.client_environment import without_libpq_variables
from gitexport.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "without_libpq_variables"]
