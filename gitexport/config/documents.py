"""Parses the tables `[documents."path"]`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from gitexport.config.fields import Fields, similar
from gitexport.config.places import check_path, folded, is_within
from gitexport.config.sql_shape import check_query
from gitexport.model.entity import Entity, QueryDocument

_KEYS = ("query", "shape", "depends")
_PEOPLES = ("readme.md",)


class _Shape(Enum):
    ARRAY = "array"
    OBJECT = "object"


def parse_documents(top: Fields, entities: Sequence[Entity]) -> tuple[QueryDocument, ...]:
    """Parses all documents, in the order of the file.

    Raises:
        ConfigError: A path, query or reference cannot be; names file, line and key.
    """
    section = top.table("documents")
    documents: list[QueryDocument] = []
    for path in section.names():
        _check_place(section, path, entities, documents)
        documents.append(_document(section.table(path), path, entities))
    return tuple(documents)


def _document(fields: Fields, path: str, entities: Sequence[Entity]) -> QueryDocument:
    fields.only(_KEYS)
    fields.require("query")
    depends = fields.texts("depends")
    known = [entity.name for entity in entities]
    for name in depends:
        if name not in known:
            meant = similar(name, known)
            fields.fail(
                f"'{fields.name('depends')}' names '{name}', which is no entity",
                key="depends",
                hint=f"did you mean '{meant}'?" if meant else None,
            )
    return QueryDocument(
        path=path,
        query=fields.parsed("query", check_query),
        is_array=fields.choice("shape", _Shape, _Shape.ARRAY) is _Shape.ARRAY,
        depends=depends,
    )


def _check_place(
    section: Fields,
    path: str,
    entities: Sequence[Entity],
    documents: Sequence[QueryDocument],
) -> None:
    try:
        check_path(path)
    except ValueError as error:
        section.fail(f"document {error}", key=path)
    if folded(path) in _PEOPLES:
        section.fail(f"document '{path}' would replace a file that is people's", key=path)
    for entity in entities:
        if is_within(path, entity.directory) or is_within(entity.directory, path):
            section.fail(
                f"document '{path}' lies in the directory of entity '{entity.name}'",
                key=path,
                hint="choose a path outside every entity's directory, such as data/indexes/",
            )
        if entity.schema and folded(entity.schema) == folded(path):
            section.fail(f"document '{path}' is the schema of entity '{entity.name}'", key=path)
    for other in documents:
        if is_within(path, other.path) or is_within(other.path, path):
            section.fail(f"documents '{other.path}' and '{path}' cannot both exist", key=path)
