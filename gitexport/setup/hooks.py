"""Installs git hooks and drivers beside people's own, and takes exactly those away again.

A hook that is there already is kept under another name and runs first. Only directories of
this repository are written to: hooks that several repositories share are left to their owner.
Each installed file ends with the digest of its other lines, so that one into which a person
wrote is known, whichever version made it, and is neither replaced nor removed.
Source: githooks(5), `core.hooksPath` in git-config(1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from gitexport.errors import UsageError
from gitexport.setup.git_drivers import install_drivers, uninstall_drivers
from gitexport.setup.hook_files import hook_names, hook_text
from gitexport.store.git_errors import machine_error
from gitexport.store.health import hooks_directory
from gitexport.store.repository import DataRepository

_MARK = b"# gitexport:"
_SEAL = "# sha256 of the lines above, so that edits are known: "
_OWN = ".gitexport"
_BEFORE = ".before-gitexport"
_CHAIN = """\
#!/bin/sh
# gitexport: runs the hook that was here before, then gitexport's own.
here=$(dirname "$0")
if [ -x "$here/{name}{before}" ]; then
    "$here/{name}{before}" "$@" || exit $?
fi
exec "$here/{name}{own}" "$@"
"""
# git hands the names of refs to both hooks on one standard input, which only one can read.
_CHAIN_READING = """\
#!/bin/sh
# gitexport: runs the hook that was here before, then gitexport's own.
here=$(dirname "$0")
input=$(cat; echo .)
if [ -x "$here/{name}{before}" ]; then
    printf %s "${{input%.}}" | "$here/{name}{before}" "$@" || exit $?
