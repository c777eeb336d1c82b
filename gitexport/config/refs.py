"""Checks of what the configuration says about git: branch, remote, version.

Source of the rules for branch names: git-check-ref-format(1).
"""

from __future__ import annotations

import re

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
    """Gives the name of a remote back if git allows it.

    Where a remote is, and with which password, is said in git's own configuration: what stands
    here is published, and would send the pushes of whoever clones it somewhere.

    Raises:
        ValueError: It is no name, but a URL or a path, say. The message never repeats a URL,
            which may hold a secret.
    """
    if ":" in text or text.startswith(("/", ".", "~")):
        message = (
            "the remote is given as a URL or a path, which belongs in git's configuration:"
            " run 'git remote add origin URL', and write remote = \"origin\""
        )
        raise ValueError(message)
    if _BAD_REF.search(text):
        message = f"'{text}' is not the name of a git remote"
        raise ValueError(message)
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
