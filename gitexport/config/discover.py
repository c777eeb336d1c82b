"""Where the connection string comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitexport.config.local import LocalSettings

DSN_VARIABLE = "GITEXPORT_DSN"


@dataclass(frozen=True, slots=True)
class FoundDsn:
    """A connection string and, for messages, where it was found.

    An empty string leaves everything to libpq: its `PG*` variables and its service file.
    """

    dsn: str = field(repr=False)
    origin: str


def find_dsn(option: str | None, environment: Mapping[str, str], local: LocalSettings) -> FoundDsn:
    """Finds the connection string: the option, the environment, local.toml, libpq's own."""
    if option:
        return FoundDsn(option, "--dsn")
    if from_environment := environment.get(DSN_VARIABLE):
        return FoundDsn(from_environment, DSN_VARIABLE)
    if local.dsn:
        return FoundDsn(local.dsn, "local.toml")
    return FoundDsn("", "libpq's own settings")
