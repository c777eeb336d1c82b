"""Checks and mends the canonical form of documents that people have touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gitexport.canonical.check import canonical_json, check
from gitexport.errors import MachineError, NotCanonicalError, UnsupportedValueError, UsageError
from gitexport.store.git_errors import machine_error
from gitexport.store.repository import DataRepository
from gitexport.store.staged import stage_contents, staged_files

IsManaged = Callable[[str], bool]


@dataclass(slots=True)
class FormatReport:
    """What was looked at: files that are not canonical with the reason, files mended.

    `faults` are those that were not mended: with a check all, otherwise those that are not
    JSON, or that JSON cannot hold exactly.
    """

    checked: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    mended: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 while something is not canonical."""
        return 1 if self.faults else 0


def format_files(
    repository: DataRepository, paths: Iterable[str], *, is_check: bool
) -> FormatReport:
    """Checks or mends files of the working tree, by their paths in it.

    Raises:
        MachineError: A file cannot be read or written.
    """
    report = FormatReport()
    top = repository.path
    for path in paths:
        report.checked += 1
        file = top / path
        try:
            content = file.read_bytes()
            mended = _look(report, path, content, is_check=is_check)
            if mended is not None:
                _replace(file, mended)
        except OSError as error:
            raise machine_error(error, file) from error
    return report


def format_staged(
    repository: DataRepository, is_managed: IsManaged, index: Path | None, *, is_check: bool
) -> FormatReport:
    """Checks or mends what is staged; the working tree's file is mended where it is the same.

    Raises:
        MachineError: git failed, or a file cannot be written.
    """
    report = FormatReport()
    mended: dict[str, bytes] = {}
    for path, blob in staged_files(repository, index).items():
        if is_managed(path):
            report.checked += 1
            content = repository.read_blob(blob)
            canonical = _look(report, path, content, is_check=is_check)
            if canonical is not None:
                mended[path] = canonical
                file = repository.path / path
                if file.is_file() and file.read_bytes() == content:
                    _replace(file, canonical)
    stage_contents(repository, mended, index)
    return report


def find_documents(
    repository: DataRepository, arguments: Sequence[Path], here: Path, is_managed: IsManaged
) -> Iterator[str]:
    """Yields the documents of the working tree that some files and directories name.

    No argument names the whole working tree. Links are not followed.

    Raises:
        UsageError: An argument is outside of the working tree, or no document.
    """
    top = repository.path.resolve()
    for argument in arguments or [top]:
        path = (here / argument).absolute()
        place = _inside(top, path, argument)
        if path.is_dir() and not path.is_symlink():
            yield from filter(is_managed, _walk(top, place))
        elif path.is_file() and is_managed(place):
            yield place
        else:
            problem = "is no document of this repository" if path.exists() else "does not exist"
            message = f"'{argument}' {problem}"
            raise UsageError(message, where=str(argument))


def _inside(top: Path, path: Path, argument: Path) -> str:
    # The directory is resolved, the name is not: a link is no document.
    whole = path.parent.resolve() / path.name if path != top else top
    if not whole.is_relative_to(top):
        message = f"'{argument}' is outside of the data repository"
        raise UsageError(message, where=str(argument))
    return whole.relative_to(top).as_posix()


def _walk(top: Path, place: str) -> Iterator[str]:
    for directory, names, files in os.walk(top / place):
        names[:] = sorted(name for name in names if name != ".git")
        inside = Path(directory).relative_to(top)
        for name in sorted(files):
            if not (Path(directory) / name).is_symlink():
                yield (inside / name).as_posix()


def _look(report: FormatReport, path: str, content: bytes, *, is_check: bool) -> bytes | None:
    """Notes what a document is; gives the canonical content where it has to be written."""
    try:
        check(content)
    except NotCanonicalError as fault:
        if not is_check:
            try:
                mended = canonical_json(content)
            except UnsupportedValueError:
                report.faults[path] = fault.message
                return None
            report.mended.append(path)
            return mended
        report.faults[path] = fault.message
    return None


def _replace(file: Path, content: bytes) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.chmod(file.stat().st_mode & 0o777)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        message = f"cannot write '{file}': {error.strerror}"
        raise MachineError(message, where=str(file)) from error
