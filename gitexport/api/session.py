"""One data repository with its configuration and, when it is needed, its source."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gitexport.api.trust import require_accepted
from gitexport.config.discover import FoundDsn, find_dsn
from gitexport.config.local import read_local
from gitexport.config.parse import parse_config, where_is
from gitexport.errors import ConfigError, MachineError, UsageError
from gitexport.model.entity import CONFIG_PATH, Entity, Publication
from gitexport.model.ports import Clock, Progress
from gitexport.store.repository import STATE_DIRECTORY, DataRepository, head_branch
from gitexport.store.tip_files import read_tip_file

if TYPE_CHECKING:
    from gitexport.source.postgresql.source import PostgresSource


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        message = "the current directory was removed"
        raise MachineError(message, hint="change to a directory that exists") from error


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session needs from outside.

    `directory` is the data repository; None looks in `here` and the directories above it.
    Where the current directory was removed, making them raises a MachineError.
    """

    clock: Clock
    progress: Progress
    environment: Mapping[str, str] = field(repr=False)
    directory: Path | None = None
    dsn: str | None = field(default=None, repr=False)
    here: Path = field(default_factory=_here)


class Session(AbstractContextManager["Session"]):
    """An open data repository. Closing it ends the connection to the source, if there is one.

    A `ConfigError` that leaves its block names the file and the line of its key.
    """

    def __init__(
        self, settings: Settings, repository: DataRepository, publication: Publication
    ) -> None:
        self.settings = settings
        self.repository = repository
        self.publication = publication
        self._source: PostgresSource | None = None

    @classmethod
    def open(cls, settings: Settings) -> Session:
        """Finds the data repository and parses its configuration.

        Raises:
            UsageError: There is no data repository.
            ConfigError: The configuration says something that cannot be.
        """
        repository = find_repository(settings)
        return cls(settings, repository, read_publication(repository))

    @property
    def source(self) -> PostgresSource:
        """The database; it connects when it is first used.

        Raises:
            ConfigError: There is no source of the configured kind.
        """
        if self._source is None:
            found = find_source(self.settings, self.repository)
            self._source = open_source(self.publication.source_kind, found)
        return self._source

    def accept(self, *, accept: bool = False, remember: bool = True) -> None:
        """Makes sure that the configuration's SQL may run here (`gitexport.api.trust`).

        Raises:
            DecisionNeededError: It came from elsewhere and nobody accepted it.
        """
        require_accepted(self.repository, self.publication, accept=accept, remember=remember)

    def entities(self, names: tuple[str, ...]) -> tuple[Entity, ...]:
        """Gives the entities of some names, all for none.

        Raises:
            UsageError: A name is not in the configuration.
        """
        known = [entity.name for entity in self.publication.entities]
        for name in names:
            if name not in known:
                message = f"no entity '{name}' in the configuration"
                raise UsageError(message, hint=f"known entities: {', '.join(known) or 'none'}")
        wanted = names or tuple(known)
        return tuple(entity for entity in self.publication.entities if entity.name in wanted)

    def close(self) -> None:
        """Ends the connection; safe to call twice."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        # What only the database or git could tell of the configuration is to blame on a line.
        if isinstance(error, ConfigError) and error.key:
            error.where = where_is(error.key, self.publication)


def find_repository(settings: Settings) -> DataRepository:
    """Opens the data repository that the settings name or stand in.

    Raises:
        UsageError: There is none.
    """
    if settings.directory is None:
        return DataRepository.discover(settings.here)
    directory = settings.here / settings.directory
    if not directory.is_dir():
        message = f"'{settings.directory}' is not a directory"
        raise UsageError(message, where=str(settings.directory), hint="name one that exists")
    if (directory / ".git").exists() and not (directory / CONFIG_PATH).is_file():
        repository = DataRepository.open(directory)
        if repository.worktree is not None:
            message = f"'{settings.directory}' holds no {CONFIG_PATH}"
            hint = f"make it a data repository with 'gitexport init {settings.directory}'"
            raise UsageError(message, where=str(settings.directory), hint=hint)
    return DataRepository.discover(directory)


def read_publication(repository: DataRepository) -> Publication:
    """Parses the configuration: the working tree's, or the branch's where that is not shown.

    Raises:
        ConfigError: It says something that cannot be, or the branch holds none.
        MachineError: The file cannot be read.
    """
    if repository.worktree is None:
        return _read_bare(repository)
    path = repository.worktree / CONFIG_PATH
    try:
        publication = parse_config(path.read_bytes())
    except OSError as error:
        message = f"cannot read '{path}': {error.strerror}"
        raise MachineError(message, where=str(path)) from error
    if repository.checked_out_branch() == publication.branch:
        return publication
    committed = read_tip_file(repository, publication.branch, CONFIG_PATH)
    if committed is None:
        return publication
    return parse_config(committed, file=f"{publication.branch}:{CONFIG_PATH}")


def _read_bare(repository: DataRepository) -> Publication:
    branch = head_branch(repository.pygit())
    text = None if branch is None else read_tip_file(repository, branch, CONFIG_PATH)
    if branch is None or text is None:
        message = f"no {CONFIG_PATH} in the bare repository '{repository.path}'"
        hint = f"run 'gitexport init {repository.path}', or point HEAD to the branch that has it"
        raise ConfigError(message, where=str(repository.path), hint=hint)
    publication = parse_config(text, file=f"{branch}:{CONFIG_PATH}")
    if publication.branch == branch:
        return publication
    text = read_tip_file(repository, publication.branch, CONFIG_PATH)
    if text is None:
        return publication
    return parse_config(text, file=f"{publication.branch}:{CONFIG_PATH}")


def find_source(settings: Settings, repository: DataRepository | None) -> FoundDsn:
    """Finds the connection string; without a repository, there is no local.toml to ask.

    Raises:
        ConfigError: local.toml is not what it should be.
    """
    state = None if repository is None else repository.gitdir / STATE_DIRECTORY
    return find_dsn(settings.dsn, settings.environment, read_local(state))


def open_source(kind: str, found: FoundDsn) -> PostgresSource:
    """Gives a source, which connects when it is first used.

    Raises:
        ConfigError: There is no source of this kind yet.
    """
    if kind != "postgresql":
        message = f"a source of kind '{kind}' is not supported by this version"
        raise ConfigError(message, where=CONFIG_PATH, hint='set [source] kind = "postgresql"')
    from gitexport.source.postgresql.source import PostgresSource

    return PostgresSource(found.dsn or None)
