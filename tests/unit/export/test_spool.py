"""Records come back as they went in, from memory and from files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.export.spool import (
    AcknowledgementSpool,
    ChangeSpool,
    EditKind,
    EditSpool,
    load_blocks,
    parse_edits,
)
from gitexport.store.changes import FileChange

BLOB = bytes(range(20))
STAT = bytes(range(1, 41))


def filled() -> EditSpool:
    spool = EditSpool()
    spool.write_file(b"data/b", b"2.json", EditKind.ADDED, BLOB, 10, STAT)
    spool.write_name(b"data/a", b"1.json", EditKind.KEPT)
    spool.write_file(b"data/b", b"3.json", EditKind.MODIFIED, BLOB, 1 << 33, None)
    spool.write_name(b"data/c", b"9.json", EditKind.DELETED)
    return spool


def test_edits_come_back_by_directory() -> None:
    blocks = dict(filled().blocks())

    assert list(blocks) == [b"data/a", b"data/b", b"data/c"]
    assert [edit.name for edit in parse_edits(blocks[b"data/b"])] == [b"2.json", b"3.json"]
    first, second = parse_edits(blocks[b"data/b"])
    assert (first.kind, first.blob, first.size, first.stat) == (EditKind.ADDED, BLOB, 10, STAT)
    assert (second.kind, second.size, second.stat) == (EditKind.MODIFIED, 1 << 33, None)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (b"", None, [b"data/a", b"data/b", b"data/c"]),
        (b"data/b", None, [b"data/b", b"data/c"]),
        (b"", b"data/b", [b"data/a"]),
        (b"\xff", None, []),
    ],
)
def test_saved_edits_are_read_by_range(
    tmp_path: Path, low: bytes, high: bytes | None, expected: list[bytes]
) -> None:
    whole = dict(filled().blocks())
    filled().save(tmp_path / "edits")

    loaded = dict(load_blocks(tmp_path / "edits", low, high))

    assert list(loaded) == expected
    assert all(loaded[name] == whole[name] for name in expected)


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(keys=st.lists(st.tuples(texts, texts), max_size=30), size=st.integers(1, 7))
def test_acknowledgements_come_back_in_batches(
    keys: list[tuple[str, str]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    for path in (None, directory / "rows"):
        spool = AcknowledgementSpool(path)
        for number, key in enumerate(keys):
            spool.write(key, str(number))

        batches = list(spool.finish().batches(size))

        assert [row.key for batch in batches for row in batch] == keys
        assert [int(row.version) for batch in batches for row in batch] == list(range(len(keys)))
        assert all(len(batch) == size for batch in batches[:-1])


def test_changes_come_back_in_order(tmp_path: Path) -> None:
    changes = [
        FileChange(b"a", None, BLOB, STAT),
        FileChange(b"b", BLOB, None),
        FileChange("ü".encode() * 300, BLOB, BLOB[::-1]),
    ]
    for path in (None, tmp_path / "changes"):
        spool = ChangeSpool(path)
        for change in changes:
            spool.write(change)

        saved = spool.finish()

        assert saved.count == 3
        assert list(saved) == changes
        assert list(saved) == changes
