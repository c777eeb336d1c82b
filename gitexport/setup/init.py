"""Puts the files of a new data repository, or of new entities, into one untagged commit.

The configuration is written to the working tree first: what people find there is what the
commit holds. Interrupted at any point, init can be run again and completes the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gitexport.model.entity import CONFIG_PATH, Publication
from gitexport.model.snapshot import ObjectId
from gitexport.setup.private_data import Finding
from gitexport.setup.proposal import ProposedEntity, Refusal
from gitexport.store import refs
from gitexport.store.commits import commit_files
from gitexport.store.durable import write_durably
from gitexport.store.git_errors import machine_error
from gitexport.store.repository import DataRepository
from gitexport.store.tip_files import read_tip_file
from gitexport.store.tree_diff import changed_files
from gitexport.store.worktree import ViewReport, refresh


@dataclass(frozen=True, slots=True)
class PrivateColumn:
    """A column that looks private, and the line of gitexport.toml that publishes it.

    `is_in_key` tells that it belongs to the key: its values are file names, too, and its line
    cannot go alone. `other_key` could take the key's place, empty where none can; `key_line` and
    `section_line` say where the key and the entity stand.
    """

    finding: Finding
    line: int | None
    text: str
    is_in_key: bool = False
    other_key: tuple[str, ...] = ()
    key_line: int | None = None
    section_line: int | None = None


@dataclass(slots=True)
class InitReport:
    """What init did. `commit` is None when nothing was new."""

    path: Path
    branch: str
    is_new: bool
    publication: Publication
    commit: ObjectId | None = None
    added: list[ProposedEntity] = field(default_factory=list)
    incomplete: list[ProposedEntity] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    private: list[PrivateColumn] = field(default_factory=list)
    unrestorable: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when there is something to publish, else 2."""
        return 0 if self.publication.entities else 2


def commit_setup(
    repository: DataRepository,
    branch: str,
    files: Mapping[str, bytes],
    message: str,
    at: datetime,
) -> tuple[ObjectId | None, list[str]]:
    """Commits files and shows them in the working tree; gives the commit and warnings.

    Called by who holds the lock. Where the branch is not checked out, only the branch moves.

    Raises:
        HeadMovedError: The branch moved meanwhile.
        MachineError: The machine refused.
    """
    is_shown = repository.checked_out_branch() == branch
    if is_shown and repository.worktree is not None:
        for path, content in files.items():
            # An untracked file that init adds to would look like an edit to the refresh below.
            if path == CONFIG_PATH or read_tip_file(repository, branch, path) is None:
                _write_over(repository.worktree / path, content, is_ours=path == CONFIG_PATH)
    old = refs.tip(repository, branch)
    commit = commit_files(repository, branch, files, message, at)
    if commit is None or not is_shown or repository.worktree is None:
        return commit, []
    view = refresh(
        repository.worktree,
        repository.gitdir,
        changed_files(
            repository.read_tree,
            None if old is None else repository.tree_of(old),
            repository.tree_of(commit),
        ),
        read_blob=repository.read_blob,
    )
    return commit, _warnings(view)


def _write_over(path: Path, content: bytes, *, is_ours: bool) -> None:
    try:
        exists = path.exists()
        if (exists or is_ours) and not (exists and path.read_bytes() == content):
            write_durably(path, content, mode=0o666)
    except OSError as error:
        raise machine_error(error, path) from error


def _warnings(view: ViewReport) -> list[str]:
    warnings = [f"'{path}' was edited and is left as it is" for path in view.kept]
    warnings += [f"cannot write {reason}" for reason in view.refused]
    if view.stale is not None:
        warnings.append(f"the working tree could not be refreshed: {view.stale}")
    return warnings
