"""Documents become numbered lines of COPY in blocks; what cannot is left, under its number."""

from __future__ import annotations

import pytest

from gitexport.errors import RowRefusedError
from gitexport.model.ports import Key
from gitexport.model.prepared_rows import PreparedRows
from gitexport.model.writing import MissingColumns, RowAction
from gitexport.source.postgresql.writing import preparing
from gitexport.source.postgresql.writing.documents import DocumentReader
from gitexport.source.postgresql.writing.preparing import COMPLETE, Preparer
from gitexport.source.postgresql.writing.values import plain_field

FIRST = 1 << 32
Document = tuple[Key, bytes]


def document(number: int, value: str = '"x"') -> Document:
    """A document under its key."""
    return (str(number),), f'{{\n  "id": {number},\n  "name": {value}\n}}\n'.encode()


def preparer() -> Preparer:
    """Prepares documents with an id and a name."""
    columns = {"id": plain_field, "name": plain_field}
    return Preparer("users", ("id",), DocumentReader(columns, ("id",), ("id",)))


@pytest.mark.parametrize("few", [1, 100])
def test_every_document_has_its_line_and_its_number(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(preparing, "_BLOCK_BYTES", 100)
    monkeypatch.setattr(preparing, "_FEW", few)
    documents = [document(number, '"a\\nb"' if number == 5 else "null") for number in range(10)]

    blocks = list(preparer().prepare(documents, RowAction.UPSERT, FIRST))

    assert len(blocks) > 2
    lines = b"".join(block.lines for block in blocks).splitlines()
    assert lines == [
        b"%d\tp\t%d\t%d\t%b" % (FIRST + n, COMPLETE, n, b"a\\nb" if n == 5 else b"null")
        for n in range(10)
    ]
    keys = [block.key(place) for block in blocks for place in range(block.line_count)]
    assert keys == [key for key, _content in documents]
    assert sum(block.rows for block in blocks) == 10


def test_what_is_missing_too_much_or_wrong_is_left_under_its_number() -> None:
    odd = {
        1: (("1",), b'{\n  "id": 1\n}\n'),
        3: (("3",), b'{\n  "id": 3,\n  "more": 1,\n  "name": "x"\n}\n'),
        4: (("9",), document(4)[1]),
        6: (("6",), b"no document"),
        7: (("7", "7"), document(7)[1]),
    }
    documents = [odd.get(number) or document(number) for number in range(9)]

    (block,) = preparer().prepare(documents, RowAction.SKIP, FIRST)

    assert dict(zip(block.numbers, block.left, strict=True)) == {
        FIRST + number: found for number, found in odd.items()
    }
    assert (block.line_count, block.rows) == (4, 9)
    with pytest.raises(RowRefusedError, match="names another key"):
        list(preparer().lines(block.left, block.numbers, RowAction.SKIP, MissingColumns.DEFAULT))
    left = preparer()
    taken = left.lines(block.left[:2], block.numbers, RowAction.SKIP, MissingColumns.DEFAULT)
    assert [line.split(b"\t")[0] for line in next(taken).lines.splitlines()] == [
        b"%d" % (FIRST + 1),
        b"%d" % (FIRST + 3),
    ]
    assert left.reader.missing() == {"name": 1}
    assert left.reader.unknown() == {"more": 1}


def test_keys_of_another_length_are_refused_among_many() -> None:
    documents = [document(number) for number in range(40)]
    keys = [*(key for key, _content in documents[:39]), ()]
    odd = [(key, content) for key, (_key, content) in zip(keys, documents, strict=True)]
    found = preparer()
    list(found.prepare(documents, RowAction.SKIP, FIRST))

    (block,) = found.prepare(odd, RowAction.SKIP, FIRST)

    assert block.left == [((), documents[39][1])]


def test_keys_that_cannot_be_told_apart_are_not_told() -> None:
    block = PreparedRows.of(2, b"", [("1", "a"), ("2", "b\0c")])

    assert block.key(0) is None
    assert PreparedRows.of(2, b"", [("1", "a"), ("2", "b")]).key(1) == ("2", "b")
