"""The entry point of the program `gitexport`."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False  # as in `typing`, whose import would cost `--version` its speed
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

_VERSION_WORDS = ("--version", "-V")
# Loading modules makes many objects and no garbage; collecting as often as the interpreter
# does by itself would be a tenth of the start.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000
_LAST_STREAM = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code; never raises and never exits by itself."""
    if sys.stdout is None or sys.stderr is None:
        _open_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in _VERSION_WORDS:
        from gitexport import __version__

        sys.stdout.write(f"gitexport {__version__}\n")
        return 0
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    if len(arguments) == 2 and arguments[0] == "textconv" and _shows_fields(arguments[1]):  # noqa: PLR2004
        return 0
    try:
        from gitexport.cli.termination import ending_in_order

        # Before everything else is loaded, which takes a tenth of a second.
        with ending_in_order():
            from gitexport.cli.run import run

            code = run(arguments)
    except KeyboardInterrupt:
        # Nothing was begun, or a second one came while the first one was told.
        sys.stderr.write("error: interrupted\n")
        return _INTERRUPTED
    if argv is None:
        # The process ends, and all that is open was closed: looking through what is still there
        # for cycles, to free them one by one, would take as long as a twentieth of the start.
        gc.freeze()
    return code


def _open_streams() -> None:
    """Puts something in the place of streams that the caller has closed; nothing is written.

    Otherwise the next file that is opened, here or in git, would take a stream's number, and
    get what is meant for people.
    """
    opened = os.open(os.devnull, os.O_RDWR)
    while opened <= _LAST_STREAM:
        os.set_inheritable(opened, True)  # noqa: FBT003 - it takes no keyword
        opened = os.open(os.devnull, os.O_RDWR)
    os.close(opened)
    sys.stdout = sys.stdout or _nothing()
    sys.stderr = sys.stderr or _nothing()


def _nothing() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - as long as the process


def _shows_fields(file: str) -> bool:
    """Does what `gitexport textconv FILE` does, without the words of a command line.

    git starts it twice for each document of a difference. False leaves all that is not plain
    to the command.
    """
    from gitexport.canonical.field_lines import field_lines

    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - pathlib would take as long as the work
            lines = field_lines(stream.read())
        sys.stdout.buffer.write(lines)
        sys.stdout.flush()
    except (OSError, AttributeError):
        return False
    return True
