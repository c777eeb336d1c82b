"""Makes the directory of a database cluster with initdb, or takes one that is there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from gitexport.embedded.binaries import Binaries
from gitexport.embedded.identity import Identity
from gitexport.errors import GitExportError, MachineError, SourceError

_LOCALES = ("C.UTF-8", "C")
OTHER_SERVER = "use a server of your own: gitexport init DIR --dsn DSN"
"""The way on where no server of ours can run."""


def server_environment() -> dict[str, str]:
    """Gives the environment of our server: nothing of the user's PG* or locale settings."""
    # TZ spares initdb the search for the name of the machine's time zone.
    return {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", "LC_ALL": "C"}


def create_cluster(binaries: Binaries, identity: Identity, directory: Path) -> Path:
    """Runs initdb in an empty directory that belongs to the server's user.

    Text compares by code point, and the encoding is UTF-8.

    Raises:
        SourceError: initdb failed.
        MachineError: The disk is full or the user may not write.
    """
    said = ""
    for locale in _LOCALES:
        command = [binaries.program("initdb"), "-D", str(directory), "-U", "postgres"]
        command += ["-E", "UTF8", f"--locale={locale}", "-A", "trust"]
        command += ["--no-sync", "--no-instructions"]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                cwd="/",
                env=server_environment(),
                umask=0o077,
                **identity.options(),
            )
        except OSError as error:
            message = f"cannot run 'initdb': {error.strerror}"
            raise MachineError(
                message,
                where=str(binaries.directory),
                hint=f"run as a normal user, or {OTHER_SERVER}",
            ) from error
        if done.returncode == 0:
            return directory
        said = done.stdout
    failure = explain_failure("cannot make a database cluster", said, directory)
    raise failure


def adopt_cluster(binaries: Binaries, identity: Identity, directory: Path) -> Path:
    """Uses the cluster in a directory, or makes one where the directory is empty or missing.

    Raises:
        SourceError: The cluster belongs to another major version, or initdb failed.
        MachineError: The server's user cannot use the directory.
    """
    try:
        if not directory.exists():
            return _create_there(binaries, identity, directory)
        seen = directory.stat()
        is_new = not any(directory.iterdir())
    except OSError as error:
        message = f"cannot use '{directory}' for a database: {error.strerror}"
        raise MachineError(message, where=str(directory), hint="choose another folder") from error
    if seen.st_uid != identity.user:
        message = f"'{directory}' does not belong to the server's user (uid {identity.user})"
        raise MachineError(
            message, where=str(directory), hint="name a folder that does not exist yet"
        )
    if is_new:
        return create_cluster(binaries, identity, directory)
    _check_version(binaries, directory)
    return directory


def _create_there(binaries: Binaries, identity: Identity, directory: Path) -> Path:
    directory.mkdir(mode=0o700)
    try:
        if identity.is_other:
            os.chown(directory, identity.user, identity.group)
        return create_cluster(binaries, identity, directory)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _check_version(binaries: Binaries, directory: Path) -> None:
    try:
        made_by = (directory / "PG_VERSION").read_text().strip()
    except FileNotFoundError as error:
        message = f"'{directory}' is not empty and holds no database cluster"
        raise SourceError(message, where=str(directory), hint="choose another folder") from error
    if made_by != binaries.version.partition(".")[0]:
        message = f"the cluster was made by PostgreSQL {made_by}, the server is {binaries.version}"
        raise SourceError(
            message, where=str(directory), hint="set GITEXPORT_PG_BIN, or use another folder"
        )


def explain_failure(what: str, said: str, where: Path) -> GitExportError:
    """Makes an error of what a program of PostgreSQL printed before it ended."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "error:" in line or "PANIC" in line]
    reason = (telling or lines or ["it said nothing"])[-1]
    reason = reason.rpartition("FATAL:")[2].rpartition("error:")[2].strip()
    text = f"{what}: {reason}"
    if "No space left on device" in said:
        return MachineError(text, where=str(where), hint="free some disk space, or set TMPDIR")
    if "Permission denied" in said:
        return MachineError(
            text, where=str(where), hint="choose a folder that the server's user can enter"
        )
    if "could not create shared memory" in said or "Cannot allocate memory" in said:
        return MachineError(text, where=str(where), hint="free some memory")
    if "could not look up effective user ID" in said:
        hint = f"run as a user that the list of users (/etc/passwd) knows, or {OTHER_SERVER}"
        return SourceError(text, where=str(where), hint=hint)
    return SourceError(text, where=str(where), hint=OTHER_SERVER)
