"""Runs the git program: the one place where it is started.

Every call is an argument list, never a shell. The program gets no terminal and asks nothing,
speaks untranslated English, may not use the `ext::` transport, and does not see the variables
by which a surrounding git (a hook, an alias) points it to another repository.
What it prints is handed on without the credentials of URLs.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from gitexport.errors import MachineError
from gitexport.store.git_errors import machine_error

MINIMUM_VERSION = (2, 34)

PLAIN_FORMAT = (("GIT_DEFAULT_HASH", "sha1"), ("GIT_DEFAULT_REF_FORMAT", "files"))
"""Has `git init` and `git clone` make what libgit2 reads, whatever is the default here."""

_REPOSITORY_VARIABLES = frozenset(
    (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_CONFIG",
        "GIT_SHALLOW_FILE",
        "GIT_REPLACE_REF_BASE",
        "GIT_EXTERNAL_DIFF",
        "GIT_LITERAL_PATHSPECS",
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
    )
)
_USER_INFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/@\s'\"]+@")
_VERSION = re.compile(r"git version (\d+)\.(\d+)")
_SAYING_LITTLE = (
    "hint: ",
    "error: failed to push some refs",
    # What ssh or the server said stands before these.
    "fatal: Could not read from remote repository",
    "fatal: the remote end hung up",
    "fatal: The remote end hung up",
    "Please make sure you have the correct access rights",
    "and the repository exists",
)
_INSTALL_HINT = "install git 2.34 or later and put it on PATH"


class GitOutput(NamedTuple):
    """How the git program ended and what it printed; `stderr` is free of credentials."""

    returncode: int
    stdout: bytes
    stderr: str

    @property
    def reason(self) -> str:
        """The line of `stderr` that says most about a failure, without git's prefix."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        # These say only that there was a failure.
        telling = [line for line in lines if not line.startswith(_SAYING_LITTLE)]
        lines = telling or lines
        for prefix in ("fatal: ", "error: "):
            for line in lines:
                if line.startswith(prefix):
                    return line.removeprefix(prefix)
        return lines[-1] if lines else f"git ended with {self.returncode}"


class GitCall(NamedTuple):
    """How to run the git program.

    `settings` are `key=value` pairs given with `-c`. After `timeout_seconds` it is ended, with
    all that it started, and has failed.
    """

    gitdir: Path | None = None
    stdin: bytes | None = None
    settings: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    timeout_seconds: float | None = None


def run_git(directory: Path, arguments: Sequence[str], call: GitCall | None = None) -> GitOutput:
    """Runs the git program in a directory and waits for its end, whatever its exit code.

    Raises:
        MachineError: git is missing, too old, or cannot be started.
    """
    require_git()
    how = call or GitCall()
    command = ["git", "-c", "protocol.ext.allow=never"]
    for setting in how.settings:
        command += ["-c", setting]
    if how.gitdir is not None:
        command.append(f"--git-dir={how.gitdir}")
    return _run([*command, *arguments], directory, how)


def check_git(directory: Path, arguments: Sequence[str], call: GitCall | None = None) -> bytes:
    """Runs the git program and gives what it wrote to its standard output.

    Raises:
        MachineError: git is missing or failed; the message has its own words.
    """
    output = run_git(directory, arguments, call)
    if output.returncode != 0:
        verb = next((word for word in arguments if not word.startswith("-")), "git")
        message = f"'git {verb}' failed: {output.reason}"
        raise MachineError(message, where=str(directory))
    return output.stdout


@cache
def require_git() -> tuple[int, int]:
    """Gives the version of the git program.

    Raises:
        MachineError: git is missing or older than 2.34.
    """
    output = _run(["git", "--version"], Path("/"), GitCall(timeout_seconds=60))
    found = _VERSION.search(output.stdout.decode(errors="replace"))
    if found is None:
        message = f"cannot tell the version of git: {output.reason}"
        raise MachineError(message, hint=_INSTALL_HINT)
    version = (int(found.group(1)), int(found.group(2)))
    if version < MINIMUM_VERSION:
        message = f"git {version[0]}.{version[1]} is too old"
        raise MachineError(message, hint=_INSTALL_HINT)
    return version


def without_credentials(text: str) -> str:
    """Replaces the user information of URLs."""
    return _USER_INFO.sub(r"\g<scheme>***@", text)


def git_environment(extra: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """Gives the environment in which the git program runs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _REPOSITORY_VARIABLES and not name.startswith("GIT_TRACE")
    }
    return kept | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_PAGER": "cat"} | dict(extra)


def _run(command: list[str], directory: Path, how: GitCall) -> GitOutput:
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=git_environment(how.environment),
            stdin=subprocess.DEVNULL if how.stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # In a session of its own there is no terminal that ssh could ask on, and git's
            # children (ssh, remote helpers) can be ended together with it.
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if not directory.is_dir():
            raise machine_error(error, directory) from error
        message = "the git program was not found"
        raise MachineError(message, hint=_INSTALL_HINT) from error
    except OSError as error:
        raise machine_error(error) from error
    return _finish(process, how)


def _finish(process: subprocess.Popen[bytes], how: GitCall) -> GitOutput:
    with process:
        try:
            stdout, stderr = process.communicate(how.stdin, timeout=how.timeout_seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return GitOutput(
                -signal.SIGKILL, b"", f"no answer within {how.timeout_seconds:g} seconds"
            )
        except BaseException:
            _end(process)
            raise
    text = without_credentials(stderr.decode(errors="replace"))
    return GitOutput(process.returncode, stdout, text)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
