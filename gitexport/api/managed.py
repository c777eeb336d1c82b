"""Which paths of a data repository an export writes, told without a database."""

from __future__ import annotations

from collections.abc import Callable

from gitexport.canonical.entity_paths import path_function
from gitexport.canonical.value import loads
from gitexport.errors import UnsupportedValueError
from gitexport.export.lineage import is_managed_path
from gitexport.model.entity import Entity, Publication
from gitexport.model.relation_json import relation_from_json
from gitexport.setup.repository_files import relation_path
from gitexport.store.repository import DataRepository
from gitexport.store.tip_files import read_tip_file


def managed_paths(
    repository: DataRepository, publication: Publication, branch: str | None = None
) -> Callable[[str], bool]:
    """Gives a function that tells whether a path is one that an export writes.

    The types of keys come from the relation files of the branch's last commit. Where an
    entity has none, its whole directory counts.
    """
    documents = frozenset(document.path for document in publication.documents)
    tests = [
        _test(
            entity, read_tip_file(repository, branch or publication.branch, relation_path(entity))
        )
        for entity in publication.entities
    ]
    return lambda path: is_managed_path(path.encode("utf-8", "surrogateescape"), documents, tests)


def _test(entity: Entity, content: bytes | None) -> Callable[[bytes], bool]:
    try:
        relation = relation_from_json(loads(content or b""))
    except (ValueError, UnsupportedValueError):
        directory = entity.directory.encode() + b"/"
        return lambda path: path.startswith(directory)
    paths = path_function(entity, relation)
    return lambda path: paths.parse(path) is not None
