"""One JSON object on one line, `format` first, the other members in their given order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePath
from typing import cast

from gitexport.canonical.value import ExactNumber, JsonValue, dumps_line
from gitexport.cli.plain import whole


def json_object(format_name: str, members: Mapping[str, object]) -> bytes:
    """Writes the object with its final newline. Members inside of members are sorted."""
    parts = [
        _line(name) + b":" + _line(to_json(value))
        for name, value in {"format": format_name, **members}.items()
    ]
    return b"{" + b",".join(parts) + b"}\n"


def json_pieces(
    format_name: str, members: Mapping[str, object], name: str, items: Iterable[object]
) -> Iterator[bytes]:
    """Writes an object whose last member is a list, item by item."""
    yield json_object(format_name, members).removesuffix(b"}\n") + b"," + _line(name) + b":["
    separator = b""
    for item in items:
        yield separator + _line(to_json(item))
        separator = b","
    yield b"]}\n"


def to_json(value: object) -> JsonValue:
    """Turns reports into JSON values: dataclasses to objects, times to text in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, (Enum, PurePath, str)):
        text = value.value if isinstance(value, Enum) else value
        return whole(str(text))
    if isinstance(value, (set, frozenset)):
        return [to_json(member) for member in sorted(value)]
    if isinstance(value, (list, tuple)):
        return [to_json(member) for member in value]
    members = _members(value)
    if members is not None:
        return {str(name): to_json(member) for name, member in members.items()}
    return cast("JsonValue", value)


def _line(value: JsonValue) -> bytes:
    return dumps_line(value).rstrip(b"\n")


def _members(value: object) -> Mapping[str, object] | None:
    if isinstance(value, Mapping):
        return value
    if is_dataclass(value) and not isinstance(value, (type, ExactNumber)):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    return None
