"""Makes a data repository, or adds what is new to one."""

from __future__ import annotations

import shlex
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from gitexport.api.new_columns import look_at_columns
from gitexport.api.session import Settings, find_source, open_source, read_publication
from gitexport.config.local import read_local, write_local
from gitexport.config.parse import parse_config
from gitexport.config.places import overlapping
from gitexport.config.write import (
    NewSettings,
    add_entities,
    commented_relations,
    new_config,
)
from gitexport.errors import (
    ConfigError,
    HeadMovedError,
    UsageError,
)
from gitexport.export.message import SETUP
from gitexport.model.entity import CONFIG_PATH, RELATIONS_DIRECTORY, Publication
from gitexport.model.relation import Relation, RelationName
from gitexport.model.snapshot import INIT_SUBJECT
from gitexport.setup.init import InitReport, commit_setup
from gitexport.setup.proposal import Proposal, Selection, propose
from gitexport.setup.repository_files import (
    ReadFile,
    directories_in_use,
    plan_files,
    seen_relations,
)
from gitexport.store.lock import RepositoryLock
from gitexport.store.repository import DataRepository, head_branch
from gitexport.store.tip_files import list_tip_directory, read_tip_file


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What to make a data repository of; no schema and no table means all."""

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class _Present:
    """What is there before: the repository, its configuration's text and what that says."""

    repository: DataRepository | None
    text: str | None
    publication: Publication | None
    branch: str

    def read(self, path: str) -> bytes | None:
        """Reads a file of the last commit, or an untracked one of the working tree."""
        if self.repository is None:
            return None
        committed = read_tip_file(self.repository, self.branch, path)
        if committed is not None or self.repository.worktree is None:
            return committed
        file = self.repository.worktree / path
        return file.read_bytes() if file.is_file() else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The configuration to write."""

    proposal: Proposal
    text: str
    publication: Publication


def init(settings: Settings, options: InitOptions) -> InitReport:
    """Writes configuration and catalog files from the source, in one untagged commit.

    What people wrote stays. Nothing is made where the source offers no relation at all.
    Rows that cannot be read are no obstacle: a warning names their relation, and its columns
    are judged by their names.

    Raises:
        ConfigError: The configuration that is there has a mistake, a table that was asked
            for does not exist, or there is nothing to publish.
        UsageError: The directory cannot be a data repository, lies in one without being named,
            or is where that one keeps its own files.
        ConnectionFailedError: The source cannot be reached, or the connection was lost;
            nothing was made.
        HeadMovedError: The configuration was changed meanwhile; nothing was made.
    """
    path, present = _find_place(settings)
    kind = present.publication.source_kind if present.publication else "postgresql"
    settings.progress.stage("read the catalog")
    source = open_source(kind, find_source(settings, present.repository))
    try:
        relations = source.catalog()
        plan = _plan(_propose(relations, options, present), present)
        # Before anything is made: a run that ends here is run again and tells it all, while
        # after the commit nothing would be new, and the list lost.
        columns = look_at_columns(plan.proposal.complete, plan.text, source, settings.progress)
    finally:
        source.close()
    repository = present.repository or DataRepository.create(
        path, present.branch, bare=options.is_bare
    )
    with RepositoryLock(repository):
        if _look(path).text != present.text:
            message = f"'{CONFIG_PATH}' was changed while init looked at the database"
            raise HeadMovedError(message, where=str(path), hint="run init again")
        report = _write(settings, repository, present, plan, relations)
        columns.tell(report)
    _remember_dsn(settings, repository)
    return report


def _find_place(settings: Settings) -> tuple[Path, _Present]:
    path = (settings.here / (settings.directory or ".")).absolute()
    present = _look(path)
    if present.repository is None and present.text is None:
        _refuse_within(path, is_named=settings.directory is not None)
    return path, present


def _look(path: Path) -> _Present:
    file = path / CONFIG_PATH
    text = file.read_bytes() if file.is_file() else None
    if not (path / ".git").exists() and not (path / "HEAD").is_file():
        return _present(None, text, "main")
    repository = DataRepository.create(path)
    _refuse_unfinished(repository)
    head = head_branch(repository.pygit())
    if text is None and head is not None:
        text = read_tip_file(repository, head, CONFIG_PATH)
    present = _present(repository, text, head or "main")
    if text is None or repository.checked_out_branch() == present.branch:
        return present
    # Where the branch is not checked out, its own configuration counts.
    committed = read_tip_file(repository, present.branch, CONFIG_PATH)
    return _present(repository, committed or text, present.branch)


def _refuse_within(path: Path, *, is_named: bool) -> None:
    """Refuses to make a data repository inside of another one, unless a person names its place.

    Who stands among the documents means the repository around them, as all other commands do.
    """
    place = path.resolve()
    top = next((above for above in place.parents if (above / CONFIG_PATH).is_file()), None)
    if top is None or not (top / ".git").exists():
        return
    publication = read_publication(DataRepository.open(top))
    kept = [RELATIONS_DIRECTORY, *(entity.directory for entity in publication.entities)]
    is_kept = bool(overlapping(place.relative_to(top).as_posix(), kept))
    if not is_named:
        message = f"'{path}' lies in the data repository '{top}'"
        hint = f"'gitexport -C {shlex.quote(str(top))} init' adds what is new to that one"
        if not is_kept:
            hint += "; 'gitexport init .' makes another one here all the same"
        raise UsageError(message, where=str(path), hint=hint)
    if is_kept:
        message = f"'{path}' is where the data repository '{top}' keeps its own files"
        raise UsageError(message, where=str(path), hint="name a directory that holds none of them")


def _refuse_unfinished(repository: DataRepository) -> None:
    operation = repository.operation_in_progress()
    if operation is not None:
        message = f"a {operation} is in progress in '{repository.path}'"
        raise UsageError(message, where=str(repository.path), hint=f"git {operation} --abort")
    if repository.is_detached:
        message = f"'{repository.path}' has no branch checked out"
        raise UsageError(message, where=str(repository.path), hint="run 'git switch' first")


def _present(repository: DataRepository | None, text: bytes | None, branch: str) -> _Present:
    if text is None:
        return _Present(repository, None, None, branch)
    publication = parse_config(text)
    return _Present(repository, text.decode("utf-8-sig"), publication, publication.branch)


def _propose(relations: list[Relation], options: InitOptions, present: _Present) -> Proposal:
    entities = present.publication.entities if present.publication else ()
    names: list[str] = []
    seen: list[RelationName] = []
    if present.repository is not None:
        branch = present.branch
        listed = list_tip_directory(present.repository, branch, RELATIONS_DIRECTORY)
        seen = seen_relations(listed, present.read) if present.text else []
        names = list_tip_directory(present.repository, branch, "data")
    known = {entity.directory for entity in entities}
    selection = Selection(
        schemas=options.schemas,
        tables=options.tables,
        present=entities,
        seen=(*seen, *commented_relations(present.text or "")),
        occupied=tuple(sorted(directories_in_use(names) - known)),
    )
    proposal = propose(relations, selection)
    if not entities and not proposal.entities:
        reasons = "\n".join(
            f"{refused.relation}: {refused.reason}" for refused in proposal.refusals
        )
        message = "there is nothing to publish: no table with a key was found"
        raise ConfigError(message, hint=reasons or "check --schema, --table and the database")
    return proposal


def _write(
    settings: Settings,
    repository: DataRepository,
    present: _Present,
    plan: _Plan,
    relations: list[Relation],
) -> InitReport:
    settings.progress.stage("write the configuration")
    publication = plan.publication
    read: ReadFile = replace(present, repository=repository).read
    by_name = {relation.name: relation for relation in relations}
    files = plan_files(publication, by_name, read, is_new=present.text is None)
    config = plan.text.encode()
    if read_tip_file(repository, publication.branch, CONFIG_PATH) != config:
        files[CONFIG_PATH] = config
    added = plan.proposal.complete
    names = ", ".join(proposed.entity.name for proposed in added)
    subject = f"{INIT_SUBJECT}{_shorten(names) or 'configuration'}"
    commit, warnings = commit_setup(
        repository, publication.branch, files, f"{subject}\n\n{SETUP}: init", settings.clock()
    )
    return InitReport(
        path=repository.path,
        branch=publication.branch,
        is_new=present.text is None,
        commit=commit,
        publication=publication,
        added=list(added),
        incomplete=[proposed for proposed in plan.proposal.entities if not proposed.is_complete],
        refusals=list(plan.proposal.refusals),
        warnings=warnings,
    )


def _plan(proposal: Proposal, present: _Present) -> _Plan:
    if present.text is not None:
        text = add_entities(present.text, proposal.entities)
    else:
        text = new_config(NewSettings(str(uuid.uuid4()), present.branch), proposal.entities)
    return _Plan(proposal, text, parse_config(text.encode()))


def _remember_dsn(settings: Settings, repository: DataRepository) -> None:
    """Remembers `--dsn` for the next command, where it holds no password."""
    from gitexport.source.postgresql.connection import holds_password

    local = read_local(repository.state_dir)
    if settings.dsn and local.dsn is None and not holds_password(settings.dsn):
        write_local(repository.state_dir, local._replace(dsn=settings.dsn))


def _shorten(names: str, limit: int = 50) -> str:
    return names if len(names) <= limit else names[: limit - 1].rpartition(", ")[0] + ", …"
