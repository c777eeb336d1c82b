"""Takes canonical documents apart into fields of COPY, without reading them as a whole.

Canonical form says where each member stands, so one compiled pattern for each set of members
both proves the shape and cuts the values out. What is not in canonical form is brought into
it first, and refused where that is not possible.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from gitexport.canonical.check import canonical_json
from gitexport.canonical.encode import CLOSING, EMPTY_DOCUMENT, opening
from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import Key
from gitexport.source.postgresql.writing.values import (
    COPY_NULL,
    Converter,
    copy_field,
    plain_field,
)

_STRING = rb'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
# What nearly all values are; most of them without a look at the rest of the pattern.
_PLAIN_VALUE = rb"""("[^"\\\x00-\x1f]*+"|[1-9][0-9]*+(?![.eE])|true|false|null|%b)""" % _NUMBER
_NESTED = rb"\[\]|\{\}|[\[{]\n(?:    [^\n]*\n)+  [\]}]"
_VALUE = rb"(%b|%b|true|false|null|%b)" % (_STRING, _NUMBER, _NESTED)
_BETWEEN = rb"\x00"
_MEMBER = re.compile(rb"^  (" + _STRING + rb"): ", re.MULTILINE)


class DocumentShape:
    """The documents with one set of members, against the columns that are written.

    `missing` are columns that they lack, `unknown` members that are not written. `documents`
    counts those that were read.
    """

    def __init__(self, number: int, names: Sequence[str], columns: Mapping[str, Converter]) -> None:
        places = {name: place for place, name in enumerate(names)}
        self.number = number
        self.documents = 0
        self.missing = tuple(name for name in columns if name not in places)
        self.unknown = tuple(name for name in names if name not in columns)
        self.fields = [(places.get(name, -1), convert) for name, convert in columns.items()]
        self.match = _pattern(names, _VALUE).fullmatch
        # Most documents hold the written columns in their order, and plain values alone.
        self.is_plain = list(names) == list(columns) and {*columns.values()} <= {plain_field}
        self._names = tuple(names)

    @cached_property
    def plain(self) -> re.Pattern[bytes]:
        """The pattern of a document of plain values; compiling it takes milliseconds."""
        return _pattern(self._names, _PLAIN_VALUE)

    @cached_property
    def plain_among_others(self) -> re.Pattern[bytes]:
        """The same between others, with a null character before and behind each."""
        return _pattern(self._names, _PLAIN_VALUE, _BETWEEN)

    def values(self, document: bytes) -> tuple[bytes, ...] | None:
        """Gives each member's JSON text; None where the document has another shape."""
        found = self.match(document)
        return None if found is None else found.groups()


