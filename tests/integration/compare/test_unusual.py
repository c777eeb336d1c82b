"""Documents and commits that no export makes, and entities that come, go and change names."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from gitexport.compare.selection import Selection
from gitexport.model.address import Address, KeyPart, parse_address
from gitexport.model.changeset import DocumentChange
from tests.fixtures.journey import Journey
from tests.fixtures.memory import run_measured
from tests.integration.compare.comparing import changes, compared, kinds, written

DEEP = 10_000


def commit_by_hand(journey: Journey, number: int, content: bytes) -> None:
    """Commits other bytes as the document of a user."""
    path = journey.done("show", "latest", f"users:{number}", "-o", "json").json()["path"]
    (journey.path / path).write_bytes(content)
    journey.git("commit", "-q", "-a", "-m", "by hand")


def by_hand(journey: Journey, content: bytes) -> DocumentChange:
    """Compares the last snapshot with a commit that has other bytes for a user."""
    commit_by_hand(journey, 42, content)
    (change,) = changes(compared(journey, "latest", journey.git("rev-parse", "HEAD")))
    assert change.key == ("42",)
    return change


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "the target's is not JSON"),
        (b"", "the target's is not JSON"),
        (b'{"id": 42, "id": 43}\n', "twice"),
        (b'{"id": NaN}\n', "NaN"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"[" * DEEP + b"]" * DEEP, "nested deeper than 100 levels"),
        (b'{"a":' * 102 + b"1" + b"}" * 102, "nested deeper than 100 levels"),
        (b'{"id": "' + b"x" * 1_000_000 + b'"}', "1,000,010 bytes, more than 1,000,000"),
    ],
)
def test_what_cannot_be_compared_is_listed_with_the_reason(
    journey: Journey, content: bytes, reason: str
) -> None:
    change = by_hand(journey, content)

    assert change.reason is not None
    assert reason in change.reason
    assert change.fields == ()
    head = journey.git("rev-parse", "HEAD")
    (line,) = [
        json.loads(line)
        for line in written(compared(journey, "latest", head), "jsonl").splitlines()
        if '"line":"change"' in line
    ]
    assert [line["key"], line["fields"]] == [[42], None]
    assert reason in line["reason"]
    assert f"not compared: {change.reason}" in journey.done("compare", "latest", head).out


def test_values_as_deep_as_an_export_makes_them_are_compared(journey: Journey) -> None:
    old, new = (b'{"id": 42, "x": ' + b"[" * 100 + end + b"]" * 100 + b"}" for end in (b"1", b"2"))
    commit_by_hand(journey, 42, old)
    first = journey.git("rev-parse", "HEAD")
    commit_by_hand(journey, 42, new)

    (change,) = changes(compared(journey, first, journey.git("rev-parse", "HEAD")))
    (field,) = change.fields
    assert [field.pointer, field.old, field.new] == ["/x" + "/0" * 100, 1, 2]


def test_document_that_is_no_object_differs_as_a_whole(journey: Journey) -> None:
    change = by_hand(journey, b"[1]\n")

    assert [field.pointer for field in change.fields] == [""]


def test_other_bytes_of_the_same_values_are_rewritten(journey: Journey) -> None:
    content = journey.done("show", "latest", "users:42").out.encode()

    assert by_hand(journey, content.replace(b"\n", b"")).kind.value == "rewritten"


def test_large_documents_are_not_read(journey: Journey, tmp_path: Path) -> None:
    commit_by_hand(journey, 42, b'{"id": "' + b"x" * 50_000_000 + b'"}')
    head = journey.git("rev-parse", "HEAD")
    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path), "compare", "latest"]
    runs = [
        run_measured([*command, target], os.environ, tmp_path / "memory")
        for target in ("latest", head)
    ]

    assert [done.returncode for done, _ in runs] == [0, 0]
    assert runs[1][1] - runs[0][1] < 25_000, "kilobytes"


def test_keys_too_long_for_a_name_are_read_from_the_document(journey: Journey) -> None:
    key = "k" * 300
    journey.sql("CREATE TABLE notes (code text PRIMARY KEY, body text)")
    journey.sql(f"INSERT INTO notes VALUES ('{key}', 'a'), ('short', 'a')")
    journey.done("init", "-q")
    journey.done("track", "-q")
    journey.export()
    journey.sql("UPDATE notes SET body = 'b'")
    journey.export()

    address = Address("notes", (KeyPart((key,)),))
    found = compared(journey, "latest~1", "latest", Selection(only=(address,)))
    (document,) = found.changes()
    assert document.change.key is None
    assert document.key == [key]


def test_renamed_entities_match_by_key(journey: Journey) -> None:
    edit(journey, r"\[entities\.users\]", '[entities.people]\nrenamed_from = "users"')
    edit(journey, "data/users", "data/people")
    journey.done("relayout")
    journey.sql("UPDATE users SET name = 'Ann' WHERE id = 42")
    journey.export()

    assert kinds(compared(journey, "latest~2")) == [("modified", "people", ("42",))]
    for name in ("users", "people"):
        selection = Selection(only=(parse_address(f"{name}:42"),))
        assert len(changes(compared(journey, "latest~2", "latest", selection))) == 1
    with_database = journey.done("compare", "latest~2", "@database").out
    assert with_database.startswith("~ people:42 (Ann)\n")


def test_new_and_dropped_entities_are_added_and_deleted_whole(journey: Journey) -> None:
    journey.sql("CREATE TABLE tags (id integer PRIMARY KEY); INSERT INTO tags VALUES (1), (2)")
    journey.done("init", "-q")
    journey.done("track", "-q")
    journey.export()

    found = compared(journey, "latest~1")
    assert kinds(found) == [("added", "tags", ("1",)), ("added", "tags", ("2",))]
    assert {file.path for file in found.files} == {
        "gitexport.toml",
        "manifest.json",
        "relations/tags.json",
    }
    back = compared(journey, "latest", "latest~1")
    assert kinds(back) == [("deleted", "tags", ("1",)), ("deleted", "tags", ("2",))]
    edit(journey, r"\[entities\.tags\](.|\n)*?(?=\n\[|\Z)", "")
    assert kinds(compared(journey, "latest~1")) == kinds(found), "also once it is not configured"


def test_rows_of_keys_alone_are_never_renamed(journey: Journey) -> None:
    journey.sql("CREATE TABLE tags (id integer PRIMARY KEY); INSERT INTO tags VALUES (1), (2)")
    journey.done("init", "-q")
    journey.done("track", "-q")
    journey.export()
    journey.sql("UPDATE tags SET id = 3 WHERE id = 1")
    journey.export()

    assert kinds(compared(journey, "latest~1")) == [
        ("deleted", "tags", ("1",)),
        ("added", "tags", ("3",)),
    ]


def test_renamed_documents_keep_their_number(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = 'same', place = NULL WHERE id <= 3")
    journey.export()
    journey.sql("DELETE FROM users WHERE id = 3; UPDATE users SET id = id + 1000 WHERE id <= 2")
    journey.export()

    found = compared(journey, "latest~1")
    assert str([changes(found) and found.counts["users"]][0]) == "+0 ~0 -1 >2"


def test_files_of_queries_stand_apart(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    config.write_text(
        config.read_text()
        + '\n[documents."data/indexes/users.json"]\nquery = "SELECT id FROM public.users"\n'
    )
    journey.export()
    journey.sql("DELETE FROM users WHERE id = 7")
    journey.export()

    found = compared(journey, "latest~1")
    assert kinds(found) == [("deleted", "users", ("7",))]
    assert [(file.path, file.role.value) for file in found.files] == [
        ("manifest.json", "manifest"),
        ("data/indexes/users.json", "document"),
    ]


def test_nothing_imports_what_reads_pickles_of_deepdiff() -> None:
    package = Path(__file__).parents[3] / "gitexport"
    users = [path for path in package.rglob("*.py") if "deepdiff" in path.read_text()]
    assert users, "somebody uses it"
    for path in package.rglob("*.py"):
        text = path.read_text()
        lines = re.findall(r"^\s*(?:import|from) deepdiff.*$", text, re.MULTILINE)
        assert {line.strip() for line in lines} <= {"from deepdiff import DeepDiff"}, path
        assert not re.search(r"\b(Delta|to_delta|from_delta|pickle_load)\b", text), path
    assert not [path for path in users if re.search(r"\bpickle\b", path.read_text())]


def edit(journey: Journey, pattern: str, replacement: str) -> None:
    """Changes the configuration."""
    config = journey.path / "gitexport.toml"
    text, count = re.subn(pattern, replacement, config.read_text())
    assert count
    config.write_text(text)
