"""Patch files: what is written reads back, and gives back the very bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitexport.canonical.value import JsonValue, canonical_value, loads
from gitexport.compare.patch import apply_patch
from gitexport.compare.patch_file import DocumentPatch, PatchFile, read_patch
from gitexport.errors import UsageError
from gitexport.model.changeset import ABSENT, FieldChange
from tests.fixtures.comparisons import BASE, TARGET, Pair, compared, formatted

FORMAT = "json-patch"
USERS = [
    Pair(("1",), None, b'{\n  "id": 1,\n  "name": "Ann",\n  "tags": []\n}\n'),
    Pair(("2",), b'{\n  "id": 2,\n  "size": 1.10\n}\n', b'{\n  "id": 2,\n  "size": 1.1\n}\n'),
    Pair(("3",), b'{\n  "id": 3,\n  "name": null\n}\n', None),
    Pair(("5",), b'{\n  "id": 4\n}\n', b'{\n  "id": 5\n}\n', old_key=("4",)),
]


def applied(file: PatchFile, documents: dict[str, bytes]) -> dict[str, bytes]:
    """Applies a patch file to files by their paths, in no particular order."""
    made = dict(documents)
    for document in reversed(file.documents):
        data = made.pop(document.path, None)
        value = apply_patch(ABSENT if data is None else loads(data), document.changes)
        if value is not ABSENT:
            made[document.path] = canonical_value(value)  # type: ignore[arg-type]
    return made


def files(pairs: list[Pair], *, is_new: bool) -> dict[str, bytes]:
    """Gives the files of one side."""
    sides = [
        (pair.key, pair.new) if is_new else (pair.old_key or pair.key, pair.old) for pair in pairs
    ]
    return {f"data/users/{key[0]}.json": data for key, data in sides if data is not None}


def test_patch_file_turns_one_side_into_the_other_and_back() -> None:
    data = formatted(FORMAT, compared({"users": USERS})).encode()

    patch = read_patch(data)
    assert applied(patch, files(USERS, is_new=False)) == files(USERS, is_new=True)
    assert applied(patch.reversed(), files(USERS, is_new=True)) == files(USERS, is_new=False)
    assert (patch.base, patch.target) == (BASE, TARGET)


def test_patch_file_is_one_json_value_with_a_document_on_each_line() -> None:
    text = formatted(FORMAT, compared({"users": USERS}))

    assert text.startswith('{"format":"gitexport.patch/v1","base":{"name":')
    assert len(text.splitlines()) == 1 + 5 + 1
    documents = json.loads(text)["documents"]
    assert list(documents[0]) == ["entity", "key", "path", "patch"]
    assert [document["key"] for document in documents] == [[1], [2], [3], [4], [5]]
    assert documents[1]["patch"] == [
        {"op": "test", "path": "/size", "value": 1.10},
        {"op": "replace", "path": "/size", "value": 1.1},
    ]
    assert '"value":1.10}' in text
    assert [operation["op"] for operation in documents[0]["patch"]] == ["test", "add"]
    assert [operation["op"] for operation in documents[2]["patch"]] == ["test", "remove"]
    assert documents[2]["patch"][0]["value"] == {"id": 3, "name": None}


def test_no_difference_is_an_empty_list() -> None:
    patch = read_patch(formatted(FORMAT, compared({})).encode())

    assert patch.documents == ()
    assert patch.left_out == ()


def test_document_beyond_the_limits_is_replaced_as_a_whole() -> None:
    old = canonical_value({"id": 1, "name": "x" * 1_000_001})
    new = canonical_value({"id": 1, "name": "y" * 1_000_001})
    pairs = [Pair(("1",), old, new)]

    patch = read_patch(formatted(FORMAT, compared({"users": pairs})).encode())

    assert [change.pointer for change in patch.documents[0].changes] == [""]
    assert applied(patch, files(pairs, is_new=False)) == files(pairs, is_new=True)


def test_as_deep_as_documents_may_be() -> None:
    inner: JsonValue = 1
    for _ in range(100):
        inner = [inner]
    pairs = [Pair(("1",), None, canonical_value({"id": 1, "name": inner}))]

    patch = read_patch(formatted(FORMAT, compared({"users": pairs})).encode())

    assert applied(patch, {}) == files(pairs, is_new=True)


def test_rewritten_document_becomes_canonical_and_nothing_else_is_promised() -> None:
    loose, canonical = b'{"id":1}', b'{\n  "id": 1\n}\n'
    mended = read_patch(
        formatted(FORMAT, compared({"users": [Pair(("1",), loose, canonical)]})).encode()
    )
    spoiled = read_patch(
        formatted(FORMAT, compared({"users": [Pair(("1",), canonical, loose)]})).encode()
    )

    assert mended.documents[0].changes == ()
    assert spoiled.documents == ()
    assert spoiled.left_out == (
        "data/users/1.json: only bytes differ, and those of the target are not canonical",
    )


def test_document_that_is_not_json_is_left_out_with_the_reason() -> None:
    pairs = [Pair(("1",), b'{"id":1}', b'{"id":'), Pair(("2",), None, b'{"id": 2}')]

    patch = read_patch(formatted(FORMAT, compared({"users": pairs})).encode())

    assert [document.path for document in patch.documents] == ["data/users/2.json"]
    assert "data/users/1.json: is not JSON" in patch.left_out[0]


def entry(**members: object) -> dict[str, object]:
    """Makes an entry of a patch file with some members changed."""
    return {"entity": "users", "key": [1], "path": "data/users/1.json", "patch": []} | members


def operations(*values: object) -> dict[str, object]:
    """Makes an entry with some operations."""
    return entry(patch=list(values))


TEST = {"op": "test", "path": "/a", "value": 1}


@pytest.mark.parametrize(
    ("documents", "where"),
    [
        ({}, "/documents"),
        ([1], "/documents/0"),
        ([entry(entity="")], "/documents/0/entity"),
        ([entry(key=[])], "/documents/0/key"),
        ([entry(key="1")], "/documents/0/key"),
        ([entry(path="../x.json")], "/documents/0/path"),
        ([entry(path="/x.json")], "/documents/0/path"),
        ([entry(path="data/.GIT/x.json")], "/documents/0/path"),
        ([entry(path="data//x.json")], "/documents/0/path"),
        ([entry(path="data\\x.json")], "/documents/0/path"),
        ([entry(path="data/\0.json")], "/documents/0/path"),
        ([entry(), entry()], "/documents/1/path"),
        ([entry(patch=None)], "/documents/0/patch"),
        ([operations("x")], "/documents/0/patch/0"),
        ([operations({"op": "move", "path": "/a", "from": "/b"})], "/documents/0/patch/0"),
        ([operations({"op": "add", "path": "a", "value": 1})], "/documents/0/patch/0/path"),
        ([operations({"op": "add", "path": "/a"})], "/documents/0/patch/0"),
        ([operations({"op": "add", "path": "", "value": {}})], "/documents/0/patch/0"),
        ([operations(TEST, {"op": "add", "path": "/a", "value": 1})], "/documents/0/patch/1"),
        ([operations({"op": "remove", "path": "/a"})], "/documents/0/patch/0"),
        ([operations(TEST, {"op": "remove", "path": "/b"})], "/documents/0/patch/1"),
        ([operations({"op": "replace", "path": "/a", "value": 1})], "/documents/0/patch/0"),
        ([operations(TEST, TEST)], "/documents/0/patch"),
        ([operations(TEST, TEST | {"path": "/a/b"})], "/documents/0/patch"),
        ([operations(TEST, TEST | {"path": ""})], "/documents/0/patch"),
    ],
)
def test_what_could_not_be_turned_round_is_refused(documents: object, where: str) -> None:
    data = json.dumps({"format": "gitexport.patch/v1", "documents": documents}).encode()

    with pytest.raises(UsageError) as caught:
        read_patch(data)

    assert caught.value.where == where
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not JSON"),
        (b"[]", "format is not gitexport.patch/v1"),
        (b'{"format": "gitexport.compare/v1"}', "format is not gitexport.patch/v1"),
        (b'{"format": "gitexport.patch/v2"}', "another version"),
        (b'{"format": "gitexport.patch/v1", "format": 1}', "twice"),
        (b'{"format": "gitexport.patch/v1", "documents": ["\\ud800"]}', "surrogate"),
        (b'{"format": "gitexport.patch/v1", "documents": ' + b"[" * 9999, "deeper"),
        (b'{"format": "gitexport.patch/v1", "documents": [NaN]}', "NaN"),
    ],
)
def test_what_is_no_patch_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_patch(data)

    assert message in caught.value.message
    assert caught.value.exit_code == 2


def test_other_members_and_tests_alone_are_read() -> None:
    value: dict[str, Any] = {
        "format": "gitexport.patch/v1",
        "comment": "by hand",
        "documents": [operations(TEST, {"op": "add", "path": "/b", "value": [1.0]})],
    }

    patch = read_patch(json.dumps(value).encode())

    (document,) = patch.documents
    assert isinstance(document, DocumentPatch)
    assert document.changes[0] == FieldChange("/a", 1, 1)
    assert apply_patch({"a": 1}, document.changes) == {"a": 1, "b": loads(b"[1.0]")}
