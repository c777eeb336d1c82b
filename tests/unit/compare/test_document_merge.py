"""Merges of documents, as files."""

from __future__ import annotations

import pytest

from gitexport.canonical.check import is_canonical
from gitexport.canonical.value import ExactNumber, canonical_value, loads
from gitexport.compare.document_merge import CONFLICTS, merge_documents, unresolved
from gitexport.errors import UnsupportedValueError


def test_no_column_can_have_the_name_of_the_conflicts() -> None:
    # NAMEDATALEN of PostgreSQL is 64, with the NUL at the end.
    assert len(CONFLICTS.encode()) > 63


def test_merge_is_canonical_and_exact() -> None:
    merged = merge_documents(b'{"b": 1.10, "a": 1}', b'{"b":1.10,"a":2}', b'{"b": 1.1, "a": 1}')

    assert merged.content == b'{\n  "a": 2,\n  "b": 1.1\n}\n'
    assert merged.conflicts == ()


def test_conflict_is_told_with_its_three_values() -> None:
    merged = merge_documents(b'{"a": 1.0, "b": 1}', b'{"a": 1.00, "b": 2}', b'{"b": 1}')
    value = loads(merged.content)

    assert is_canonical(merged.content)
    assert unresolved(value)
    assert value == {
        "a": ExactNumber("1.00"),
        "b": 2,
        CONFLICTS: [{"pointer": "/a", "base": ExactNumber("1.0"), "ours": ExactNumber("1.00")}],
    }


def test_lists_conflict_as_a_whole_and_leave_one_document() -> None:
    merged = merge_documents(b"[1]", b"[1, 2]", b"[1, 3]")

    assert loads(merged.content) == {
        CONFLICTS: [{"pointer": "", "base": [1], "ours": [1, 2], "theirs": [1, 3]}]
    }


def test_conflicts_that_nobody_resolved_are_kept() -> None:
    first = merge_documents(b'{"a": 1, "b": 1}', b'{"a": 2, "b": 1}', b'{"a": 3, "b": 1}').content
    second = merge_documents(
        b'{"a": 1, "b": 1}', first.replace(b'"b": 1', b'"b": 2'), b'{"a": 1, "b": 3}'
    )

    (told,) = [loads(second.content)[CONFLICTS]]  # type: ignore[index,call-overload]
    assert [conflict["pointer"] for conflict in told] == ["/a", "/b"]  # type: ignore[index,union-attr,call-overload]


def test_new_documents_of_both_sides_agree_or_conflict_field_by_field() -> None:
    merged = merge_documents(None, b'{"id": 1, "a": 1}', b'{"id": 1, "a": 2}')

    assert [conflict.pointer for conflict in merged.conflicts] == ["/a"]


def test_counts_of_a_manifest_add_up_and_nothing_else_does() -> None:
    def manifest(count: int, version: str) -> bytes:
        return canonical_value(
            {"entities": {"a/b": {"bytes": count * 10, "count": count}}, "version": version}
        )

    merged = merge_documents(manifest(5, "1"), manifest(7, "2"), manifest(4, "3"), is_manifest=True)

    assert loads(merged.content)["entities"] == {"a/b": {"bytes": 60, "count": 6}}  # type: ignore[index,call-overload]
    assert [conflict.pointer for conflict in merged.conflicts] == ["/version"]
    plain = merge_documents(manifest(5, "1"), manifest(7, "1"), manifest(4, "1"))
    assert len(plain.conflicts) == 2


@pytest.mark.parametrize("bad", [b"<<<<<<<", b'{"a": 1, "a": 1}'])
def test_what_is_no_json_is_not_merged(bad: bytes) -> None:
    for sides in [(bad, b"1", b"2"), (b"1", bad, b"2"), (b"1", b"2", bad)]:
        with pytest.raises(UnsupportedValueError):
            merge_documents(*sides)


def test_half_of_a_surrogate_pair_is_not_merged() -> None:
    with pytest.raises(UnsupportedValueError, match="surrogate"):
        merge_documents(b'{"a": 1}', b'{"a": "\\ud800"}', b'{"a": 1}')
