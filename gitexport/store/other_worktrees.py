"""The other working trees of a repository, which `git worktree add` makes.

Source: gitrepository-layout(5), "worktrees"; git-worktree(1), "DETAILS".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gitexport.store.git_errors import machine_error
from gitexport.store.repository import DataRepository


def shown_elsewhere(repository: DataRepository, branch: str) -> Path | None:
    """Names another working tree of the repository that has a branch checked out or rebases it.

    One whose directory is gone does not count; `git worktree prune` forgets it.

    Raises:
        MachineError: What git keeps of a working tree cannot be read.
    """
    try:
        for gitdir, worktree in _others(repository):
            head = (gitdir / "HEAD").read_text("utf-8", "surrogateescape")
            is_shown = head.strip() == f"ref: refs/heads/{branch}"
            if (is_shown or is_rebased(gitdir, branch)) and worktree.is_dir():
                return worktree
    except OSError as error:
        raise machine_error(error) from error
    return None


def is_rebased(gitdir: Path, branch: str) -> bool:
    """Tells whether a rebase has begun that moves a branch when it ends.

    HEAD is detached meanwhile, and git does not let the branch be moved by others, either:
    the rebase could not end.
    """
    for directory in ("rebase-merge", "rebase-apply"):
        try:
            name = (gitdir / directory / "head-name").read_text("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            continue
        if name.strip() == f"refs/heads/{branch}":
            return True
    return False


def _others(repository: DataRepository) -> Iterator[tuple[Path, Path]]:
    """Yields the git directory and the working tree of each, but of the repository's own."""
    common = repository.common_dir
    if _has_first(repository):
        yield common, common.parent
    for gitdir in sorted(common.glob("worktrees/*/")):
        link = gitdir / "gitdir"
        # Git names the `.git` file of a working tree, since 2.48 also by a relative path.
        if link.is_file() and not gitdir.samefile(repository.gitdir):
            named = link.read_text("utf-8", "surrogateescape").strip()
            yield gitdir, (gitdir / named).parent.resolve()


def _has_first(repository: DataRepository) -> bool:
    """Tells whether the working tree beside the common directory is another one.

    A bare repository may be named `.git`, too, and has working trees beside it only.
    """
    common = repository.common_dir
    if common.name != ".git" or common.samefile(repository.gitdir):
        return False
    config = repository.pygit().config
    return not ("core.bare" in config and config.get_bool("core.bare"))
