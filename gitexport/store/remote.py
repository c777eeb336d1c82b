"""Talks to a remote through the git program: its URL, its refs, fetching a branch.

The git program brings what people have set up for their remotes: credential helpers, ssh
configuration, proxies. Nothing is ever asked: without working credentials it fails. A URL that
holds a password is refused, since it would end up in logs and in copies of `.git/config`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from gitexport.errors import PublishError, UsageError
from gitexport.model.snapshot import ObjectId
from gitexport.store.git_errors import translated
from gitexport.store.git_program import GitCall, GitOutput, run_git
from gitexport.store.repository import DataRepository

_LISTING_SECONDS = 300.0
_FETCH_SECONDS = 3600.0
_SCHEMES = frozenset(("https", "http", "ssh", "git+ssh", "ssh+git", "file", "git"))
_SSH_SCHEMES = frozenset(("ssh", "git+ssh", "ssh+git"))
_CREDENTIALS = "has a URL that holds credentials"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PLACE = re.compile(r"[:/\\\s]|^\.")
_HELPER = re.compile(r"[A-Za-z0-9]+::")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# No prompt of ssh can be answered, and a server that went away must not hold a run for ever.
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=15 -oServerAliveCountMax=8"
_HTTP_SETTINGS = (("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", "300"))
# As many as a command line surely holds; more are found in the full listing.
_MOST_PATTERNS = 200


def remotes(repository: DataRepository) -> list[str]:
    """Lists the names of all remotes."""
    with translated("the remotes cannot be listed"):
        return sorted(name for name in repository.pygit().remotes.names() if name)


def remote_url(repository: DataRepository, remote: str) -> str:
    """Gives the URL that pushes go to, as configured.

    Raises:
        UsageError: There is no such remote, or its URL holds a password or names a transport
            that is not served.
    """
    if _CONTROL.search(remote):
        raise _unknown(remote)
    with translated(f"the configuration of the remote '{remote}' cannot be read"):
        config = repository.pygit().config
        urls = [
            str(config[name])
            for name in (f"remote.{remote}.pushurl", f"remote.{remote}.url")
            if name in config
        ]
    if not urls:
        raise _unknown(remote)
    for url in urls:
        _refuse_unsafe(remote, url)
    return urls[0]


def ls_remote(
    repository: DataRepository,
    remote: str,
    names: Sequence[str] = (),
    *,
    timeout_seconds: float = _LISTING_SECONDS,
) -> dict[str, ObjectId]:
    """Lists the remote's branches and tags, or those of the given full names that exist.

    Raises:
        PublishError: The remote gave no answer.
        UsageError: There is no such remote.
    """
    wanted = frozenset(names)
    patterns = list(names) if len(names) <= _MOST_PATTERNS else []
    output = call_remote(
        repository, remote, ["ls-remote", "--refs", "--", remote, *patterns], timeout_seconds
    )
    if output.returncode != 0:
        raise refused(remote, output, "read the refs of")
    listed: dict[str, ObjectId] = {}
    for line in output.stdout.decode("utf-8", "replace").splitlines():
        object_id, _tab, name = line.partition("\t")
        if not wanted or name in wanted:
            listed[name] = ObjectId(object_id)
    return listed


def fetch_branch(repository: DataRepository, remote: str, branch: str) -> None:
    """Fetches a branch's objects, checked, and moves the remote-tracking ref; no tags.

    Raises:
        PublishError: The remote gave no answer, or sent objects that are not sound.
    """
    refspec = f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}"
    options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-gc"]
    output = call_remote(
        repository, remote, ["fetch", *options, "--", remote, refspec], _FETCH_SECONDS
    )
    if output.returncode != 0:
        raise refused(remote, output, "fetch from")


def call_remote(
    repository: DataRepository, remote: str, arguments: Sequence[str], timeout_seconds: float
) -> GitOutput:
    """Runs a git command that speaks with a remote, with limits for servers that went away.

    Raises:
        UsageError: There is no such remote, or its URL is refused.
        MachineError: git cannot be run.
    """
    remote_url(repository, remote)
    config = repository.pygit().config
    settings = ["fetch.fsckObjects=true"]
    settings += [f"{name}={value}" for name, value in _HTTP_SETTINGS if name not in config]
    environment = () if "core.sshCommand" in config else connection_environment()
    call = GitCall(
        gitdir=repository.gitdir,
        settings=tuple(settings),
        environment=environment,
        timeout_seconds=timeout_seconds,
    )
    return run_git(repository.path, arguments, call)


def connection_environment() -> tuple[tuple[str, str], ...]:
    """Gives what keeps ssh from asking and from waiting for ever, unless people set their own."""
    own = {"GIT_SSH", "GIT_SSH_COMMAND"} & set(os.environ)
    return () if own else (("GIT_SSH_COMMAND", _SSH),)


def refused(remote: str, output: GitOutput, what: str) -> PublishError:
    """Says what a remote did not do, in its own words where it has any."""
    words = server_words(output.stderr) or printable(output.reason)
    hint = f"try 'git ls-remote {remote}'; nothing is lost, run 'gitexport push' again"
    return PublishError(f"cannot {what} the remote '{remote}': {words}", where=remote, hint=hint)


def server_words(stderr: str) -> str:
    """Joins what the server said (git marks it `remote:`) into one printable line."""
    lines = [
        line.removeprefix("remote:").strip()
        for line in stderr.replace("\r", "\n").splitlines()
        if line.startswith("remote:")
    ]
    return printable("; ".join(line for line in lines if line.strip("=- ")))


def printable(text: str) -> str:
    """Makes one short line of a stranger's text, without control characters."""
    line = _CONTROL.sub(" ", text).strip()
    return line if len(line) <= 500 else f"{line[:499]}…"  # noqa: PLR2004 - a readable message


def unsafe_url(url: str) -> str | None:
    """Says what is wrong with a URL that would run a helper or holds credentials, if anything."""
    if _HELPER.match(url):
        return f"uses the transport '{url.partition('::')[0]}::'"
    if not _URL.match(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return "has a URL that cannot be read"
    if parts.scheme.lower() not in _SCHEMES:
        return f"uses the transport '{parts.scheme}'"
    # The user name of ssh is no secret; in an https URL it often is a token.
    has_secret = "@" in parts.netloc and (
        parts.password is not None or parts.scheme.lower() not in _SSH_SCHEMES
    )
    return _CREDENTIALS if has_secret else None


def _unknown(remote: str) -> UsageError:
    if _PLACE.search(remote):
        # It is not repeated, as it may hold a password.
        message = "a URL or a path is no name of a remote, and only to remotes is published"
        return UsageError(message, hint="run 'git remote add NAME URL', then 'gitexport push NAME'")
    message = f"there is no remote '{remote}'"
    return UsageError(message, where=remote, hint=f"run 'git remote add {remote} URL'")


def _refuse_unsafe(remote: str, url: str) -> None:
    reason = unsafe_url(url)
    if reason is None:
        return
    hint = f"run 'git remote set-url {remote} URL' with an https or ssh URL"
    if reason == _CREDENTIALS:
        hint = (
            f"run 'git remote set-url {remote} URL' without them, and store them with"
            " 'git config credential.helper store' or use ssh"
        )
    message = f"the remote '{remote}' {reason}"
    raise UsageError(message, where=remote, hint=hint)
