"""Tells a repository's git how to show and to merge documents, and takes exactly that away again.

`.gitattributes` names the drivers for the managed paths; what they run stands in the
repository's own configuration, as git never takes programs from a clone. Where the program is
gone, git shows and merges plain lines. Source: gitattributes(5), "diff" and "merge".
"""

from __future__ import annotations

from pathlib import Path

from gitexport.setup.hook_files import quote
from gitexport.store.git_program import GitCall, GitOutput, check_git, run_git
from gitexport.store.repository import DataRepository

_FIND = 'p=%s; command -v "$p" >/dev/null 2>&1 || p=gitexport; if command -v "$p" >/dev/null 2>&1;'
# git adds the file as "$@", and puts the names of the three sides in the place of %O %A %B.
_TEXTCONV = ' then set -- textconv "$@"; else p=cat; fi; "$p"'
_MERGE = ' then "$p" merge-driver %O %A %B %P; else git merge-file %A %O %B; fi'
_NAME = "gitexport, field by field"
_SECTIONS = ("diff.gitexport", "merge.gitexport")


def install_drivers(repository: DataRepository, program: Path | None) -> list[str]:
    """Sets the drivers; gives the names of settings of people that were left as they are.

    Raises:
        MachineError: git cannot write its configuration.
    """
    kept = []
    for name, value in _settings(program).items():
        if _is_ours(name, _read(repository, name)):
            _set(repository, "--replace-all", name, value)
        else:
            kept.append(name)
    return kept


def uninstall_drivers(repository: DataRepository) -> bool:
    """Removes what `install_drivers` set, and tells whether there was anything.

    Raises:
        MachineError: git cannot write its configuration.
    """
    found = False
    for name in _settings(None):
        value = _read(repository, name)
        if value is not None and _is_ours(name, value):
            _set(repository, "--unset-all", name)
            found = True
    for section in _SECTIONS:
        # git leaves the heads of empty sections behind.
        pattern = f"^{section.replace('.', '[.]')}[.]"
        left = _config(repository, "--get-regexp", pattern)
        if found and not left.stdout:
            _config(repository, "--remove-section", section)
    return found


def _settings(program: Path | None) -> dict[str, str]:
    found = _FIND.replace("%s", quote(str(program or "gitexport")))
    # In a merge driver a percent sign begins a placeholder.
    return {
        "diff.gitexport.textconv": found + _TEXTCONV,
        "merge.gitexport.name": _NAME,
        "merge.gitexport.driver": found.replace("%", "%%") + _MERGE,
    }


def _is_ours(name: str, value: str | None) -> bool:
    if value is None or name == "merge.gitexport.name":
        return value in {None, _NAME}
    start, _, end = _FIND.partition("%s")
    after = _MERGE if name.startswith("merge.") else _TEXTCONV
    return value.startswith(start) and value.endswith(end + after)


def _read(repository: DataRepository, name: str) -> str | None:
    output = _config(repository, "-z", "--get-all", name)
    values = output.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return "\0".join(values) if values else None


def _set(repository: DataRepository, *arguments: str) -> None:
    call = GitCall(gitdir=repository.gitdir)
    check_git(repository.path, ["config", "--local", *arguments], call)


def _config(repository: DataRepository, *arguments: str) -> GitOutput:
    call = GitCall(gitdir=repository.gitdir)
    return run_git(repository.path, ["config", "--local", *arguments], call)
