"""`gitexport compare`: what it prints in a pipe, on a terminal and into a file."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.journey import Journey
from tests.fixtures.repositories import lose
from tests.integration.compare.comparing import CHANGES

HOSTILE = "\x1b[31mred\u009b1m [bold]x[/bold] \u202edetrevni\nnext"
TEXT = """\
~ order_details:10248,3
    ~ /amount: 1.10 -> 1.1
> users:1009 (user 9) was users:9
~ users:42 (Ann)
    ~ /name: "user 42" -> "Ann"
    ~ /place/zip: 42 -> "b"
+ users:61
- users:7 (user 7)
~ manifest.json (manifest)

entity         added  modified  deleted  renamed  rewritten
order_details      0         1        0        0          0
users              1         1        1        1          0
total              1         2        1        1          0
files: 1
"""


@pytest.fixture
def changed(journey: Journey) -> Journey:
    """A data repository whose two snapshots differ in every kind of change but rewriting."""
    journey.sql(CHANGES)
    journey.export()
    return journey


def on_terminal(journey: Journey, *arguments: str, columns: int = 120) -> str:
    """Runs a command with its output on a terminal; gives what the terminal was sent."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gitexport", "-C", str(journey.path), *arguments],
        stdin=follower,
        stdout=follower,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "GIT_PAGER": "cat"},
    )
    os.close(follower)
    shown = b""
    with process, contextlib.suppress(OSError):
        # Reading fails once the process has closed its end.
        while part := os.read(leader, 65536):
            shown += part
    os.close(leader)
    assert process.returncode == 0
    return shown.decode()


def test_text_is_plain_and_the_same_each_time(changed: Journey) -> None:
    assert changed.done("compare", "latest~1").out == TEXT
    assert changed.done("diff", "latest~1", "latest").out == TEXT
    assert changed.done("diff", "latest", "latest~1", "--reverse").out == TEXT


def test_counts_or_names_alone(changed: Journey) -> None:
    assert changed.done("compare", "latest~1", "--stat").out == TEXT.partition("\n\n")[2]
    names = changed.done("compare", "latest~1", "--name-only").out.splitlines()
    listed = changed.git("diff", "--name-only", "--no-renames", "HEAD^", "HEAD").splitlines()
    assert set(listed) - set(names) == {path for path in listed if path.endswith("/9.json")}
    counts = changed.done("compare", "latest~1", "--stat", "-o", "json").json()
    assert "changes" not in counts
    assert counts["total"]["renamed"] == 1
    short = changed.done("compare", "latest~1", "--name-only", "-o", "json").json()["changes"]
    assert all("fields" not in change and "document" not in change for change in short)


def test_form_may_stand_before_the_command(changed: Journey) -> None:
    lines = changed.done("-o", "jsonl", "compare", "latest~1").out
    assert lines == changed.done("compare", "latest~1", "-o", "jsonl").out
    refused = changed.run("-o", "jsonl", "status")
    assert refused.code == 2
    assert "'jsonl' is not one of 'text', 'json'" in refused.err


def test_exit_code_tells_of_differences_when_asked(changed: Journey) -> None:
    assert changed.run("compare", "latest~1").code == 0
    assert changed.run("compare", "latest~1", "--exit-code").code == 1
    assert changed.run("compare", "latest", "--exit-code").code == 0
    nothing = changed.run("compare", "latest~1", "--exit-code", "--kind", "rewritten")
    assert (nothing.code, nothing.out) == (0, "")
    assert "nothing differs" in nothing.err


def test_filters_leave_no_difference_in_the_manifest_alone(changed: Journey) -> None:
    changed.sql("UPDATE users SET name = name || ' the Great' WHERE id = 1")
    changed.export()
    assert changed.run("compare", "latest~1", "--ignore", "name", "--exit-code").code == 0
    assert changed.run("compare", "latest~1", "--ignore", "place", "--exit-code").code == 1
    changed.sql("DELETE FROM users WHERE id = 2")
    changed.export()
    assert changed.run("compare", "latest~1", "--kind", "modified", "--exit-code").code == 0
    assert changed.run("compare", "latest~1", "--kind", "deleted", "--exit-code").code == 1


def test_globs_know_keys_that_are_longer_than_names_of_files(journey: Journey) -> None:
    journey.sql("CREATE TABLE tags (name text PRIMARY KEY, uses integer)")
    journey.sql("INSERT INTO tags SELECT repeat(t, 250), 1 FROM unnest('{a,b}'::text[]) AS t")
    journey.done("init", "-q")
    journey.done("track", "-q")
    first = journey.export()
    journey.sql("UPDATE tags SET uses = 2 WHERE name LIKE 'a%'")
    second = journey.export()

    compared = journey.done("compare", first, "--only", "tags:a*", "-o", "json").json()
    assert [change["key"] for change in compared["changes"]] == [["a" * 250]]
    assert not journey.done("compare", first, "--only", "tags:b*", "-o", "json").json()["changes"]
    assert journey.run("compare", first, "--only", "tags:c*").code == 2
    logged = [
        [snapshot["snapshot"] for snapshot in shown["snapshots"]]
        for shown in (journey.done("log", f"tags:{a}*", "-o", "json").json() for a in "abc")
    ]
    assert logged == [[second, first], [first], []]
    assert journey.done("show", "-p", second, f"tags:{'b' * 250}").out == ""


