"""What a run works with, and the commit that it builds on."""

from __future__ import annotations

from difflib import get_close_matches
from typing import NamedTuple

from gitexport.canonical.manifest import Manifest
from gitexport.errors import ConfigError, UsageError
from gitexport.export.options import ExportOptions
from gitexport.export.view import View
from gitexport.model.entity import CONFIG_PATH, MANIFEST_PATH, Entity, Publication
from gitexport.model.ports import Clock, Progress, Source
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from gitexport.store.trees import TreeReader


class Context(NamedTuple):
    """What a run works with; the same for all its attempts."""

    source: Source
    repository: DataRepository
    publication: Publication
    options: ExportOptions
    clock: Clock
    progress: Progress

    @property
    def branch(self) -> str:
        """The branch that the snapshot goes to."""
        return self.options.branch or self.publication.branch

    @property
    def view(self) -> View:
        """The working tree, for the branch that the snapshot goes to."""
        return View(self.repository, self.branch, self.progress, self.publication)

    @property
    def acknowledges(self) -> bool:
        """Whether rows are acknowledged: not for a branch that waits for review."""
        return self.branch == self.publication.branch

    @property
    def is_partial(self) -> bool:
        """Whether the run leaves rows out on purpose."""
        return bool(self.options.entities or self.options.limit)

    def entities(self) -> tuple[Entity, ...]:
        """Gives the entities of this run.

        Raises:
            UsageError: A name is not in the configuration.
            ConfigError: There are none.
        """
        known = {entity.name: entity for entity in self.publication.entities}
        for name in self.options.entities:
            if name not in known:
                message = f"no entity '{name}' in the configuration"
                raise UsageError(message, hint=f"known entities: {', '.join(known) or 'none'}")
        if not known:
            message = "the configuration names no entity"
            raise ConfigError(message, where="gitexport.toml", hint="run 'gitexport init' again")
        wanted = self.options.entities or tuple(known)
        return tuple(entity for name, entity in known.items() if name in wanted)


class Base(NamedTuple):
    """The commit that a run builds on, and what it says."""

    tip: ObjectId | None
    tree: bytes | None
    reader: TreeReader
    manifest: Manifest

    def content(self, repository: DataRepository, path: str) -> bytes | None:
        """Reads a file of the commit."""
        entry = self.reader.entry(path.encode())
        return None if entry is None or entry.is_tree else repository.read_blob(entry.object_id)


def open_base(context: Context) -> Base:
    """Reads the tip of the branch, or of the configured one where the branch is new.

    Raises:
        ConfigError: The configured branch is not there, though there are snapshots.
        UsageError: The branch cannot be made beside another one of the repository.
    """
    repository = context.repository
    tip = refs.tip(repository, context.branch)
    if tip is None:
        _refuse_name_in_the_way(repository, context.branch)
        tip = refs.tip(repository, context.publication.branch)
    if tip is None:
        _refuse_second_root(repository, context.publication)
    tree = None if tip is None else repository.tree_of(tip)
    reader = TreeReader(repository.read_tree, tree)
    base = Base(tip, tree, reader, Manifest(""))
    manifest = Manifest.parse(base.content(repository, MANIFEST_PATH))
    return Base(tip, tree, reader, manifest)


def _refuse_name_in_the_way(repository: DataRepository, branch: str) -> None:
    """Refuses a new branch `a` beside `a/b`, or the other way about, which git cannot hold."""
    for other in refs.branches(repository):
        if other.startswith(f"{branch}/") or branch.startswith(f"{other}/"):
            message = f"there can be no branch '{branch}' beside '{other}'"
            raise UsageError(message, where=branch, hint="choose another name for the branch")


def _refuse_second_root(repository: DataRepository, publication: Publication) -> None:
    """Keeps a branch that nobody made from starting a second history beside the first one.

    Whoever checked it out before its first commit, as by `git checkout --orphan`, means it.
    """
    name = publication.branch
    if repository.checked_out_branch() == name or not refs.snapshot_tags(repository):
        return
    message = f"there are snapshots, but no branch '{name}'"
    followed = f"{publication.remote}/{name}"
    if refs.ref_target(repository, f"refs/remotes/{followed}") is not None:
        hint = f"make it as the remote has it: git branch {name} {followed}"
    else:
        known = refs.branches(repository)
        near = [*get_close_matches(name, known, 1), repository.checked_out_branch(), *known]
        meant = next(filter(None, near), None)
        hint = f"did you mean '{meant}'? otherwise make it: " if meant else "make it: "
        hint += f"git branch {name} COMMIT"
    raise ConfigError(message, where=f"{CONFIG_PATH}: branch", hint=hint, key=("branch",))
