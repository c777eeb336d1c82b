"""What the git hooks ask: of staged files, of pushes in both directions, of checkouts.

git starts hooks at the top of the working tree, or in the repository itself where it is bare or
receives a push, whatever is checked out there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gitexport.api.session import Session, Settings
from gitexport.config.parse import parse_config
from gitexport.errors import UsageError
from gitexport.inspect.document_rules import CheckReport, RulesOfTrees
from gitexport.inspect.pushed import RefUpdate, check_push
from gitexport.inspect.received import check_received
from gitexport.inspect.staged import check_staged
from gitexport.inspect.whereabouts import Whereabouts, find_whereabouts
from gitexport.model.entity import CONFIG_PATH, Publication
from gitexport.model.snapshot import ObjectId
from gitexport.store.incoming import see_objects
from gitexport.store.repository import DataRepository
from gitexport.store.trees import TreeReader

_FIELDS_SENT = 4
_FIELDS_RECEIVED = 3


def before_commit(settings: Settings) -> CheckReport:
    """Judges what is staged; see `gitexport.inspect.staged`."""
    repository = _repository(settings)
    if repository.worktree is None:
        message = "a bare repository has no working tree to check"
        raise UsageError(message, where=str(repository.path))
    name = settings.environment.get("GIT_INDEX_FILE")
    index = settings.here / name if name else None
    worktree = repository.worktree
    return check_staged(repository, _rules(repository, worktree), index)


def before_push(settings: Settings, remote: str, lines: Iterable[str]) -> CheckReport:
    """Judges what a push publishes; `lines` are those that git writes to its hook."""
    repository = _repository(settings)
    updates = []
    for line in lines:
        _local, new, name, old = _fields(line, _FIELDS_SENT)
        updates.append(RefUpdate(name, ObjectId(old), ObjectId(new)))
    return check_push(repository, _rules(repository), remote, updates)


def before_receive(settings: Settings, lines: Iterable[str]) -> CheckReport:
    """Judges what a server is about to accept; `lines` are those that git writes to its hook."""
    repository = _repository(settings)
    quarantine = settings.environment.get("GIT_QUARANTINE_PATH")
    if quarantine:
        see_objects(repository, settings.here / quarantine)
    updates = []
    for line in lines:
        old, new, name = _fields(line, _FIELDS_RECEIVED)
        updates.append(RefUpdate(name, ObjectId(old), ObjectId(new)))
    return check_received(repository, _rules(repository), updates)


def after_checkout(settings: Settings) -> Whereabouts:
    """Compares files and database; see `gitexport.inspect.whereabouts`."""
    with Session.open(settings) as session:
        return find_whereabouts(session.repository, session.publication, session.source)


def _repository(settings: Settings) -> DataRepository:
    return DataRepository.open(settings.here / (settings.directory or ""))


def _rules(repository: DataRepository, worktree: Path | None = None) -> RulesOfTrees:
    known: dict[bytes, Publication] = {}

    def publication_of(tree_id: bytes) -> Publication | None:
        entry = TreeReader(repository.read_tree, tree_id).entry(CONFIG_PATH.encode())
        if entry is None or entry.is_tree:
            return None
        if entry.object_id not in known:
            text = repository.read_blob(entry.object_id)
            known[entry.object_id] = parse_config(text, file=f"the committed {CONFIG_PATH}")
        return known[entry.object_id]

    def outside(path: str) -> bytes | None:
        file = None if worktree is None else worktree / path
        return file.read_bytes() if file is not None and file.is_file() else None

    return RulesOfTrees(repository, publication_of, outside)


def _fields(line: str, number: int) -> list[str]:
    fields = line.split()
    if len(fields) != number:
        message = f"'{line.strip()}' is not what git writes to this hook"
        raise UsageError(message, hint="git runs it; see githooks(5)")
    return fields
