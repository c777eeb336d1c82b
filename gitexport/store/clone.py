"""Clones a repository for reading, bare, into a directory of the caller's."""

from __future__ import annotations

import re
from pathlib import Path

from gitexport.errors import PublishError, UsageError
from gitexport.store.git_program import PLAIN_FORMAT, GitCall, run_git
from gitexport.store.remote import connection_environment, printable, unsafe_url
from gitexport.store.repository import DataRepository

_CLONE_SECONDS = 3600.0
_SETTINGS = (
    "transfer.fsckObjects=true",
    # Whoever sent the repository must not run anything here.
    "core.hooksPath=/dev/null",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=300",
)
# What scp understands: a host, a colon, a path; a colon after a slash is one of a file's name.
_SCP = r"(?s)(?:[\w.+-]+@)?[\w.-]+:(?!//).*|[A-Za-z][A-Za-z0-9+.-]*://.*"


def is_url(text: str) -> bool:
    """Tells whether a text names a repository elsewhere: a URL, or `host:path` for ssh."""
    return re.fullmatch(_SCP, text) is not None


def clone_bare(url: str, directory: Path) -> DataRepository:
    """Clones with the git program, objects checked, and opens what came.

    Raises:
        UsageError: The URL holds a password or names a transport that is not served, or what
            came is no repository that can be read.
        PublishError: There is nothing to clone, or it gave no answer.
    """
    reason = unsafe_url(url)
    if reason is not None:
        message = f"the source {reason}"
        hint = "name it without credentials, as an https, ssh or file URL"
        raise UsageError(message, where="SOURCE", hint=hint)
    name = printable(url)
    target = directory / "clone.git"
    arguments = ["clone", "--bare", "--quiet", "--no-local", "--", url, str(target)]
    call = GitCall(
        settings=_SETTINGS,
        environment=(*connection_environment(), *PLAIN_FORMAT),
        timeout_seconds=_CLONE_SECONDS,
    )
    output = run_git(directory, arguments, call)
    if output.returncode != 0:
        message = f"cannot clone '{name}': {printable(output.reason)}"
        raise PublishError(message, where=name, hint=f"try 'git ls-remote {name}'")
    return DataRepository.open(target)
