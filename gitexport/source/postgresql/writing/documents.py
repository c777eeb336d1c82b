"""Takes canonical documents apart into fields of COPY, without reading them as a whole.

Canonical form says where each member stands, so one compiled pattern for each set of members
both proves the shape and cuts the values out. What is not in canonical form is brought into
it first, and refused where that is not possible.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from gitexport.canonical.check import canonical_json
from gitexport.canonical.encode import CLOSING, EMPTY_DOCUMENT, opening
from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import Key
from gitexport.source.postgresql.writing.values import COPY_NULL, Converter, copy_field

_STRING = rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
_VALUE = rb"(" + _STRING + rb"|[^\s\"{}\[\],]+|\[\]|\{\}|[\[{]\n(?:    [^\n]*\n)+  [\]}])"
_MEMBER = re.compile(rb"^  (" + _STRING + rb"): ", re.MULTILINE)


class DocumentShape:
    """The documents with one set of members, against the columns that are written.

    `missing` are columns that they lack, `unknown` members that are not written.
    """

    def __init__(self, number: int, names: Sequence[str], columns: Mapping[str, Converter]) -> None:
        places = {name: place for place, name in enumerate(names)}
        self.number = number
        self.missing = tuple(name for name in columns if name not in places)
        self.unknown = tuple(name for name in names if name not in columns)
        self.fields = [(places.get(name, -1), convert) for name, convert in columns.items()]
        between = [re.escape(text) + _VALUE for text in opening(names)]
        closing = CLOSING if names else EMPTY_DOCUMENT
        self._match = re.compile(b"".join(between) + re.escape(closing)).fullmatch

    def values(self, document: bytes) -> tuple[bytes, ...] | None:
        """Gives each member's JSON text; None where the document has another shape."""
        found = self._match(document)
        return None if found is None else found.groups()


class DocumentReader:
    """Makes fields of one entity's documents, and counts what they lack and what is too much.

    `columns` are the columns that are written, with what converts their values; `key` names
    those whose value comes from the document's key where the document has none.
    """

    def __init__(self, columns: Mapping[str, Converter], key: Sequence[str]) -> None:
        self._columns = dict(columns)
        self._key = {name: place for place, name in enumerate(key)}
        self._names = list(columns)
        self._shapes: dict[tuple[str, ...], DocumentShape] = {}
        self._latest: DocumentShape | None = None
        self._counts: Counter[DocumentShape] = Counter()

    @property
    def shapes(self) -> tuple[DocumentShape, ...]:
        """The shapes that were seen, by their numbers."""
        return tuple(self._shapes.values())

    def missing(self) -> dict[str, int]:
        """Counts documents by the columns that they lack; key columns are never lacked."""
        return self._count({shape: shape.missing for shape in self._counts}, self._key)

    def unknown(self) -> dict[str, int]:
        """Counts documents by the members that are not written."""
        return self._count({shape: shape.unknown for shape in self._counts}, ())

    def read(self, key: Key, document: bytes) -> tuple[DocumentShape, list[bytes]]:
        """Gives a document's shape, and a field for each column.

        Raises:
            UnsupportedValueError: The document is not JSON, no object, or holds a value
                that its column cannot; `where` is the column's name.
        """
        shape = self._latest
        values = shape.values(document) if shape is not None else None
        if shape is None or values is None:
            shape, values = self._shape_of(document)
            self._latest = shape
        self._counts[shape] += 1
        fields: list[bytes] = []
        try:
            for member, convert in shape.fields:
                fields.append(convert(values[member]) if member >= 0 else COPY_NULL)
        except UnsupportedValueError as error:
            error.where = self._names[len(fields)]
            raise
        if shape.missing:
            for place, name in enumerate(self._names):
                if name in self._key and name in shape.missing:
                    fields[place] = copy_field(key[self._key[name]].encode())
        return shape, fields

    def _shape_of(self, document: bytes) -> tuple[DocumentShape, tuple[bytes, ...]]:
        for attempt in (document, None):
            data = canonical_json(document) if attempt is None else attempt
            names = tuple(json.loads(name) for name in _MEMBER.findall(data))
            try:
                shape = self._shapes.get(names) or self._new(names)
            except ValueError:
                continue
            values = shape.values(data)
            if values is not None:
                self._shapes[names] = shape
                return shape, values
        message = "the document is no JSON object"
        raise UnsupportedValueError(message)

    def _new(self, names: tuple[str, ...]) -> DocumentShape:
        return DocumentShape(len(self._shapes), names, self._columns)

    def _count(
        self, names: Mapping[DocumentShape, Sequence[str]], left_out: Mapping[str, int] | tuple[()]
    ) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for shape, members in names.items():
            counts.update({name: self._counts[shape] for name in members if name not in left_out})
        return dict(sorted(counts.items()))
