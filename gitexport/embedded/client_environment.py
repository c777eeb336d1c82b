"""Keeps the user's own libpq settings away from the connections to our server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PREFIX = "PG"


@contextmanager
def without_libpq_variables() -> Iterator[None]:
    """Takes libpq's environment variables from this process, and gives them back at the end.

    A connection string cannot stand against all of them: none overrides `PGSERVICE`, and older
    libraries do not know the parameters behind newer ones. Processes that are started
    meanwhile do not see them either.
    """
    kept = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    try:
        for name in kept:
            del os.environ[name]
        yield
    finally:
        os.environ.update(kept)
