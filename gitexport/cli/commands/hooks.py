"""`gitexport hooks`: installs the git hooks of a data repository, and removes them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitexport.cli.commands.hooks_run import command as run
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command, Group

if TYPE_CHECKING:
    from gitexport.setup.hooks import HooksReport


@click.group(
    "hooks",
    cls=Group,
    short_help="Install or remove the git hooks.",
    help="""Install or remove the git hooks of the data repository.

With them, git itself speaks data: 'git diff' and 'git merge' work field by field, commits and
pushes with documents at fault are refused, and a checkout says when the database is at another
snapshot. A hook that is there already keeps running, before gitexport's own.""",
    examples=[("let git check, show and merge documents", "gitexport hooks install")],
    exit_codes=[],
)
def command() -> None:
    """Holds the two commands."""


@command.command(
    "install",
    cls=Command,
    short_help="Install the hooks, or renew them.",
    help="""Install the hooks, or renew them, and tell git how to show and merge documents.

A hook of your own is kept and runs first. In a bare repository, as on a server, the hooks for
receiving and pushing are installed.""",
    examples=[
        ("in the data repository", "gitexport -C data hooks install"),
        ("on a server that accepts snapshots", "gitexport -C /srv/shop-data.git hooks install"),
    ],
)
@click.option("--drivers-only", is_flag=True, help="Tell git how to show and merge; touch no hook.")
@pass_invocation
def install(invocation: Invocation, *, drivers_only: bool) -> int:
    """Installs the hooks."""
    from gitexport.api.format import install as install_hooks

    program = find_program()
    report = install_hooks(invocation.settings(), program, drivers_only=drivers_only)
    if program is None:
        invocation.messages.warn(
            "the program 'gitexport' is not on PATH: the hook checks nothing until it is"
        )
    return _print(report, invocation, is_install=True)


@command.command(
    "uninstall",
    cls=Command,
    short_help="Remove the hooks that install made.",
    help="Remove exactly the hooks that install made, and put back what was there before.",
    examples=[("in the data repository", "gitexport -C data hooks uninstall")],
)
@pass_invocation
def uninstall(invocation: Invocation) -> int:
    """Removes the hooks."""
    from gitexport.api.format import uninstall as uninstall_hooks

    return _print(uninstall_hooks(invocation.settings()), invocation, is_install=False)


command.add_command(run)


def find_program() -> Path | None:
    """Finds the program that hooks have to run: the one that runs now, else one on PATH."""
    beside = Path(sys.executable).parent / "gitexport"
    started = Path(sys.argv[0]).absolute()
    for candidate in (started, beside):
        if candidate.name == "gitexport" and candidate.is_file():
            return candidate
    found = shutil.which("gitexport")
    return Path(found) if found else None


def _print(report: HooksReport, invocation: Invocation, *, is_install: bool) -> int:
    if invocation.options.is_json:
        members = {
            "directory": report.directory,
            "installed": report.installed,
            "removed": report.removed,
            "chained": report.chained,
            "drivers": report.drivers,
            "warnings": report.warnings,
        }
        invocation.print_json("hooks", members)
    else:
        for name in report.installed:
            after = ", after the hook that was there" if name in report.chained else ""
            invocation.output.line(f"installed {name} in {report.directory}{after}")
        for name in report.removed:
            invocation.output.line(f"removed {name} from {report.directory}")
        if is_install:
            invocation.output.line("git shows and merges documents field by field")
        elif report.drivers:
            invocation.output.line("git shows and merges documents line by line again")
        elif not report.removed:
            invocation.output.line("there was nothing to remove")
    for warning in report.warnings:
        invocation.messages.warn(warning)
    return 0
