"""Checks of what the configuration says about git: branch, remote, version.

Source of the rules for branch names: git-check-ref-format(1).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$|(?:^|/)\.|\.lock(?:/|$)|^-")
_SEMVER = re.compile(
    r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)


def check_branch(text: str) -> str:
    """Gives a branch's name back if git allows it.

    Raises:
        ValueError: It does not.
    """
    if not text or _BAD_REF.search(text) or text in {"@", "HEAD"} or text.startswith("refs/"):
        message = f"'{text}' is not the name of a branch"
        raise ValueError(message)
    return text


def check_remote(text: str) -> str:
    """Gives a remote's name or URL back if it holds no secret and runs no program.

    Raises:
        ValueError: It is neither a remote's name nor a plain URL. The message never repeats
            what stands before the host.
    """
    if "://" in text:
        _check_url(text)
    elif "::" in text:
        message = "a remote that runs a helper program is not allowed"
        raise ValueError(message)
    elif text.startswith("-") or any(char.isspace() for char in text):
        message = f"'{text}' is neither the name of a remote nor a URL"
        raise ValueError(message)
    elif ":" in text.partition("@")[0] and "@" in text:
        _refuse_user("")
    return text


def check_version(text: str) -> str:
    """Gives a version back if it is three numbers, as semantic versioning has them.

    Raises:
        ValueError: It is not. Source: https://semver.org.
    """
    if not _SEMVER.fullmatch(text):
        message = f"'{text}' is not a version such as 1.0.0"
        raise ValueError(message)
    return text


def _check_url(text: str) -> None:
    parts = urlsplit(text)
    host = parts.netloc.rpartition("@")[2]
    user = parts.netloc.rpartition("@")[0]
    if ":" in user or (user and parts.scheme != "ssh"):
        _refuse_user(f"{parts.scheme}://{host}{parts.path}")
    if parts.scheme not in {"https", "http", "ssh", "git", "file"}:
        message = f"the scheme '{parts.scheme}' is not one that gitexport pushes to"
        raise ValueError(message)


def _refuse_user(plain: str) -> None:
    shown = f"; write '{plain}'" if plain else ""
    message = (
        "a user or password in a remote's URL would be published with the configuration"
        f"{shown} and leave the secret to git's credential helper"
    )
    raise ValueError(message)