def test_output_file_is_replaced_whole(changed: Journey, tmp_path: Path) -> None:
    file = tmp_path / "changes.jsonl"
    file.write_text("old")
    file.chmod(0o640)
    result = changed.done("compare", "latest~1", "-o", "jsonl", "--output-file", str(file))

    assert result.out == ""
    assert len(file.read_text().splitlines()) == 8
    assert file.stat().st_mode & 0o777 == 0o640
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]


def test_output_file_keeps_its_content_when_the_comparison_fails(
    changed: Journey, tmp_path: Path
) -> None:
    file = tmp_path / "kept" / "changes.json"
    file.parent.mkdir()
    file.write_text("old")
    path = changed.done("compare", "latest~1", "--name-only", "--kind", "added").out.strip()
    blob = changed.git("rev-parse", f"HEAD:{path}")
    lose(changed.path, blob, tmp_path)
    result = changed.run("compare", "latest~1", "-o", "json", "--output-file", str(file))

    assert result.code == 7
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]


def test_output_file_in_no_directory_is_a_usage_error(changed: Journey, tmp_path: Path) -> None:
    result = changed.run("compare", "latest~1", "--output-file", str(tmp_path / "no" / "x"))

    assert result.code == 2
    assert "is not a directory" in result.err


def test_terminal_shows_a_table_for_each_entity(changed: Journey) -> None:
    shown = on_terminal(changed, "compare", "latest~1", "--no-color")

    assert "\x1b" not in shown
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines.index("order_details") < lines.index("users") < lines.index("files")
    assert '~ 42 (Ann) /name "user 42" "Ann"' in lines
    assert '/place/zip 42 "b"' in lines
    assert "> 1009 (user 9) was 9" in lines
    assert "total 1 2 1 1 0" in lines


def test_long_strings_show_where_they_differ(journey: Journey) -> None:
    journey.sql("UPDATE users SET name = repeat('same ', 100) || 'old' WHERE id = 1")
    journey.export()
    journey.sql("UPDATE users SET name = repeat('same ', 100) || 'new' WHERE id = 1")
    journey.export()

    line = journey.done("compare", "latest~1").out.splitlines()[1]
    assert line.endswith('same old" -> … same same same new"')
    assert "old" in on_terminal(journey, "compare", "latest~1", "--no-color")


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_hostile_strings_do_not_steer_the_terminal(journey: Journey, form: str) -> None:
    journey.connection.execute("UPDATE users SET name = %s WHERE id = 1", (HOSTILE,))
    journey.export()
    shown = on_terminal(journey, "compare", "latest~1", "-o", form, "--no-color")

    assert not set(shown) & set("\x1b\u009b\u202e")
    assert "[bold]x[/bold]" in shown
    piped = journey.done("compare", "latest~1", "-o", form).out
    if form == "text":
        assert not set(piped) & set("\x1b\u009b\u202e")
    else:
        value = json.loads(piped.splitlines()[1 if form == "jsonl" else 0])
        change = value if form == "jsonl" else value["changes"][0]
        assert change["fields"][0]["new"] == HOSTILE
        if form == "jsonl":
            assert json.loads(shown.splitlines()[1])["fields"][0]["new"] == HOSTILE


def test_reader_that_goes_away_ends_it_quietly(changed: Journey) -> None:
    changed.sql("UPDATE users SET name = repeat(name, 3000)")
    changed.export()
    command = '"$0" -m gitexport -C "$1" compare latest~1 -o jsonl; echo $? >&2'
    done = subprocess.run(
        ["bash", "-c", f"{{ {command}; }} | head -n 1", sys.executable, str(changed.path)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == "141\n"


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["latest~9"], "oldest"),
        (["latest", "2019"], "nearest"),
        (["latest~1", "--only", "user"], "did you mean: users"),
        (["latest~1", "--only", "users:99"], "nearest: users:61"),
        (["latest~1", "--only", "users:9*9"], "matches no document"),
        (["latest~1", "--only", "users:abc"], "does not fit"),
        (["latest~1", "--only", "order_details:*"], "does not fit"),
        (["latest~1", "--only", "users#/nam"], "did you mean: name"),
        (["latest~1", "--ignore", "nam"], "did you mean: name"),
        (["latest~1", "--where", "plaze/city=Rome"], "no field"),
        (["latest~1", "--where", "name"], "FIELD=VALUE"),
        (["latest~1", "--stat", "-o", "jsonl"], "-o json"),
        (["@database", "@database"], "not with itself"),
    ],
)
def test_what_means_nothing_ends_with_2(changed: Journey, arguments: list[str], near: str) -> None:
    result = changed.run("compare", *arguments)

    assert result.code == 2
    assert result.out == ""
    assert near in result.err


def test_database_that_cannot_be_reached_ends_with_8(changed: Journey) -> None:
    result = changed.run("compare", "latest", "@database", dsn="host=/nowhere")

    assert result.code == 8
    assert changed.run("compare", "latest~1", dsn="host=/nowhere").code == 0


def test_shallow_and_partial_clones_are_refused_by_name(changed: Journey, tmp_path: Path) -> None:
    url = changed.path.as_uri()
    changed.git("config", "uploadpack.allowFilter", "true")
    for option, word in (("--depth=1", "shallow"), ("--filter=blob:none", "partial")):
        clone = tmp_path / word
        changed.git("clone", "-q", option, url, str(clone))
        changed.path = clone
        result = changed.run("compare", "latest")
        assert result.code == 2
        assert word in result.err
        changed.path = Path(url.removeprefix("file://"))