class DocumentReader:
    """Makes fields of one entity's documents, and counts what they lack and what is too much.

    `columns` are the columns that are written, with what converts their values; `key` names
    those whose value comes from the document's key where the document has none. In the
    columns of `told`, a document may say nothing else than its key.
    """

    def __init__(
        self, columns: Mapping[str, Converter], key: Sequence[str], told: Collection[str] = ()
    ) -> None:
        self._columns = dict(columns)
        self._key = {name: place for place, name in enumerate(key)}
        self._names = list(columns)
        self._told = [(self._names.index(name), self._key[name]) for name in told]
        self._shapes: dict[tuple[str, ...], DocumentShape] = {}
        self._latest: DocumentShape | None = None

    @property
    def shapes(self) -> tuple[DocumentShape, ...]:
        """The shapes that were seen, by their numbers."""
        return tuple(self._shapes.values())

    def missing(self) -> dict[str, int]:
        """Counts documents by the columns that they lack; key columns are never lacked."""
        counts: Counter[str] = Counter()
        for shape in self.shapes:
            lacked = [name for name in shape.missing if name not in self._key]
            counts.update(dict.fromkeys(lacked, shape.documents))
        return dict(sorted(counts.items()))

    def unknown(self) -> dict[str, int]:
        """Counts documents by the members that are not written."""
        counts: Counter[str] = Counter()
        for shape in self.shapes:
            counts.update(dict.fromkeys(shape.unknown, shape.documents))
        return dict(sorted(counts.items()))

    def alike(
        self, keys: Sequence[Key], documents: Sequence[bytes]
    ) -> list[tuple[bytes, ...]] | None:
        """Gives the fields of documents of one common shape, in their JSON form.

        None where one is of another shape than the last one that was read, lacks a column,
        holds more than plain values, or does not name its key.
        """
        shape = self._latest
        if shape is None or not shape.is_plain or {*map(len, keys)} != {len(self._key)}:
            return None
        text = b"\0%b\0" % b"\0".join(documents)
        if b'"null"' in text or text.count(b"\0") != len(documents) + 1:
            return None
        # No value spans what stands between two documents, so each has at most one match.
        found = shape.plain_among_others.findall(text)
        if len(found) != len(documents):
            return None
        for at, n in self._told:
            told = b"\0".join([values[at] for values in found]).replace(b'"', b"")
            if told != "\0".join([key[n] for key in keys]).encode():
                return None
        shape.documents += len(found)
        return found

    def line(self, key: Key, document: bytes) -> tuple[DocumentShape, bytes]:
        """Gives a document's shape, and its fields with tabs between them.

        Raises:
            UnsupportedValueError: As `read`, or the document names another key.
        """
        shape = self._latest
        if shape is not None and shape.is_plain:
            found = shape.plain.fullmatch(document)
            if found is not None and b'"null"' not in document:
                values = found.groups()
                for at, n in self._told:
                    if values[at].strip(b'"') != key[n].encode():
                        break
                else:
                    shape.documents += 1
                    # Strings without escapes have quotes at their ends alone.
                    return shape, b"\t".join(values).replace(b'"', b"")
        shape, fields = self.read(key, document)
        for at, n in self._told:
            text = key[n].encode()
            if fields[at] not in {text, copy_field(text)}:
                message = f"the document names another key in '{self._names[at]}'"
                raise UnsupportedValueError(message, hint="a document stands at its own path")
        return shape, b"\t".join(fields)

    def read(self, key: Key, document: bytes) -> tuple[DocumentShape, list[bytes]]:
        """Gives a document's shape, and a field for each column.

        Raises:
            UnsupportedValueError: The document is not JSON, no object, or holds a value
                that its column cannot; `where` is the column's name.
        """
        shape = self._latest
        found = None if shape is None else shape.match(document)
        if shape is not None and found is not None:
            shape.documents += 1
            return shape, self._fields(key, shape, found.groups())
        shape, values = self._shape_of(document)
        shape.documents += 1
        self._latest = shape
        return shape, self._fields(key, shape, values)

    def _fields(self, key: Key, shape: DocumentShape, values: Sequence[bytes]) -> list[bytes]:
        fields: list[bytes] = []
        try:
            for member, convert in shape.fields:
                fields.append(convert(values[member]) if member >= 0 else COPY_NULL)
        except UnsupportedValueError as error:
            error.where = self._names[len(fields)]
            raise
        for place, name in enumerate(self._names) if shape.missing else ():
            if name in self._key and name in shape.missing:
                fields[place] = copy_field(key[self._key[name]].encode())
        return fields

    def _shape_of(self, document: bytes) -> tuple[DocumentShape, tuple[bytes, ...]]:
        for attempt in (document, None):
            data = canonical_json(document) if attempt is None else attempt
            names = tuple(json.loads(name) for name in _MEMBER.findall(data))
            try:
                shape = self._shapes.get(names) or self._new(names)
            except (TypeError, ValueError):
                # TypeError: a name holds half of a surrogate pair, which is refused next.
                continue
            values = shape.values(data)
            if values is not None:
                self._shapes[names] = shape
                return shape, values
        message = "the document is no JSON object"
        raise UnsupportedValueError(message)

    def _new(self, names: tuple[str, ...]) -> DocumentShape:
        return DocumentShape(len(self._shapes), names, self._columns)


def _pattern(names: Sequence[str], value: bytes, around: bytes = b"") -> re.Pattern[bytes]:
    between = [re.escape(text) + value for text in opening(names)]
    closing = CLOSING if names else EMPTY_DOCUMENT
    ahead = b"(?=%b)" % around if around else b""
    return re.compile(around + b"".join(between) + re.escape(closing) + ahead)
