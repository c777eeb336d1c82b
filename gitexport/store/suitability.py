"""Which git repositories gitexport can serve, and what to change in the others.

libgit2 cannot read some formats, and reads others as if they were plain ones (a sparse
checkout looks like mass deletion, a shallow clone answers ancestry wrongly). All of them are
refused with the setting to change, before anything is read from them.

Source: Documentation/gitrepository-layout.txt, Documentation/config/extensions.txt of git.
"""

from __future__ import annotations

import re
from pathlib import Path

import pygit2

from gitexport.errors import CorruptRepositoryError, GitExportError, MachineError, UsageError
from gitexport.store.git_errors import translated
from gitexport.store.git_program import check_git

_FORMATS = (
    (
        "unknown object format",
        "uses SHA-256 object ids",
        "make a repository with 'git init --object-format=sha1'",
    ),
    (
        "extensions.refstorage",
        "keeps its refs in a reftable",
        "run 'git refs migrate --ref-format=files'",
    ),
    (
        "unsupported repository version",
        "has a newer format (core.repositoryFormatVersion) than libgit2 reads",
        "upgrade pygit2, or export into a repository that 'gitexport init' makes",
    ),
)
_SYNTAX = re.compile(r"failed to parse config file: (?P<reason>.*) \(in (?P<place>.*)\)")
_EXTENSION = re.compile(r"unsupported extension name (\S+)")


def why_not_opened(path: Path, error: GitExportError) -> GitExportError:
    """Finds the plain reason why libgit2 could not open a repository."""
    where = str(path)
    text = error.message
    if "not owned by current user" in text:
        message = f"the repository '{path}' belongs to another user"
        hint = f"run 'git config --global --add safe.directory {path}', or as its owner"
        return MachineError(message, where=where, hint=hint)
    lower = text.lower()
    for sign, property_, hint in _FORMATS:
        if sign in lower:
            message = f"the repository '{path}' {property_}, which gitexport cannot use"
            return UsageError(message, where=where, hint=hint)
    extension = _EXTENSION.search(text)
    if extension is not None:
        return _unknown_extension(path, extension[1])
    syntax = _SYNTAX.search(text)
    if syntax is not None:
        message = f"git's configuration cannot be read: {syntax['reason']}"
        return UsageError(message, where=syntax["place"], hint="correct the file at this line")
    if "repository not found" in lower:
        return _not_found(path)
    return error


def refuse_unsuitable(handle: pygit2.Repository, path: Path) -> None:
    """Refuses an open repository that would be read wrongly.

    Raises:
        UsageError: It is shallow, partial, sparse, or its index is split; the hint names the
            way out.
        CorruptRepositoryError: HEAD is damaged.
    """
    with translated("HEAD cannot be read"):
        handle.lookup_reference("HEAD")
    with translated(f"the configuration of '{path}' cannot be read"):
        found = _unsuitable(handle)
    if found is not None:
        property_, hint = found
        message = f"the repository '{path}' {property_}, which gitexport cannot use"
        raise UsageError(message, where=str(path), hint=hint)


def _unsuitable(handle: pygit2.Repository) -> tuple[str, str] | None:
    config = handle.config
    if handle.is_shallow:
        return "is shallow", "run 'git fetch --unshallow'"
    promisors = [
        entry.name.split(".", 1)[1].rsplit(".", 1)[0]
        for entry in config
        if entry.name.startswith("remote.") and entry.name.endswith(".promisor")
    ]
    if promisors or "extensions.partialclone" in config:
        name = promisors[0] if promisors else config["extensions.partialclone"]
        hint = f"clone again without --filter ('remote.{name}.promisor' is set)"
        return "is a partial clone", hint
    if _is_on(config, "index.sparse") or _is_on(config, "core.sparsecheckout"):
        return "is checked out in part (core.sparseCheckout)", "run 'git sparse-checkout disable'"
    if _is_on(config, "core.splitindex") or _has_split_index(Path(handle.path)):
        hint = "run 'git config core.splitIndex false && git update-index --no-split-index'"
        return "has a split index (core.splitIndex)", hint
    return None


def _unknown_extension(path: Path, name: str) -> UsageError:
    message = f"the repository '{path}' uses '{name}', which libgit2 cannot read"
    # A git that does not know it either finds no repository, and 'git config' fails.
    hint = (
        "export into a repository that 'gitexport init' makes, or, where nothing needs it,"
        " remove its line from the repository's file 'config'"
    )
    return UsageError(message, where=str(path), hint=hint)


def _has_split_index(gitdir: Path) -> bool:
    # Once the index is whole again, git keeps the shared part for two weeks more.
    if not any(gitdir.glob("sharedindex.*")):
        return False
    return bool(check_git(gitdir, ["rev-parse", "--shared-index-path"]).strip())


def _is_on(config: pygit2.Config, name: str) -> bool:
    return name in config and config.get_bool(name)


def _not_found(path: Path) -> GitExportError:
    where = str(path)
    inner = path / ".git" if (path / ".git").is_dir() else path
    if (inner / "objects").is_dir() and not (inner / "HEAD").is_file():
        message = f"'{inner / 'HEAD'}' is missing"
        hint = f"if the branch is main: echo 'ref: refs/heads/main' > '{inner / 'HEAD'}'"
        return CorruptRepositoryError(message, where=str(inner / "HEAD"), hint=hint)
    message = f"'{path}' is not a git repository"
    return UsageError(message, where=where, hint=f"run 'gitexport init {path}'")
