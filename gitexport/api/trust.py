"""Whether the SQL of a configuration may run here.

SQL that came by clone or pull runs only after a person accepted it. What a person wrote in
this working tree, or committed in this clone, is accepted as it is. The digest of what was
accepted is kept in local.toml, so that a later change by others asks again.
"""

from __future__ import annotations

from gitexport.config.digest import sql_pieces
from gitexport.config.local import read_local, write_local
from gitexport.config.parse import parse_config
from gitexport.errors import ConfigError, DecisionNeededError
from gitexport.model.entity import CONFIG_PATH, Publication
from gitexport.model.snapshot import INIT_SUBJECT
from gitexport.store import refs
from gitexport.store.reflog import commits_made_here
from gitexport.store.repository import STATE_DIRECTORY, DataRepository
from gitexport.store.trees import TreeReader


def require_accepted(
    repository: DataRepository,
    publication: Publication,
    *,
    accept: bool = False,
    remember: bool = True,
) -> None:
    """Lets SQL run that was accepted or is this clone's own, and remembers that.

    `accept` says that a person has read it. Without `remember` nothing is written.

    Raises:
        DecisionNeededError: The SQL came from elsewhere and nobody accepted it here.
    """
    digest = publication.sql_digest
    if not digest:
        return
    local = read_local(repository.gitdir / STATE_DIRECTORY)
    if local.accepted_sql == digest:
        return
    if not accept and not _is_own(repository, publication, local.accepted_sql):
        message = "the SQL in this configuration came from elsewhere and was not accepted here"
        raise DecisionNeededError(
            message,
            where=CONFIG_PATH,
            hint="read 'where' and 'query' in it, then run 'gitexport export --accept-config'",
        )
    if remember:
        write_local(repository.state_dir, local._replace(accepted_sql=digest))


def _is_own(repository: DataRepository, publication: Publication, accepted: str | None) -> bool:
    """Tells whether every piece of SQL was written here or is part of what was accepted."""
    left = _pieces(publication)
    tip = refs.tip(repository, publication.branch)
    if tip is None:
        return True
    made_here = commits_made_here(repository, publication.branch, (INIT_SUBJECT,))
    known: dict[bytes | None, tuple[frozenset[str], str]] = {}
    newer = None
    for commit in refs.first_parents(repository, tip):
        pieces, digest = _committed(repository, bytes.fromhex(commit.tree_id), known)
        # What this commit does not have, the next one brought; after the last, a person's
        # edit of the working tree did.
        if newer is not None and (left - pieces) and newer not in made_here:
            return False
        left &= pieces
        if not left or (accepted and digest == accepted):
            return True
        newer = commit.commit_id
    return newer in made_here


def _committed(
    repository: DataRepository,
    tree: bytes,
    known: dict[bytes | None, tuple[frozenset[str], str]],
) -> tuple[frozenset[str], str]:
    entry = TreeReader(repository.read_tree, tree).entry(CONFIG_PATH.encode())
    blob = None if entry is None else entry.object_id
    if blob not in known:
        known[blob] = (frozenset(), "")
        if blob is not None:
            try:
                publication = parse_config(repository.read_blob(blob))
            except ConfigError:
                return known[blob]
            known[blob] = (_pieces(publication), publication.sql_digest)
    return known[blob]


def _pieces(publication: Publication) -> frozenset[str]:
    return sql_pieces(publication.entities, publication.documents)
