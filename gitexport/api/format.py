"""Checks and mends canonical form, and installs the hook that checks it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gitexport.api.managed import managed_paths
from gitexport.api.session import Session, Settings, find_repository
from gitexport.errors import UsageError
from gitexport.model.entity import MANIFEST_PATH
from gitexport.setup.format import FormatReport, find_documents, format_files, format_staged
from gitexport.setup.format_manifest import mend_manifest
from gitexport.setup.hooks import HooksReport, install_hooks, uninstall_hooks


def format_documents(
    settings: Settings, paths: Sequence[Path] = (), *, is_check: bool, is_staged: bool
) -> FormatReport:
    """Checks or mends some documents, or all; with `is_staged` what is staged.

    Raises:
        UsageError: A path is no document, or the repository is bare.
    """
    with Session.open(settings) as session:
        repository = session.repository
        if repository.worktree is None:
            message = "a bare repository has no working tree to check"
            raise UsageError(message, where=str(repository.path))
        is_managed = managed_paths(repository, session.publication)
        if is_staged:
            if paths:
                message = "--staged looks at everything that is staged, so it takes no paths"
                raise UsageError(message)
            name = settings.environment.get("GIT_INDEX_FILE")
            index = settings.here / name if name else None
            report = format_staged(repository, is_managed, index, is_check=is_check)
            if not is_check and mend_manifest(repository, session.publication, index):
                report.mended.append(MANIFEST_PATH)
            return report
        documents = find_documents(repository, paths, settings.here, is_managed)
        return format_files(repository, documents, is_check=is_check)


def install(settings: Settings, program: Path | None, *, drivers_only: bool = False) -> HooksReport:
    """Installs hooks and drivers; `program` is the gitexport that they run."""
    return install_hooks(find_repository(settings), program, drivers_only=drivers_only)


def uninstall(settings: Settings) -> HooksReport:
    """Removes hooks and drivers again."""
    return uninstall_hooks(find_repository(settings))
