"""Notices that a relation is no longer what the last commit says of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import NamedTuple

from gitexport.canonical.value import canonical_value
from gitexport.errors import ConfigError
from gitexport.model.entity import CONFIG_PATH, Entity, Tracking
from gitexport.model.relation import NamedType, Relation


class SchemaChange(NamedTuple):
    """What changed, in sentences for commit and output, and what a run has to do about it.

    `reread` asks for all rows, as documents may differ though no row changed.
    `compare_keys` asks for all keys, as rows may have left without a tombstone.
    """

    sentences: tuple[str, ...] = ()
    reread: bool = False
    compare_keys: bool = False


def schema_hash(entity: Entity, relation: Relation, published: Sequence[str]) -> str:
    """Hashes all that decides a document's content besides the row itself."""
    types = {named.name: named for named in relation.types}
    columns = {
        column.name: [column.type_name, *_type_texts(column.type_name, types, set())]
        for column in relation.columns
        if column.name in published
    }
    value = {"columns": columns, "key": list(entity.key), "where": entity.where}
    return sha256(canonical_value(value)).hexdigest()


def compare_relations(  # noqa: PLR0913 - what there was, and what there is
    entity: Entity,
    old: Relation | None,
    new: Relation,
    published: Sequence[str],
    *,
    hash_differs: bool,
    published_before: Sequence[str] = (),
) -> SchemaChange:
    """Compares a relation, and what is published, with the last commit's description of it."""
    missing = [
        f"{entity.name}: column '{name}' is gone from {new.name}"
        for name in entity.columns
        if name != "*" and new.column(name) is None and (old is None or old.column(name))
    ]
    if old is None:
        return SchemaChange(tuple(missing))
    sentences = [
        *missing,
        *_column_changes(entity, old, new, published),
        *_publication_changes(entity, old, new, published_before, published),
        *_key_changes(entity, old, new),
        *_type_changes(entity, old, new),
        *_partition_changes(entity, old, new),
    ]
    return SchemaChange(
        tuple(dict.fromkeys(sentences)),
        reread=hash_differs,
        compare_keys=set(old.partitions) != set(new.partitions),
    )


def standing_warnings(entity: Entity, relation: Relation, change: SchemaChange) -> list[str]:
    """Lists what a run has to say as long as it is so, apart from what it names as a change."""
    told = {name for name in entity.columns for text in change.sentences if f"'{name}' " in text}
    warnings = [
        f"{entity.name}: columns names '{name}', which {relation.name} does not have"
        for name in entity.columns
        if name != "*" and name not in told and relation.column(name) is None
    ]
    if entity.label is not None and relation.column(entity.label) is None:
        warnings.append(
            f"{entity.name}: label names '{entity.label}', which {relation.name} does not have, "
            "so rows are shown by their key alone"
        )
    if entity.tracking is not Tracking.COMPARE and not relation.identifies(entity.key):
        warnings.append(
            f"{entity.name}: {_no_unique_key(entity, relation)}, so every run reads all of its "
            "rows to find duplicates"
        )
    return warnings


def check_new_names(entity: Entity, relation: Relation, written: bytes) -> None:
    """Checks `columns` and `natural_key` against the last commit's configuration, as bytes.

    One that it names may have been dropped since, which stops no run; a new one that is not
    there was mistyped.

    Raises:
        ConfigError: The relation does not have a column that is named anew.
    """
    for key, named in (("columns", entity.columns), ("natural_key", entity.natural_key)):
        missing = [name for name in named if name != "*" and relation.column(name) is None]
        known = _named_columns(entity, written, key) if missing else ()
        for name in missing:
            if name not in known:
                raise _mistyped(entity, relation, name, key)


def _mistyped(entity: Entity, relation: Relation, name: str, key: str) -> ConfigError:
    taken = entity.columns if key == "columns" else entity.natural_key
    others = [column.name for column in relation.columns if column.name not in taken]
    near = get_close_matches(name, others, 1)
    return ConfigError(
        f"{key} of '{entity.name}' names '{name}', which {relation.name} does not have",
        where=f"{CONFIG_PATH}: [entities.{entity.name}]",
        hint=f"did you mean '{near[0]}'?" if near else "correct the name, or remove it",
        key=("entities", entity.name, key),
    )


