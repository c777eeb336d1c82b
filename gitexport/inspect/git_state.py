"""Looks at a data repository as git sees it: settings, locks, index, hooks, remote."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gitexport.errors import GitExportError, SourceError
from gitexport.export.view import is_shown, unfinished_commit
from gitexport.inspect.behind import files_behind
from gitexport.inspect.finding import Finding, error, failed, ok, warning
from gitexport.model.entity import MANIFEST_PATH, Publication
from gitexport.model.snapshot import ObjectId
from gitexport.store.health import (
    hooks_directory,
    normalises_text,
    object_bytes,
    old_locks,
    unwanted_settings,
)
from gitexport.store.journal import read_state
from gitexport.store.lock import lock_holder
from gitexport.store.maintenance import MAXIMUM_PACKS, pack_count
from gitexport.store.recovery import repairs_needed
from gitexport.store.remote import remote_url
from gitexport.store.repository import DataRepository
from gitexport.store.status_check import edited_files
from gitexport.store.upstream import asked_upstream, known_upstream

_REPAIR = "gitexport doctor --repair"
_HOST_BYTES = 5_000_000_000
_DECISION, _MACHINE = 6, 10
_ALL = 2**32
_LOOKED_AT = 1000


def check_repository(repository: DataRepository, branch: str) -> Iterator[Finding]:
    """Looks at the repository's kind, owner, settings and size."""
    kind = "bare" if repository.is_bare else "with a working tree"
    yield ok("repository", f"{repository.path} ({kind})")
    if not os.access(repository.objects, os.W_OK | os.X_OK):
        message = f"'{repository.objects}' cannot be written"
        yield error("repository", message, "run as its owner", _MACHINE)
    owner = repository.path.stat().st_uid
    if owner != os.geteuid():
        message = f"the repository belongs to user {owner}, not to user {os.geteuid()}"
        yield warning("repository", message, "run as its owner, or its files change hands")
    for name, value, wanted in unwanted_settings(repository):
        message = f"'{name}' is '{value or 'not set'}', so git may change or drop what is exported"
        yield warning("settings", message, f"git config {name} {wanted}, or {_REPAIR}")
    if _normalises(repository):
        message = "git may change the line ends of documents: .gitattributes does not forbid it"
        yield warning("settings", message, "run 'gitexport init' again, which completes it")
    if pack_count(repository) > 2 * MAXIMUM_PACKS:
        message = f"there are {pack_count(repository)} packs, which slows every reading down"
        yield warning("size", message, "git repack -d --geometric=2")
    size = object_bytes(repository)
    if size > _HOST_BYTES:
        message = f"the history has {size:,} bytes; public hosts ask for less than {_HOST_BYTES:,}"
        yield warning("size", message, "publish to a host without that limit, or fewer columns")
    if not repository.is_bare and repository.checked_out_branch() != branch:
        message = f"'{branch}' is not checked out, so exports leave the working tree as it is"
        yield warning("branch", message, f"git checkout {branch}")


def check_state(repository: DataRepository, branch: str) -> Iterator[Finding]:
    """Looks at locks, unfinished work, and the index."""
    holder = lock_holder(repository)
    if holder is not None:
        yield ok("lock", f"a run is at work: {holder}")
    else:
        yield from _unfinished(repository, branch)
    for message, fix in read_state(repository).unmarked.values():
        yield error("pending", message, fix, SourceError.exit_code)
    for path in old_locks(repository):
        message = f"'{path}' is in the way of git and gitexport, and no git is at work"
        yield error("lock", message, f"if no git runs on another machine: rm '{path}'", _DECISION)
    yield from _operation(repository, branch)
    if repository.worktree is None:
        return
    try:
        differing = edited_files(
            repository.gitdir, repository.worktree, limit=_LOOKED_AT, most=_ALL
        )
        behind = files_behind(repository, branch, differing or [])
    except GitExportError as failure:
        fix = f"{_REPAIR}, which makes it anew and keeps the files"
        yield error("index", failure.message, fix, failure.exit_code)
        return
    edited = [path for path in differing or [] if path not in behind]
    if behind:
        message = f"files are still those of an earlier snapshot: {', '.join(sorted(behind)[:3])}"
        yield warning("index", message, f"{_REPAIR}, or the next export; do not commit them")
    if edited:
        message = f"files differ from the last commit: {', '.join(edited[:3])}"
        yield warning("index", message, "commit them, or git checkout -- them")
    elif not behind:
        yield ok("index", "the working tree is as committed")


def _operation(repository: DataRepository, branch: str) -> Iterator[Finding]:
    operation = repository.operation_in_progress()
    if unfinished_commit(repository, branch) is not None:
        message = f"a {operation} is unfinished, and exports wait until it is concluded"
        yield error("index", message, f"finish it, or git {operation} --abort", _DECISION)
    elif operation is not None and not is_shown(repository, branch):
        message = f"a {operation} is unfinished, so exports leave the working tree as it is"
        yield warning("index", message, f"finish it, or git {operation} --abort")


def check_hooks(repository: DataRepository) -> Iterator[Finding]:
    """Looks at the hooks that git would run."""
    directory = hooks_directory(repository)
    hook = directory / "pre-commit"
    if not hook.exists():
        yield ok("hooks", "no pre-commit hook; 'gitexport hooks install' offers one")
    elif not os.access(hook, os.X_OK):
        yield warning("hooks", f"'{hook}' cannot be executed", f"chmod +x '{hook}'")
    else:
        yield ok("hooks", "a pre-commit hook is there")


def check_remote(
    repository: DataRepository, publication: Publication, tip: ObjectId | None
) -> Iterator[Finding]:
    """Looks at the remote's URL, and asks it for its branch."""
    name, branch = publication.remote, publication.branch
    if tip is None or known_upstream(repository, name, branch, tip) is None:
        yield ok("remote", f"no remote '{name}' is configured, so nothing is published")
        return
    try:
        remote_url(repository, name)
        upstream = asked_upstream(repository, name, branch, tip)
    except GitExportError as failure:
        yield failed("remote", failure)
        return
    if upstream.tip is not None and upstream.ahead is None:
        message = f"'{name}' has commits that are not here"
        yield warning("remote", message, "run 'gitexport push', which joins them")
    else:
        yield ok("remote", f"'{name}' answers")


def _normalises(repository: DataRepository) -> bool:
    if repository.is_bare:
        # Nothing is checked out here, and git would not look for the file in a commit.
        return False
    try:
        return normalises_text(repository, MANIFEST_PATH)
    except GitExportError:
        # git cannot read the index, which is a finding of its own.
        return False


def _unfinished(repository: DataRepository, branch: str) -> Iterator[Finding]:
    repairs = repairs_needed(repository, branch)
    for repair in repairs:
        yield warning("recovery", repair, f"{_REPAIR}, or the next export")
    if not repairs:
        yield ok("recovery", "the last run ended as it should")
