"""Reads patch files, `gitexport.patch/v1`: the changes of some documents, as operations.

Reading is strict, so that applying meets no surprise: every change is one that can be turned
round, no two of them meet, and every path stays inside of the repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from gitexport.canonical.reading import MAX_FILE_DEPTH
from gitexport.canonical.value import JsonValue, dumps_line, loads
from gitexport.compare.patch import reverse_changes
from gitexport.errors import UnsupportedValueError, UsageError
from gitexport.model.changeset import ABSENT, ComparedSide, FieldChange
from gitexport.model.pointer import parse_pointer
from gitexport.model.snapshot import ObjectId

PATCH_FORMAT = "gitexport.patch/v1"

_DEPTH = MAX_FILE_DEPTH + 5
"""A document may stand below the file, `documents`, its entry, `patch` and an operation."""
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
_ANY_VERSION = "gitexport.patch/"
_HINT = "make one with 'gitexport compare BASE TARGET -o json-patch'"


@dataclass(frozen=True, slots=True)
class DocumentPatch:
    """What happens to one document.

    `key` holds the values of the key's columns, None where they are not known. A document
    that is added or removed has one change, with the empty pointer. Without any change, only
    its bytes become canonical.
    """

    entity: str
    key: tuple[JsonValue, ...] | None
    path: str
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class PatchFile:
    """The documents that a patch changes, in the order of the file, and between what it was made.

    `left_out` says of documents that differ, too, why the patch does not hold them.
    """

    base: ComparedSide
    target: ComparedSide
    documents: tuple[DocumentPatch, ...]
    left_out: tuple[str, ...] = ()

    def reversed(self) -> PatchFile:
        """Gives the patch that undoes this one."""
        turned = [
            replace(document, changes=reverse_changes(document.changes))
            for document in reversed(self.documents)
        ]
        return PatchFile(self.target, self.base, tuple(turned), self.left_out)


def read_patch(data: bytes) -> PatchFile:
    """Reads a patch file.

    Raises:
        UsageError: The bytes are no patch file, or one whose changes could not be turned round;
            `where` is the JSON Pointer of the place.
    """
    file = _file(data)
    listed = _list(file.get("documents"), "/documents")
    documents = tuple(_document(value, f"/documents/{place}") for place, value in enumerate(listed))
    _refuse_repetition(documents)
    return PatchFile(
        base=_side(file.get("base"), "/base"),
        target=_side(file.get("target"), "/target"),
        documents=documents,
        left_out=tuple(
            _left_out(value, f"/left_out/{place}")
            for place, value in enumerate(_list(file.get("left_out", []), "/left_out"))
        ),
    )


def _file(data: bytes) -> Mapping[str, JsonValue]:
    try:
        value = loads(data, max_depth=_DEPTH)
        if _HALF_PAIR.search(data):
            dumps_line(value)
    except UnsupportedValueError as error:
        message = f"this is no patch: it {error.message}"
        raise UsageError(message, hint=_HINT) from error
    except ValueError as error:
        message = "this is no patch: it holds half of a surrogate pair, which is no character"
        raise UsageError(message, hint=_HINT) from error
    made = value.get("format") if isinstance(value, dict) else None
    if not isinstance(made, str) or not made.startswith(_ANY_VERSION):
        message = f"this is no patch: its format is not {PATCH_FORMAT}"
        raise UsageError(message, where="/format", hint=_HINT)
    if made != PATCH_FORMAT:
        message = "the patch is of another version of the format than this gitexport reads"
        raise UsageError(message, where="/format", hint="use a newer gitexport")
    return _object(value, "")


def _side(value: JsonValue, where: str) -> ComparedSide:
    if value is None:
        return ComparedSide()
    members = _object(value, where)
    commit = _optional_text(members.get("commit"), f"{where}/commit")
    snapshot = _optional_text(members.get("snapshot"), f"{where}/snapshot")
    return ComparedSide(None if commit is None else ObjectId(commit), snapshot)


def _document(value: JsonValue, where: str) -> DocumentPatch:
    members = _object(value, where)
    operations = _list(members.get("patch"), f"{where}/patch")
    changes = _changes(operations, f"{where}/patch")
    _refuse_overlap(changes, f"{where}/patch")
    return DocumentPatch(
        entity=_text(members.get("entity"), f"{where}/entity"),
        key=_key(members.get("key"), f"{where}/key"),
        path=_path(members.get("path"), f"{where}/path"),
        changes=changes,
    )


def _key(value: JsonValue, where: str) -> tuple[JsonValue, ...] | None:
    if value is None:
        return None
    parts = tuple(_list(value, where))
    if not parts:
        raise _wrong(where, "is empty")
    return parts


def _path(value: JsonValue, where: str) -> str:
    path = _text(value, where)
    parts = path.split("/")
    is_inside = all(part not in {"", ".", ".."} and part.lower() != ".git" for part in parts)
    if not is_inside or "\\" in path or "\0" in path:
        raise _wrong(where, "is not the path of a file in the data repository")
    return path


def _changes(operations: list[JsonValue], where: str) -> tuple[FieldChange, ...]:
    """Joins each test with the operation behind it on the same place."""
    changes: list[FieldChange] = []
    tested: FieldChange | None = None
    for place, value in enumerate(operations):
        here = f"{where}/{place}"
        members = _object(value, here)
        pointer = _pointer(members.get("path"), f"{here}/path")
        kind = members.get("op")
        before = tested if tested is not None and tested.pointer == pointer else None
        tested = None
        if kind == "test":
            tested = FieldChange(pointer, *[_value(members, here)] * 2)
            changes.append(tested)
        elif kind == "add":
            changes[len(changes) - (before is not None) :] = [_added(before, members, here)]
        elif kind in {"replace", "remove"}:
            if before is None:
                raise _wrong(here, f"does not stand right behind a test of '{pointer}'")
            new = ABSENT if kind == "remove" else _value(members, here)
            changes[-1] = FieldChange(pointer, before.old, new)
        else:
            raise _wrong(here, "has an op that is none of test, add, remove and replace")
    return tuple(changes)


def _added(before: FieldChange | None, members: Mapping[str, JsonValue], where: str) -> FieldChange:
    pointer = str(members["path"])
    if pointer and before is not None:
        raise _wrong(where, f"adds what the test before it finds at '{pointer}'")
    if not pointer and (before is None or before.old is not None):
        raise _wrong(where, "adds a document and does not stand right behind a test of null")
    return FieldChange(pointer, ABSENT, _value(members, where))


def _value(members: Mapping[str, JsonValue], where: str) -> JsonValue:
    if "value" not in members:
        raise _wrong(where, "has no value")
    return members["value"]


def _pointer(value: JsonValue, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "is not a JSON Pointer")
    try:
        parse_pointer(value)
    except ValueError as error:
        raise _wrong(where, "is not a JSON Pointer") from error
    return value


def _refuse_overlap(changes: tuple[FieldChange, ...], where: str) -> None:
    """Refuses changes that meet, as the order of such could not be turned round."""
    places = sorted(parse_pointer(change.pointer) for change in changes)
    for first, second in pairwise(places):
        if second[: len(first)] == first:
            raise _wrong(where, "holds two changes of one place, or one inside of the other")


def _refuse_repetition(documents: tuple[DocumentPatch, ...]) -> None:
    seen: set[str] = set()
    for place, document in enumerate(documents):
        where = f"/documents/{place}/path"
        if document.path in seen:
            raise _wrong(where, "is the path of two documents")
        seen.add(document.path)


def _left_out(value: JsonValue, where: str) -> str:
    members = _object(value, where)
    path = _text(members.get("path"), f"{where}/path")
    return f"{path}: {_text(members.get('reason'), f'{where}/reason')}"


def _object(value: JsonValue, where: str) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise _wrong(where, "is not an object")
    return value


def _list(value: JsonValue, where: str) -> list[JsonValue]:
    if not isinstance(value, list):
        raise _wrong(where, "is not an array")
    return value


def _text(value: JsonValue, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(where, "is not a text of at least one character")
    return value


def _optional_text(value: JsonValue, where: str) -> str | None:
    return None if value is None else _text(value, where)


def _wrong(where: str, what: str) -> UsageError:
    return UsageError(f"the patch cannot be read: '{where}' {what}", where=where, hint=_HINT)
