"""Which paths of the data repository the configuration may use.

A path that leaves the repository, reaches into `.git`, or means two files on one operating
system and one on another is refused before anything is read or written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gitexport.model.entity import CONFIG_PATH, MANIFEST_PATH, RELATIONS_DIRECTORY

_RESERVED = (CONFIG_PATH, MANIFEST_PATH, RELATIONS_DIRECTORY, ".gitattributes", ".gitmodules")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_GIT = re.compile(r"\.?git(?:~\d+)?[ .]*", re.IGNORECASE)
_LONGEST = 200


def check_path(text: str) -> str:
    """Gives a relative path back if it is safe on every operating system.

    Raises:
        ValueError: The path is absolute, leaves the repository, reaches into `.git`, or
            holds a name that some operating system refuses.
    """
    if text.startswith(("/", "~")) or re.match(r"[A-Za-z]:", text):
        message = f"'{text}' is an absolute path; paths are relative to the data repository"
        raise ValueError(message)
    if _FORBIDDEN.search(text):
        message = f"'{text}' holds a character that not every operating system allows"
        raise ValueError(message)
    for part in text.split("/"):
        _check_part(text, part)
    if folded(text) in _RESERVED or is_within(text, RELATIONS_DIRECTORY):
        message = f"'{text}' is kept for gitexport itself"
        raise ValueError(message)
    return text


def folded(path: str) -> str:
    """Gives the form in which two paths are equal on a system that ignores case."""
    return path.casefold()


def is_within(path: str, directory: str) -> bool:
    """Tells whether a path is a directory or lies under it, case ignored."""
    return folded(path + "/").startswith(folded(directory + "/"))


def overlapping(directory: str, others: Iterable[str]) -> str | None:
    """Finds a directory that holds this one, or lies in it."""
    return next(
        (other for other in others if is_within(directory, other) or is_within(other, directory)),
        None,
    )


def _check_part(text: str, part: str) -> None:
    if part in {"", "."}:
        message = f"'{text}' is not a plain path such as data/users"
    elif part == "..":
        message = f"'{text}' leaves the data repository"
    elif _GIT.fullmatch(part):
        message = f"'{text}' reaches into git's own directory"
    elif part[-1] in " ." or part[0] in " -" or _DEVICE.fullmatch(part) or len(part) > _LONGEST:
        message = f"'{text}' holds a name that not every operating system allows"
    else:
        return
    raise ValueError(message)
