"""The files that `init` puts into a data repository beside its configuration.

Pure: what is there goes in, what has to be written comes out. Files of people are added to,
never replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from gitexport.canonical.manifest import EntityManifest, Manifest
from gitexport.canonical.value import canonical_value, loads
from gitexport.errors import UnsupportedValueError, UsageError
from gitexport.model.entity import MANIFEST_PATH, RELATIONS_DIRECTORY, Entity, Publication
from gitexport.model.relation import Relation, RelationName
from gitexport.model.relation_json import relation_from_json, relation_to_json

ATTRIBUTES_PATH = ".gitattributes"
README_PATH = "README.md"
_SETTINGS = "-text diff=gitexport merge=gitexport"
_BEGIN = "# What gitexport writes: the same bytes on every machine."
_END = "# End of what gitexport writes."

ReadFile = Callable[[str], bytes | None]
"""Gives the content of a file of the data repository, None where it does not exist."""


def relation_path(entity: Entity) -> str:
    """Gives the path of an entity's relation file."""
    return f"{RELATIONS_DIRECTORY}/{entity.name}.json"


def plan_files(
    publication: Publication,
    relations: Mapping[RelationName, Relation],
    read: ReadFile,
    *,
    is_new: bool,
) -> dict[str, bytes]:
    """Gives the files to write, by path; those that are complete already are left out.

    Raises:
        UsageError: A file that gitexport needs is there and is somebody else's.
    """
    files = {MANIFEST_PATH: _manifest(publication, read(MANIFEST_PATH), is_new=is_new)}
    for entity in publication.entities:
        relation = relations.get(entity.relation)
        path = relation_path(entity)
        if relation is not None and (is_new or read(path) is None):
            files[path] = relation_file(entity, relation)
    attributes = _attributes(publication, read(ATTRIBUTES_PATH))
    files[ATTRIBUTES_PATH] = attributes.encode("utf-8", "surrogateescape")
    if read(README_PATH) is None:
        files[README_PATH] = _README.encode()
    return {path: content for path, content in files.items() if read(path) != content}


def renewed_attributes(publication: Publication, content: bytes | None) -> bytes | None:
    """Gives `.gitattributes` with the lines of today's directories.

    None where people took gitexport's lines out, or have no such file: then it is theirs.
    """
    if content is None or _BEGIN.encode() not in content:
        return None
    return _attributes(publication, content).encode("utf-8", "surrogateescape")


def relation_file(entity: Entity, relation: Relation) -> bytes:
    """Writes the file that describes an entity's relation."""
    names = [column.name for column in relation.columns if column.name != entity.flag]
    published = names if entity.columns == ("*",) else entity.columns
    value = relation_to_json(relation, published, entity.flag)
    return canonical_value(value)  # type: ignore[arg-type]


def seen_relations(names: Iterable[str], read: ReadFile) -> list[RelationName]:
    """Lists the relations that have a file in `relations/`, from the names in it."""
    found = []
    for name in names:
        content = read(f"{RELATIONS_DIRECTORY}/{name}")
        try:
            found.append(relation_from_json(loads(content or b"")).name)
        except (ValueError, UnsupportedValueError):
            continue
    return found


def _manifest(publication: Publication, content: bytes | None, *, is_new: bool) -> bytes:
    if is_new and content is not None:
        message = f"'{MANIFEST_PATH}' is there already and is not gitexport's"
        raise UsageError(message, where=MANIFEST_PATH, hint="choose another directory for init")
    manifest = Manifest.parse(content)
    entities = {
        entity.name: EntityManifest.initial(entity)
        for entity in publication.entities
        if entity.renamed_from not in manifest.entities
    }
    version = manifest.version or publication.version
    return replace(manifest, version=version, entities=entities | manifest.entities).to_bytes()


def _attributes(publication: Publication, content: bytes | None) -> str:
    managed = [f"/{entity.directory}/**" for entity in publication.entities]
    managed += [f"/{document.path}" for document in publication.documents]
    managed += [f"/{RELATIONS_DIRECTORY}/**", f"/{MANIFEST_PATH}"]
    block = "\n".join([_BEGIN, *(_attribute_line(pattern) for pattern in managed), _END]) + "\n"
    text = (content or b"").decode("utf-8", "surrogateescape")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END + "\n")
    if begin and end:
        return before + block + after
    return text + ("" if not text or text.endswith("\n") else "\n") + block


def _attribute_line(pattern: str) -> str:
    # Source: gitattributes(5): patterns as in gitignore(5), quoted in the style of C.
    escaped = "".join(f"\\{char}" if char in "[]!#" else char for char in pattern)
    if any(char.isspace() for char in escaped):
        escaped = '"' + escaped.replace("\\", "\\\\") + '"'
    return f"{escaped} {_SETTINGS}"


def directories_in_use(names: Iterable[str]) -> frozenset[str]:
    """Gives the directories below `data/` that people use already, from the names in it."""
    return frozenset(f"data/{name}" for name in names)


_README = """\
# Data

This repository is written by [gitexport](https://pypi.org/project/gitexport/): one JSON
document for each row, one commit and one tag for each export. Each tag is the UTC time of
one consistent snapshot of the database.

| path | content |
|---|---|
| `data/` | the documents, by entity |
| `manifest.json` | how many documents each entity has, and where they are |
| `relations/` | what the database's catalog says about each entity |
| `gitexport.toml` | what is published |

To see what changed between two snapshots:

    git diff 20250622-072114 20250623-072114 --stat

Documents are rewritten by the next export: corrections belong in the database. This file is
yours to edit.
"""
