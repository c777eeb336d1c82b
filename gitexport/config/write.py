"""Writes gitexport.toml: anew, and into a file that people have edited.

What people wrote stays byte for byte: comments, order, spacing. New entities are added at
the end, complete ones as tables, the others as comments for a person to finish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gitexport.model.entity import FORMAT_VERSION, Entity, Tracking
from gitexport.model.relation import RelationName
from gitexport.setup.proposal import ProposedEntity

_COMMENTED = re.compile(r'^#\s*relation\s*=\s*(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\')', re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER = """\
# What this data repository publishes, and from where. Made by `gitexport init`;
# edit it as you like: running init again adds what is new and keeps your edits.
# SQL stands in `where` and `query`; everything else is names.
"""
_KEY_TO_FILL = ("name_the_key_columns_here",)


@dataclass(frozen=True, slots=True)
class NewSettings:
    """The first lines of a new configuration."""

    repository_id: str
    branch: str = "main"
    remote: str = "origin"
    version: str = "1.0.0"


def new_config(settings: NewSettings, entities: Sequence[ProposedEntity]) -> str:
    """Writes a configuration."""
    head = [
        f"format = {FORMAT_VERSION}",
        f"id = {_text(settings.repository_id)}  # of this data repository; clones share it",
        f"branch = {_text(settings.branch)}",
        f"remote = {_text(settings.remote)}",
        f"version = {_text(settings.version)}  # of the published data model, semver",
        "",
        "[source]",
        'kind = "postgresql"',
        'tracking = "flag"  # flag | table | compare; also per entity',
    ]
    return _HEADER + "\n".join(head) + "\n" + _blocks(entities)


def add_entities(text: str, entities: Sequence[ProposedEntity]) -> str:
    """Adds entities at the end of a configuration; without any it comes back as it is."""
    if not entities:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    separator = "" if not text or text.endswith("\n") else newline
    return text + separator + _blocks(entities).replace("\n", newline)


def commented_relations(text: str) -> list[RelationName]:
    """Lists the relations of entities that stand in the file as comments."""
    names = []
    for match in _COMMENTED.finditer(text):
        try:
            names.append(RelationName.parse(_unescape(match[1]) if match[1] else match[2] or ""))
        except ValueError:
            continue
    return names


def column_line(text: str, line: int, column: str) -> int | None:
    """Finds the line on which a list that starts at `line` names a column on its own."""
    lines = text.splitlines()
    for number in range(line, len(lines) + 1):
        content = lines[number - 1].strip()
        if content.partition(" #")[0].strip().rstrip(",") == _text(column):
            return number
        if content == "]":
            break
    return None


def _blocks(entities: Iterable[ProposedEntity]) -> str:
    return "".join(
        "\n" + (_block(proposed) if proposed.is_complete else _comment(proposed))
        for proposed in entities
    )


def _block(proposed: ProposedEntity) -> str:
    entity = proposed.entity
    lines = [
        f"[entities.{entity.name}]",
        f"relation = {_text(str(entity.relation))}",
        f"key = {_list(entity.key)}",
        "columns = [",
        *(f"    {_text(column)}," for column in entity.columns),
        "]",
        *_tracking_lines(entity),
        f"directory = {_text(entity.directory)}",
        f"shard = {_text(str(entity.shard))}",
    ]
    lines += _optional_lines(entity)
    return "\n".join(lines) + "\n"


def _tracking_lines(entity: Entity) -> list[str]:
    if entity.tracking is Tracking.TABLE:
        # Not what the whole source has, and there is no flag.
        return [f"tracking = {_text(entity.tracking.value)}"]
    return [f"flag = {_text(entity.flag)}"]


def _optional_lines(entity: Entity) -> list[str]:
    lines = []
    if entity.label:
        lines.append(f"label = {_text(entity.label)}")
    if entity.natural_key:
        lines.append(f"natural_key = {_list(entity.natural_key)}")
    if entity.modified:
        dimension = entity.modified
        lines.append(
            f"modified = {{ relation = {_text(str(dimension.relation))}, "
            f"on = {_text(dimension.on)}, column = {_text(dimension.column)} }}"
        )
    return lines


def _comment(proposed: ProposedEntity) -> str:
    entity = proposed.entity
    notes = [f"# {_CONTROL.sub(_escaped, note)}" for note in proposed.notes]
    lines = [
        f"[entities.{entity.name}]",
        f"relation = {_text(str(entity.relation))}",
        f"key = {_list(_KEY_TO_FILL)}",
        "columns = [",
        *(f"    {_text(column)}," for column in entity.columns),
        "]",
        f"tracking = {_text(entity.tracking.value)}",
        f"directory = {_text(entity.directory)}",
        f"shard = {_text(str(entity.shard))}",
    ]
    return "\n".join([*notes, *(f"# {line}" for line in lines)]) + "\n"


def _escaped(match: re.Match[str]) -> str:
    # A relation's name may hold line ends, which would end the comment.
    return f"\\x{ord(match[0]):02x}"


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"


def _text(value: str) -> str:
    import tomlkit

    return tomlkit.string(value).as_string()


def _unescape(text: str) -> str:
    import tomllib

    value = tomllib.loads(f'value = "{text}"')["value"]
    return value if isinstance(value, str) else ""
