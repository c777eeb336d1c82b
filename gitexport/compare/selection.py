"""Which of the documents that differ are meant, and which of their fields."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import cast

from gitexport.canonical.value import JsonValue, dumps_line
from gitexport.compare.changed_document import ChangedDocument
from gitexport.model.address import Address
from gitexport.model.changeset import ABSENT, Absent, ChangedFile, ChangeKind, FileRole
from gitexport.model.pointer import format_pointer, get, is_within, parse_pointer


@dataclass(frozen=True, slots=True)
class FieldTest:
    """Holds for a document whose field has a value: a string, or the JSON text of another."""

    pointer: str
    text: str

    def holds(self, document: JsonValue | Absent) -> bool:
        """Tells whether it holds; never for an absent document or field."""
        value = get(document, parse_pointer(self.pointer))
        if isinstance(value, str):
            return value == self.text
        return (
            value is not ABSENT
            and dumps_line(cast("JsonValue", value)).decode() == self.text + "\n"
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """What is meant of the differences; by default all.

    `only` are addresses, of which one has to match, `kinds` are kinds, of which none means
    all. `ignore` are pointers of fields whose differences do not count. `where` has to hold,
    all of it, for the base's document or for the target's.
    """

    only: tuple[Address, ...] = ()
    kinds: frozenset[ChangeKind] = frozenset()
    ignore: tuple[str, ...] = ()
    where: tuple[FieldTest, ...] = ()

    @property
    def has_files(self) -> bool:
        """Tells whether files that are no documents are meant, too."""
        return not self.only and not self.where

    def means_file(self, file: ChangedFile) -> bool:
        """Tells whether a file that is no document is meant.

        The manifest counts all documents, so where not all of them are meant, it tells nothing.
        """
        if self.kinds and file.kind not in self.kinds:
            return False
        return file.role is not FileRole.MANIFEST or not (self.kinds or self.ignore)

    def means_entity(self, names: Collection[str]) -> bool:
        """Tells whether documents of an entity of any of these names may be meant."""
        return not self.only or any(address.entity in names for address in self.only)

    def addresses(self, names: Collection[str]) -> tuple[Address, ...]:
        """Gives the addresses of an entity."""
        return tuple(address for address in self.only if address.entity in names)

    def means_key(self, document: ChangedDocument, names: Collection[str]) -> bool:
        """Tells whether a document is meant, as far as its key tells."""
        return not self.only or bool(self._matching(document, names))

    def settle(self, document: ChangedDocument, names: Collection[str]) -> bool:
        """Compares a document; tells whether it is meant, and leaves the fields that are."""
        change = document.settle()
        if change.reason is None and not self._holds(document):
            return False
        if change.kind is ChangeKind.MODIFIED and change.reason is None:
            addresses = self._matching(document, names)
            fields = tuple(
                field for field in change.fields if self._means_field(field.pointer, addresses)
            )
            if not fields:
                return False
            document.change = replace(change, fields=fields)
        return not self.kinds or change.kind in self.kinds

    def _holds(self, document: ChangedDocument) -> bool:
        return not self.where or any(
            all(test.holds(value) for test in self.where)
            for value in (document.old_value, document.new_value)
        )

    def _means_field(self, pointer: str, addresses: Collection[Address]) -> bool:
        if any(is_within(pointer, name) for name in self.ignore):
            return False
        return not self.only or any(address.covers(pointer) for address in addresses)

    def _matching(self, document: ChangedDocument, names: Collection[str]) -> list[Address]:
        """Gives the addresses that name a document, or the one it was before."""
        return [
            address
            for address in self.addresses(names)
            if address.parts is None or any(map(address.matches, document.addressed))
        ]


def field_pointer(field: str) -> str:
    """Gives the pointer of a field, which is named by its pointer or by its column."""
    return field if field.startswith("/") else format_pointer((field,))
