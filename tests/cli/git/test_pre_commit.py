"""What no commit lets pass: documents that are not what they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.git.person import attempt, edit
from tests.cli.program import Program
from tests.fixtures.repositories import git

SEVEN = "data/customers/7.json"


def refused(path: Path, *arguments: str) -> list[str]:
    """Commits everything, which has to be refused, and gives the lines about files."""
    git(path, "add", "--all")
    made = attempt(path, "commit", "-m", "edit", *arguments)
    assert made.returncode == 1, made.stderr
    return made.stderr.splitlines()


def test_good_edit_is_committed(hooked: Path) -> None:
    edit(hooked / SEVEN, "c7@example.org", "new@example.org")
    (hooked / "notes.json").write_text("{ }")
    (hooked / "data" / "customers" / "notes.json").write_text('{"about": "these"}')
    git(hooked, "add", "--all")

    assert attempt(hooked, "commit", "-m", "edit").returncode == 0


def test_document_stands_at_the_path_of_its_key(hooked: Path) -> None:
    git(hooked, "mv", SEVEN, "data/customers/77.json")

    (line,) = refused(hooked)

    assert line == (
        "data/customers/77.json: its key (7) belongs at 'data/customers/7.json'; "
        "mend it: git mv data/customers/77.json data/customers/7.json"
    )


def test_named_command_mends_a_document_in_a_wrong_place(hooked: Path) -> None:
    git(hooked, "mv", SEVEN, "data/customers/seven.json")

    (line, *_counts) = refused(hooked)
    command = line.partition("mend it: git ")[2]
    git(hooked, *command.split())

    assert command == "mv data/customers/seven.json data/customers/7.json"
    assert git(hooked, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"id": 7', '"id":  7', "line 3: spaces or escapes are not those of canonical form"),
        ('"id": 7', '"id": 8', "its key (8) belongs at 'data/customers/8.json'"),
        ('"id": 7', '"id": "x"', "its key (x) is none of 'customers'"),
        ('  "id": 7,\n', "", "lacks the member 'id' of its key"),
        (
            '7"\n}',
            '7",\n  "secret": 1\n}',
            "holds 'secret', which is no column that 'customers' publishes",
        ),
    ],
)
def test_each_offence_is_one_line_with_a_command(
    hooked: Path, old: str, new: str, reason: str
) -> None:
    edit(hooked / SEVEN, old, new)

    (line,) = refused(hooked)

    assert line.startswith(f"{SEVEN}: {reason}; mend it: ")


def test_no_command_mends_what_is_no_json(hooked: Path) -> None:
    (hooked / SEVEN).write_text("[" * 10_000)

    (line,) = refused(hooked)

    assert line == (f"{SEVEN}: line 1: is nested deeper than 102 levels; mend it: edit {SEVEN}")


def test_file_made_by_a_query_is_canonical(hooked: Path) -> None:
    config = hooked / "gitexport.toml"
    query = '[documents."data/all.json"]\nquery = "SELECT 1 AS id"\n'
    config.write_text(f"{config.read_text()}\n{query}")
    (hooked / "data" / "all.json").write_text('{"id":  1}\n')

    (line,) = refused(hooked)

    assert line.startswith("data/all.json: line 1: it is not laid out")


def test_document_satisfies_its_schema(data: Program, hooked: Path) -> None:
    schema = {"properties": {"email": {"type": "string"}}}
    (hooked / "schemas").mkdir()
    (hooked / "schemas" / "c.json").write_text(json.dumps(schema))
    edit(
        hooked / "gitexport.toml",
        "[entities.customers]",
        '[entities.customers]\nschema = "schemas/c.json"',
    )
    edit(hooked / SEVEN, '"c7@example.org"', "null")

    (line,) = refused(hooked)
    data.done("hooks", "uninstall")

    assert line == (
        f"{SEVEN}: does not satisfy 'schemas/c.json': properties/email/type at /email; "
        f"mend it: edit {SEVEN}"
    )


def test_what_is_staged_counts_and_not_the_working_tree(hooked: Path) -> None:
    good = (hooked / SEVEN).read_text()
    edit(hooked / SEVEN, '"id": 7', '"id":  7')
    git(hooked, "add", SEVEN)
    (hooked / SEVEN).write_text(good)

    made = attempt(hooked, "commit", "-m", "edit")

    assert made.returncode == 1
    assert f"{SEVEN}: line 3" in made.stderr


def test_removed_document_is_counted_out(data: Program, hooked: Path) -> None:
    git(hooked, "rm", "-q", SEVEN)

    lines = refused(hooked)
    mended = data.done("fmt", "--staged")
    git(hooked, "commit", "-q", "-m", "edit")

    (line,) = lines
    assert line == (
        "manifest.json: counts 20 documents of 'customers', and there are 19; "
        "mend it: gitexport fmt --staged"
    )
    assert mended.out == "mended manifest.json\n"
    assert git(hooked, "status", "--porcelain") == ""
    manifest = json.loads((hooked / "manifest.json").read_text())
    assert manifest["entities"]["customers"]["count"] == 19


def test_merge_that_git_makes_by_itself_is_judged_too(hooked: Path) -> None:
    for name, file in (("theirs", "8"), ("main", "7")):
        git(hooked, "switch", "-q", *(["-c"] if name == "theirs" else []), name)
        edit(hooked / "data" / "customers" / f"{file}.json", '"id": ', '"id":  ')
        git(hooked, "commit", "-q", "-a", "-m", "edit", "--no-verify")

    merged = attempt(hooked, "merge", "theirs")

    assert merged.returncode == 1
    assert "data/customers/8.json: line 3" in merged.stderr


def test_many_offences_are_cut(hooked: Path) -> None:
    for number in range(1, 121):
        (hooked / "data" / "customers" / f"{1000 + number}.json").write_text("{}\n")

    lines = refused(hooked)

    assert len(lines) == 101
    assert lines[-1] == "and 21 more"


def test_hostile_names_are_harmless(hooked: Path) -> None:
    edit(hooked / SEVEN, "{\n", '{\n  "\\u001b[31mred\\n": 1,\n')

    lines = refused(hooked)

    assert "\x1b" not in "".join(lines)
    assert "[31mred" in lines[0]


def test_answer_is_one_object_where_asked_for(data: Program, hooked: Path) -> None:
    edit(hooked / SEVEN, '"id": 7', '"id": 8')
    git(hooked, "add", SEVEN)

    ended = data("hooks", "run", "pre-commit", "-o", "json")

    assert ended.code == 1
    assert ended.json["offences"] == [
        {
            "path": SEVEN,
            "reason": "its key (8) belongs at 'data/customers/8.json'",
            "mend": f"git mv {SEVEN} data/customers/8.json",
        }
    ]


def test_first_commit_of_a_repository_is_judged(
    data: Program, hooked: Path, tmp_path: Path
) -> None:
    data.done("hooks", "uninstall")
    copy = tmp_path / "copy"
    git(tmp_path, "init", "-q", str(copy))
    for name in ("data", "relations", "manifest.json", "gitexport.toml"):
        (hooked / name).rename(copy / name)
    edit(copy / SEVEN, '"id": 7', '"id": 8')
    git(copy, "add", "--all")
    Program(data._capsys, ["-C", str(copy)]).done("hooks", "install")

    made = attempt(copy, "commit", "-m", "first")

    assert made.returncode == 1
    assert f"{SEVEN}: its key (8) belongs at" in made.stderr
