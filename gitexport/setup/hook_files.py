"""Finds the git hooks that gitexport ships, in an installed package and in a checkout.

They live in `hooks/` at the top level, where people look for them, and a wheel carries them
as `gitexport/_hooks`.
"""

from __future__ import annotations

from pathlib import Path

from gitexport.errors import MachineError

PROGRAM_LINE = "GITEXPORT=${GITEXPORT:-gitexport}"
"""The line of a hook that says which program to run; replaced when it is installed."""

_PACKAGE = Path(__file__).parents[1]


def hook_names() -> tuple[str, ...]:
    """Lists the hooks, which are named after the events of githooks(5)."""
    return tuple(sorted(path.name for path in _directory().iterdir() if path.is_file()))


def hook_text(name: str, program: Path | None = None) -> str:
    """Gives a hook's script, made to run `program` where there is one.

    Raises:
        KeyError: There is no such hook.
    """
    if name not in hook_names():
        raise KeyError(name)
    text = (_directory() / name).read_text(encoding="utf-8")
    if program is None:
        return text
    return text.replace(PROGRAM_LINE, f"GITEXPORT=${{GITEXPORT:-{quote(str(program))}}}")


def quote(text: str) -> str:
    """Quotes for a POSIX shell, also inside the braces of a parameter's default."""
    return "'" + text.replace("'", "'\\''") + "'"


def _directory() -> Path:
    for directory in (_PACKAGE / "_hooks", _PACKAGE.parent / "hooks"):
        if directory.is_dir():
            return directory
    message = "the hooks of gitexport are not installed"
    raise MachineError(message, where=str(_PACKAGE), hint="pip install --force-reinstall gitexport")