def _named_columns(entity: Entity, written: bytes, key: str) -> set[str]:
    try:
        entities = tomllib.loads(written.decode()).get("entities", {})
        return {
            name
            for place in (entity.name, entity.renamed_from)
            for name in entities.get(place, {}).get(key, ())
        }
    except (ValueError, AttributeError, TypeError):
        # What nobody can read names nothing.
        return set()


def _no_unique_key(entity: Entity, relation: Relation) -> str:
    return f"no unique key of {relation.name} covers ({', '.join(entity.key)})"


def _key_changes(entity: Entity, old: Relation, new: Relation) -> Iterator[str]:
    if old.identifies(entity.key) and not new.identifies(entity.key):
        yield f"{entity.name}: {_no_unique_key(entity, new)} any more"


def _publication_changes(
    entity: Entity, old: Relation, new: Relation, before: Sequence[str], after: Sequence[str]
) -> Iterator[str]:
    if not before:
        return
    for name in after:
        if name not in before and old.column(name) is not None:
            yield f"{entity.name}: column '{name}' is published from now on"
    for name in before:
        if name not in after and new.column(name) is not None:
            yield f"{entity.name}: column '{name}' is published no longer"


def _column_changes(
    entity: Entity, old: Relation, new: Relation, published: Sequence[str]
) -> Iterator[str]:
    before = {column.name: column for column in old.columns}
    # The flag is described only where it is named.
    hidden = {entity.flag} - before.keys()
    after = {column.name: column for column in new.columns if column.name not in hidden}
    for name in sorted(before.keys() - after.keys()):
        yield f"{entity.name}: column '{name}' is gone from {new.name}"
    for name in sorted(after.keys() - before.keys()):
        state = "published" if name in published else f"not published: {_unpublished(entity, name)}"
        yield f"{entity.name}: column '{name}' is new ({state})"
    for name in sorted(before.keys() & after.keys()):
        if before[name].type_name != after[name].type_name:
            change = f"{before[name].type_name} is now {after[name].type_name}"
            yield f"{entity.name}: column '{name}' of type {change}"


def _unpublished(entity: Entity, name: str) -> str:
    if name in entity.columns or "*" in entity.columns:
        pattern = next((glob for glob in entity.exclude if fnmatchcase(name, glob)), None)
        if pattern is not None:
            return f"'{pattern}' of exclude leaves it out"
    return "it is not named in columns"


def _type_changes(entity: Entity, old: Relation, new: Relation) -> Iterator[str]:
    before = {named.name: named for named in old.types}
    for named in new.types:
        known = before.get(named.name)
        if known is None or known == named:
            continue
        gone = [label for label in known.labels if label not in named.labels]
        added = [label for label in named.labels if label not in known.labels]
        parts = [f"label '{label}' is gone" for label in gone]
        parts += [f"label '{label}' is new" for label in added]
        yield f"{entity.name}: type {named.name}: {', '.join(parts) or 'its definition changed'}"


def _partition_changes(entity: Entity, old: Relation, new: Relation) -> Iterator[str]:
    before, after = set(old.partitions), set(new.partitions)
    for name in sorted(after - before):
        yield f"{entity.name}: partition {name} is new"
    for name in sorted(before - after):
        yield f"{entity.name}: partition {name} is gone"


def _type_texts(name: str, types: dict[str, NamedType], seen: set[str]) -> list[str]:
    bare = name.removesuffix("[]")
    named = types.get(bare)
    if named is None or bare in seen:
        return []
    seen.add(bare)
    texts = [f"{named.kind.value} {bare}", *named.labels, named.subtype or "", named.base or ""]
    for attribute, type_name in named.attributes:
        texts += [attribute, type_name, *_type_texts(type_name, types, seen)]
    for inner in (named.base, named.subtype):
        if inner:
            texts += _type_texts(inner, types, seen)
    return texts