fi
printf %s "${{input%.}}" | "$here/{name}{own}" "$@"
"""
_READING = ("pre-push", "pre-receive")
_ON_SERVERS = "pre-receive"
_WITHOUT_WORKTREE = ("pre-push", _ON_SERVERS)


@dataclass(slots=True)
class HooksReport:
    """Which hooks were installed or removed, where, and which of them run after another one.

    `drivers` tells whether git was told, or told no longer, how to show and merge documents.
    """

    directory: Path
    installed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    chained: list[str] = field(default_factory=list)
    drivers: bool = False
    warnings: list[str] = field(default_factory=list)


def install_hooks(
    repository: DataRepository, program: Path | None, *, drivers_only: bool = False
) -> HooksReport:
    """Installs the hooks that fit the repository, and the drivers. May be run again.

    A bare repository gets those for receiving and pushing, any other one those for commits,
    checkouts and pushing. `program` is the gitexport that they run. A file that a person edited
    since it was installed stays as it is, with a warning. With `drivers_only` no hook is
    touched, whoever it belongs to.

    Raises:
        UsageError: The hooks are shared with others, or one of people cannot be kept; nothing
            was changed.
        MachineError: A file cannot be written.
    """
    report = HooksReport(hooks_directory(repository).resolve())
    if not drivers_only:
        _refuse_shared(repository, report.directory)
        _install_all(repository, report, program)
    kept = install_drivers(repository, program)
    report.warnings += [f"'{name}' was set by somebody else and is left as it is" for name in kept]
    report.drivers = True
    return report


def uninstall_hooks(repository: DataRepository) -> HooksReport:
    """Removes what `install_hooks` made, and puts back the hooks that were there.

    Looks where git looks for hooks and where it looked without `core.hooksPath`. A hook that a
    person edited since it was installed stays with all that it runs, with a warning.

    Raises:
        MachineError: A file cannot be removed.
    """
    report = HooksReport(hooks_directory(repository).resolve())
    usual = (repository.common_dir / "hooks").resolve()
    try:
        for directory in dict.fromkeys((report.directory, usual)):
            for name in hook_names():
                _uninstall(report, directory, name)
    except OSError as error:
        raise machine_error(error, report.directory) from error
    report.drivers = uninstall_drivers(repository)
    return report


def _fits(repository: DataRepository, name: str) -> bool:
    return name in _WITHOUT_WORKTREE if repository.is_bare else name != _ON_SERVERS


def _refuse_shared(repository: DataRepository, directory: Path) -> None:
    own = [repository.common_dir.resolve(), repository.path.resolve()]
    if not any(directory.is_relative_to(top) for top in own):
        message = f"core.hooksPath is '{directory}', which other repositories may share"
        hint = (
            "call 'gitexport hooks run NAME \"$@\"' from the hooks there, and run "
            "'gitexport hooks install --drivers-only'; or unset core.hooksPath"
        )
        raise UsageError(message, where=str(directory), hint=hint)


def _install_all(repository: DataRepository, report: HooksReport, program: Path | None) -> None:
    names = [name for name in hook_names() if _fits(repository, name)]
    for name in names:
        _refuse_unkeepable(repository, report.directory, name)
    try:
        report.directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            _install(report, name, hook_text(name, program))
    except OSError as error:
        raise machine_error(error, report.directory) from error


def _refuse_unkeepable(repository: DataRepository, directory: Path, name: str) -> None:
    hook = directory / name
    before = directory / f"{name}{_BEFORE}"
    if not _is_there(hook) or _is_ours(hook):
        return
    if not directory.is_relative_to(repository.common_dir.resolve()):
        message = f"'{hook}' is a file of the working tree"
        hint = f"add the line 'gitexport hooks run {name} \"$@\"' to it"
        raise UsageError(message, where=str(hook), hint=hint)
    if _is_there(before):
        message = f"'{before}' is there already, and so is another hook"
        raise UsageError(message, where=str(before), hint="join the two by hand")


def _install(report: HooksReport, name: str, text: str) -> None:
    hook = report.directory / name
    before = report.directory / f"{name}{_BEFORE}"
    own = report.directory / f"{name}{_OWN}"
    if _is_edited(hook):
        _warn_of_edits(report, hook, before)
        if _is_ours(own):
            _renew(report, own, before, text)
        return
    if _is_there(hook) and not _is_ours(hook):
        hook.rename(before)
    if _is_there(before):
        chain = _CHAIN_READING if name in _READING else _CHAIN
        _renew(report, own, before, text)
        _write(hook, chain.format(name=name, before=_BEFORE, own=_OWN))
        report.chained.append(name)
    else:
        _write(hook, text)
    report.installed.append(name)


def _renew(report: HooksReport, path: Path, before: Path, text: str) -> None:
    if _is_edited(path):
        _warn_of_edits(report, path, before)
    else:
        _write(path, text)


def _warn_of_edits(report: HooksReport, path: Path, before: Path) -> None:
    report.warnings.append(
        f"'{path.name}' was edited since it was installed and is left as it is; to have it "
        f"renewed, move your lines to '{before.name}', which runs first, delete '{path.name}', "
        "and run 'gitexport hooks install'"
    )


def _uninstall(report: HooksReport, directory: Path, name: str) -> None:
    hook = directory / name
    before = directory / f"{name}{_BEFORE}"
    own = directory / f"{name}{_OWN}"
    if _is_edited(hook):
        report.warnings.append(
            f"'{hook.name}' was edited since it was installed and is left as it is, and still "
            "runs gitexport; take your lines out of it and delete it"
        )
        return
    if _is_edited(own):
        report.warnings.append(
            f"'{own.name}' was edited since it was installed and is left as it is; nothing runs it"
        )
    elif _is_ours(own):
        own.unlink()
    if _is_ours(hook):
        hook.unlink()
        report.removed.append(name)
        if _is_there(before):
            before.rename(hook)
    elif _is_there(before):
        report.warnings.append(
            f"'{hook.name}' was replaced by another hook; the one from before is '{before.name}'"
        )


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _is_ours(path: Path) -> bool:
    """Tells whether gitexport made a file, whatever people did to it since."""
    if path.is_symlink() or not path.is_file():
        return False
    lines = path.read_bytes().splitlines()
    is_marked = any(line.startswith(_MARK) for line in lines[1:2])
    return is_marked or any(line.startswith(_SEAL.encode()) for line in lines)


def _is_edited(path: Path) -> bool:
    """Tells whether a file that gitexport made is not as it was made any more."""
    if not _is_ours(path):
        return False
    content = path.read_bytes()
    start = content.rfind(_SEAL.encode())
    return start < 0 or content[start:] != _seal(content[:start])


def _seal(content: bytes) -> bytes:
    return f"{_SEAL}{hashlib.sha256(content).hexdigest()}\n".encode()


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    content = text.encode()
    temporary.write_bytes(content + _seal(content))
    temporary.chmod(0o755)
    temporary.replace(path)
