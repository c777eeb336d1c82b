"""What a terminal shows: a bar for long work, colours unless they are not wanted."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitexport.cli.global_options import GlobalOptions
from gitexport.cli.plain import clean, one_line
from gitexport.cli.render.messages import Messages
from gitexport.cli.render.output import Output
from gitexport.cli.render.progress import open_progress
from tests.cli.program import Program


def run_on_terminal(*arguments: str, **environment: str) -> tuple[str, str]:
    """Runs the program with standard error on a terminal; gives output and terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gitexport", *arguments],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "TERM": "xterm", **environment},
    )
    os.close(follower)
    shown = b""
    with process:
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            # Reading fails once the last process has closed its end.
            while part := os.read(leader, 65536):
                shown += part
        out = process.stdout.read()
    os.close(leader)
    return out.decode(), shown.decode()


def test_bar_goes_to_stderr_and_data_to_stdout(
    data: Program, shop: str, repository_path: Path
) -> None:
    del data

    out, shown = run_on_terminal("-C", str(repository_path), "--dsn", shop, "export")

    assert "reading rows" in shown
    assert "/70" in shown
    assert "\x1b" not in out
    assert out.splitlines()[-1].startswith("snapshot ")


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_errors_are_coloured_unless_the_environment_says_no(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    _, shown = run_on_terminal("-C", str(tmp_path / "absent"), "fmt", **environment)
    _, plain = run_on_terminal("-C", str(tmp_path / "absent"), "fmt", "--no-color")

    assert ("\x1b[1;31m" in shown) == (not environment)
    assert "\x1b" not in plain


class Stream(io.StringIO):
    """A stream in memory that may say that it is a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Says what it was made to say."""
        return self._is_terminal


def messages(stream: Stream, **options: object) -> Messages:
    """Makes messages on a stream."""
    given = GlobalOptions()
    for name, value in options.items():
        setattr(given, name, value)
    return Messages(
        stream, options=given, has_color=False, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC)
    )


def test_stages_are_lines_where_there_is_no_terminal() -> None:
    stream = Stream(is_terminal=False)

    with open_progress(messages(stream)) as progress:
        progress.stage("read", 3)
        progress.advance(3)
        progress.stage("write")
        progress.warn("look")
        progress.detail("hidden")

    assert stream.getvalue() == "read (3)\nwrite\nwarning: look\n"


def test_quiet_keeps_warnings_and_verbose_adds_details() -> None:
    quiet, verbose = Stream(is_terminal=False), Stream(is_terminal=False)
    for stream, option in ((quiet, {"quiet": True}), (verbose, {"verbose": True})):
        with open_progress(messages(stream, **option)) as progress:
            progress.stage("read")
            progress.warn("look")
            progress.detail("a row")

    assert quiet.getvalue() == "warning: look\n"
    assert verbose.getvalue() == "read\nwarning: look\na row\n"


def test_warning_stands_above_the_bar() -> None:
    stream = Stream(is_terminal=True)

    with open_progress(messages(stream)) as progress:
        progress.stage("read", 3)
        progress.advance(2)
        progress.warn("look")
        progress.advance(1)

    assert "warning: look\n" in stream.getvalue()
    assert "3/3" in stream.getvalue()


def test_messages_may_be_json_lines() -> None:
    stream = Stream(is_terminal=True)

    with open_progress(messages(stream, log_format="json")) as progress:
        progress.stage("read", 3)

    assert stream.getvalue() == (
        '{"level":"info","message":"read (3)","time":"2026-01-02T00:00:00.000Z"}\n'
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a[31mb"),
        ("a\x9b31mb\x07", "a31mb"),
        ("a\r\nb\u2028c\td", "a b c d"),
        ("\u202egnp.exe", "gnp.exe"),
        ("caf\udcc3\udca9", "café"),
        ("\ud800x", "?x"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_data_cannot_steer_a_terminal(text: str, shown: str) -> None:
    assert one_line(text) == shown


NAMES = ("data_mart_countries_of_the_world", "data_mart_countries_of_the_world_by_year")


@pytest.mark.parametrize("width", [120, 80, 60, 40, 20])
def test_tables_cut_off_nothing_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    stream = Stream(is_terminal=True)
    numbers = ["added", "modified", "deleted", "unchanged", "quarantined"]

    Output(stream, has_color=False).table(
        ["entity", *numbers], [[name, "12,345,678", *"0000"] for name in NAMES], numeric=numbers
    )

    shown = stream.getvalue()
    assert "…" not in shown
    assert shown.count("12,345,678") == len(NAMES)
    letters = "".join(char for char in shown if char.isalpha() or char == "_")
    assert all(number in letters for number in numbers)
    names = "".join(line.split()[0] for line in shown.splitlines() if "_" in line)
    assert names == "".join(NAMES)


def test_lines_stay_lines_in_documents() -> None:
    assert clean('{\n\t"a": "\x1b"\n}') == '{\n\t"a": ""\n}'


@pytest.mark.parametrize("is_terminal", [False, True])
def test_table_never_reads_markup_from_data(*, is_terminal: bool) -> None:
    stream = Stream(is_terminal=is_terminal)

    Output(stream, has_color=False).table(
        ["name", "rows"], [["[red]x[/red] :smile:", "7"], ["y\x1b]0;z", "1234"]], numeric={"rows"}
    )

    assert "[red]x[/red] :smile:" in stream.getvalue()
    assert "\x1b]" not in stream.getvalue()
    if not is_terminal:
        assert stream.getvalue() == (
            "name                  rows\n[red]x[/red] :smile:     7\ny]0;z                 1234\n"
        )
