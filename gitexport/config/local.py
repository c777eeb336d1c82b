"""Reads and writes `<gitdir>/gitexport/local.toml`: what one clone knows and never publishes.

The file may hold a password, so it is written for its owner alone (mode 0600) and replaced
as a whole: a reader sees the old file or the new one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from gitexport.config.parse import read_fields
from gitexport.errors import MachineError

LOCAL_NAME = "local.toml"
_KEYS = ("dsn", "accepted_sql", "source_fingerprint")
_HEADER = "# Of this clone alone, never versioned. gitexport writes it.\n"


class LocalSettings(NamedTuple):
    """What one clone remembers.

    `dsn` says where its database is. `accepted_sql` is the digest of the configuration's SQL
    that a person accepted here. `source_fingerprint` is that of the database last exported.
    """

    dsn: str | None = None
    accepted_sql: str | None = None
    source_fingerprint: str | None = None

    def __repr__(self) -> str:
        """Leaves the DSN out, as it may hold a password."""
        return f"LocalSettings(accepted_sql={self.accepted_sql!r})"


def read_local(directory: Path | None) -> LocalSettings:
    """Reads the settings in a state directory; empty ones where there is no file or directory.

    Raises:
        ConfigError: The file is not what it should be; names file, line and key.
        MachineError: The file cannot be read.
    """
    if directory is None:
        return LocalSettings()
    path = directory / LOCAL_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return LocalSettings()
    except OSError as error:
        message = f"cannot read '{path}': {error.strerror}"
        raise MachineError(message, where=str(path)) from error
    fields = read_fields(text, str(path))
    fields.only(_KEYS)
    return LocalSettings(*(fields.optional_text(key) for key in _KEYS))


def write_local(directory: Path, settings: LocalSettings) -> None:
    """Replaces the settings in a state directory, which is made where it is missing.

    Raises:
        MachineError: The file cannot be written.
    """
    import tomlkit  # reading needs no writer, and most runs only read

    document = tomlkit.document()
    for key in _KEYS:
        value = getattr(settings, key)
        if value is not None:
            document[key] = value
    text = _HEADER + tomlkit.dumps(document)
    path = directory / LOCAL_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _replace(path, text.encode())
    except OSError as error:
        message = f"cannot write '{path}': {error.strerror}"
        raise MachineError(message, where=str(path)) from error


def _replace(path: Path, text: bytes) -> None:
    # A temporary file of mkstemp has mode 0600 from its first moment.
    handle, temporary = tempfile.mkstemp(prefix=".local-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
