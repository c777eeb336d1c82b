"""SIGTERM ends a run in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitexport.cli.render.output import Output
from gitexport.cli.render.pager import open_pager
from gitexport.cli.termination import Terminated, ending_in_order
from tests.cli.program import Program


@pytest.fixture(autouse=True)
def _default() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_terminated_run_was_interrupted(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitexport.api.format.format_documents", lambda *_, **__: _terminate())

    ended = program("fmt", "-o", "json")

    assert (ended.code, ended.error["error"]) == (130, "interrupted")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_second_signal_does_not_break_off_the_ending() -> None:
    ending: list[str] = []

    def run() -> None:
        try:
            _terminate()
        finally:
            _terminate()
            ending.append("done")

    with pytest.raises(Terminated), ending_in_order():
        run()

    assert ending == ["done"]


def test_a_program_that_answers_the_signal_itself_keeps_doing_so() -> None:
    answered: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: answered.append(number))

    with ending_in_order():
        _terminate()

    assert answered == [signal.SIGTERM]


def test_programs_that_a_run_starts_end_at_the_signal() -> None:
    command = [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGTERM))"]
    with ending_in_order():
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert shown.strip() == str(signal.SIG_DFL)


def test_a_run_that_waits_for_the_pager_ends(tmp_path: Path) -> None:
    left = tmp_path / "left"
    pager = f"cat >/dev/null; kill -TERM {os.getpid()}; sleep 2; touch {left}"
    output = Output(sys.stdout, has_color=False, is_terminal=True)

    with (
        pytest.raises(Terminated),
        ending_in_order(),
        open_pager(output, {**os.environ, "PAGER": pager, "GIT_PAGER": pager}, has_color=False),
    ):
        pass

    assert not left.exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupt_while_the_program_loads_ends_it_in_order(name: str) -> None:
    script = (
        "import os, signal, sys\n"
        "from gitexport.cli.main import main\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, *_):\n"
        "        if name == 'gitexport.cli.run':\n"
        "            os.kill(os.getpid(), signal.Signals[os.environ['NAME']])\n"
        "sys.meta_path.insert(0, Finder)\n"
        "sys.exit(main(['status']))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NAME": name},
    )

    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")
