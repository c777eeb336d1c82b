"""`gitexport show`: one snapshot, its documents byte for byte, what it changed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fixtures.journey import Journey
from tests.integration.history.changing import change_something


def test_snapshot_is_summed_up(journey: Journey) -> None:
    second, _third = change_something(journey)

    shown = journey.done("show", second, "-o", "json").json()
    assert shown["format"] == "gitexport.show/v1"
    assert shown["snapshot"] == second
    assert shown["commit"] == journey.git("rev-parse", f"{second}^{{commit}}")
    assert shown["parents"] == [journey.git("rev-parse", f"{second}^{{commit}}^")]
    assert shown["entities"]["users"]["modified"] == 1
    assert shown["entities"]["users"]["documents"] == 59
    assert shown["documents"] == 59 + 12
    sizes = journey.git("ls-tree", "-r", "-l", second, "data").splitlines()
    assert shown["bytes"] == sum(int(line.split()[3]) for line in sizes)
    text = journey.done("show", second).out
    assert f"snapshot:    {second}" in text
    assert "71 documents" in text


def test_document_comes_byte_for_byte(journey: Journey) -> None:
    second, _third = change_something(journey)

    command = [sys.executable, "-m", "gitexport", "-C", str(journey.path)]
    done = subprocess.run([*command, "show", second, "users:42"], capture_output=True, check=True)
    path = journey.done("show", second, "users:42", "-o", "json").json()["path"]
    wanted = subprocess.run(
        ["git", "-C", str(journey.path), "cat-file", "blob", f"{second}:{path}"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == wanted.stdout
    assert b'"name": "Ann"' in done.stdout


def test_document_as_json_keeps_its_numbers(journey: Journey) -> None:
    result = journey.done("show", "latest", "order_details:10248,11", "-o", "json")

    assert '"document":{"amount":1.10,"order_id":10248,"product_id":11}' in result.out
    assert result.json()["key"] == ["10248", "11"]


def test_pointer_gives_one_value(journey: Journey) -> None:
    assert journey.done("show", "latest", "users:42#/place/city").out == '"Rome"\n'
    assert journey.done("show", "latest", "users:42#/place").out.startswith("{\n  ")


def test_documents_that_a_snapshot_changed_are_listed(journey: Journey) -> None:
    second, third = change_something(journey)

    assert sorted(journey.done("show", second, "users").out.splitlines()) == [
        "- users:7",
        "~ users:42",
    ]
    assert journey.done("show", second, "users:4*").out == "~ users:42\n"
    text = journey.done("show", "-p", third, "users:42").out
    assert text == '~ users:42\n    ~ /name: "Ann" -> "Bea"\n'
    members = journey.done("show", third, "users", "-o", "json").json()["changes"]
    assert members[0]["fields"] == [{"pointer": "/name", "old": "Ann", "new": "Bea"}]


@pytest.mark.parametrize(
    ("rev", "address", "near"),
    [
        ("latest~9", None, "oldest"),
        ("HEAD", None, "snapshot is named by"),
        ("latest", "user:1", "users"),
        ("latest", "users:61", "users:60"),
        ("latest", "users:42#/nam", "name"),
        ("latest", "users:42#/place/city/x", "neither"),
        ("latest", "users:4\\2", "backslash"),
    ],
)
def test_what_is_not_there_ends_with_2(
    journey: Journey, rev: str, address: str | None, near: str
) -> None:
    result = journey.run("show", rev, *([address] if address else []))

    assert result.code == 2
    assert result.out == ""
    assert near in result.err


def test_entity_that_left_the_configuration_is_still_shown(journey: Journey) -> None:
    config = journey.path / "gitexport.toml"
    text = config.read_text()
    start = text.index("[entities.order_details]")
    end = text.find("\n[", start + 1)
    config.write_text(text[:start] + (text[end + 1 :] if end > 0 else ""))

    assert '"amount": 1.10' in journey.done("show", "latest", "order_details:10248,11").out


def test_document_that_only_looks_different_was_rewritten(journey: Journey) -> None:
    path = journey.done("show", "latest", "users:42", "-o", "json").json()["path"]
    file = journey.path / path
    file.write_text(" ".join(file.read_text().split()) + "\n")
    journey.git("commit", "-q", "-a", "-m", "another form")
    journey.done("export", "--override", "edits")

    assert journey.done("show", "-p", "latest", "users").out == "= users:42\n"
    (change,) = journey.done("show", "latest", "users", "-o", "json").json()["changes"]
    assert change["kind"] == "rewritten"
    kinds = [
        event["change"]["kind"]
        for event in journey.done("log", "users:42", "-o", "json").json()["snapshots"]
    ]
    assert kinds == ["added"], "every snapshot holds the same bytes"
