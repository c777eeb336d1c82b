"""Documents as they are read from a snapshot, checked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from gitexport.canonical.check import canonical_json
from gitexport.canonical.encode import member_prefix
from gitexport.canonical.value import loads
from gitexport.errors import RowRefusedError, UnsupportedValueError
from gitexport.export.validate import Validate, compile_schema
from gitexport.model.address import format_address
from gitexport.model.ports import Key
from gitexport.transfer.snapshot_source import SnapshotDocument, SnapshotEntity

# Only members of the top level stand after exactly two spaces.
_MEMBER = re.compile(rb'^  ("(?:[^"\\]|\\.)*": )', re.MULTILINE)
_ESCAPE = b"\\u"
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class CheckedDocument(NamedTuple):
    """A document in canonical form, under its key."""

    key: Key
    content: bytes


class DocumentCheck:
    """Checks the documents of one entity against its relation's file and its JSON Schema."""

    def __init__(self, name: str, entity: SnapshotEntity) -> None:
        """Prepares the check.

        Raises:
            ConfigError: The schema is none.
        """
        self._name = name
        self._key = entity.stored.key
        self._names = sorted(entity.published)
        self._prefixes = [member_prefix(column).encode() for column in self._names]
        self._validate: Validate | None = None
        if entity.schema is not None:
            self._validate = compile_schema(entity.schema, f"the schema of '{name}'")

    @property
    def has_schema(self) -> bool:
        """Tells whether documents have to satisfy a JSON Schema."""
        return self._validate is not None

    def check(self, document: SnapshotDocument) -> CheckedDocument:
        """Gives the document in canonical form.

        Raises:
            RowRefusedError: It is no JSON, holds half of a surrogate pair, has other members
                than the relation's file says, or does not satisfy the schema; the message
                names its path.
        """
        content = document.content
        has_members = _MEMBER.findall(content) == self._prefixes and content[:2] == b"{\n"
        # An escape may stand for half of a surrogate pair.
        if not has_members or _ESCAPE in content:
            content = self._canonical(document)
        if self._validate is not None:
            try:
                self._validate(content)
            except UnsupportedValueError as error:
                raise self._refused(document, error.message) from error
        return CheckedDocument(self.key(document), content)

    def key(self, document: SnapshotDocument) -> Key:
        """Gives the key of a document, also where its path holds only a part of it.

        Raises:
            RowRefusedError: Neither path nor document tells the key.
        """
        return document.key or self._read_key(document)

    def _canonical(self, document: SnapshotDocument) -> bytes:
        try:
            content = canonical_json(document.content)
        except UnsupportedValueError as error:
            raise self._refused(document, error.message) from error
        value = loads(content)
        if not isinstance(value, dict):
            raise self._refused(document, "is no object")
        for name in value:
            if name not in self._names:
                raise self._refused(document, f"holds '{name}', which is no published column")
        for name in self._names:
            if name not in value:
                raise self._refused(document, f"lacks the column '{name}'")
        return content

    def _read_key(self, document: SnapshotDocument) -> Key:
        try:
            value = loads(document.content)
        except UnsupportedValueError as error:
            raise self._refused(document, error.message) from error
        parts: Sequence[object] = []
        if isinstance(value, dict):
            parts = [value.get(column) for column in self._key]
        if all(isinstance(part, (str, int)) and not isinstance(part, bool) for part in parts):
            key = tuple(map(str, parts))
            if _HALF_PAIR.search("".join(key)) is None:
                return key
        raise self._refused(document, "has a key that its path is too short for")

    def _refused(self, document: SnapshotDocument, reason: str) -> RowRefusedError:
        key = document.key
        address = self._name if key is None else format_address(self._name, key)
        return RowRefusedError(
            f"{address}: '{document.path}' {reason}",
            entity=self._name,
            key=key,
            where=document.path,
            hint=f"mend it in the snapshot, or leave it out with --exclude '{address}'",
        )
