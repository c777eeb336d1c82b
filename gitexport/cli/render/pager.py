"""Shows long output on a terminal through the user's pager, as git does.

The pager is `GIT_PAGER`, else `PAGER`, else less, which ends by itself where everything fits
on one screen. An empty one, `cat`, and one that is not there all mean none. Nothing of the
data gets into the shell's command line.
"""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, cast

from gitexport.cli.render.output import Output
from gitexport.cli.termination import Terminated

_VARIABLES = ("GIT_PAGER", "PAGER")
_DEFAULT = "less"
# As git sets them where the user has not: quit on one screen, keep colours and the screen.
_SETTINGS = {"LESS": "FRX", "LV": "-c"}


def find_pager(environment: Mapping[str, str]) -> str | None:
    """Gives the shell command of the pager; None where there is none to use."""
    wanted = next((environment[name] for name in _VARIABLES if name in environment), _DEFAULT)
    if not wanted.strip() or wanted.strip() == "cat" or environment.get("TERM") == "dumb":
        return None
    try:
        word = shlex.split(wanted)[0]
    except ValueError:
        return wanted
    # A word such as LESS=x is for the shell to understand.
    is_there = "=" in word or shutil.which(word, path=environment.get("PATH"))
    return wanted if is_there else None


@contextmanager
def open_pager(
    output: Output, environment: Mapping[str, str], *, has_color: bool
) -> Iterator[Output]:
    """Gives an output that a pager shows, or the same output where none is wanted.

    Waits until the person has left the pager. To leave it early is no error.
    """
    pager = find_pager(environment) if output.is_terminal else None
    if pager is None:
        yield output
        return
    process = subprocess.Popen(
        ["/bin/sh", "-c", pager], stdin=subprocess.PIPE, env={**_SETTINGS, **environment}
    )
    stream = io.TextIOWrapper(
        cast("IO[bytes]", process.stdin), encoding="utf-8", errors="backslashreplace"
    )
    try:
        yield Output(stream, has_color=has_color, is_terminal=True)
    except BrokenPipeError:
        pass
    finally:
        with suppress(BrokenPipeError):
            stream.close()
        _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            process.wait()
        except Terminated:
            process.terminate()
            process.wait()
            raise
        except KeyboardInterrupt:
            # Ctrl-C is for the pager as long as it is there.
            continue
        return
