"""What a repository that several users share gives them of the files that are made in it.

Without it, a log or a directory that gitexport makes first keeps the others from committing
and pushing. libgit2 does not look at the setting, but keeps to the umask as git does.

Source: Documentation/config/core.txt of git, "core.sharedRepository".
"""

from __future__ import annotations

from gitexport.store.git_errors import translated
from gitexport.store.repository import DataRepository

_GROUP, _ALL = 0o070, 0o075
_WORDS = {
    "true": _GROUP, "yes": _GROUP, "on": _GROUP, "group": _GROUP, "1": _GROUP,
    "all": _ALL, "world": _ALL, "everybody": _ALL, "2": _ALL, "3": _ALL,
}  # fmt: skip


def shared_bits(repository: DataRepository) -> int:
    """Gives the bits that no umask may take from the files of a repository; mostly none.

    Raises:
        CorruptRepositoryError: The configuration cannot be read.
    """
    with translated("the configuration cannot be read"):
        config = repository.pygit().config
        name = "core.sharedrepository"
        value = str(config[name]).lower() if name in config else ""
    if value in _WORDS:
        return _WORDS[value]
    try:
        mode = int(value, 8) & 0o066
    except ValueError:
        return 0
    # Who may read a directory has to be able to enter it.
    return mode | (mode & 0o044) >> 2
