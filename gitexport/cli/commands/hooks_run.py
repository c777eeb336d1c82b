"""`gitexport hooks run`: what the installed git hooks call."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.errors import GitExportError, UsageError

if TYPE_CHECKING:
    from gitexport.inspect.document_rules import CheckReport
    from gitexport.inspect.whereabouts import Whereabouts

# With what the interpreter needs before it, a checkout waits for a second at most.
_PATIENCE_SECONDS = 0.7
_CHECKS = ("pre-commit", "pre-merge-commit", "pre-push", "pre-receive")
_REPORTS = ("post-checkout", "post-merge")


@click.command(
    "run",
    cls=Command,
    short_help="Do what a hook does; the installed hooks call it.",
    help="""Do what a hook does; the installed hooks call it.

pre-commit and pre-merge-commit judge what is staged, pre-push what the remote does not have
yet, pre-receive what a server is about to accept. Each file at fault is one line with the
command that mends it. post-checkout and post-merge say when files and database are at
different snapshots, and nothing where the database does not answer at once.

ARGUMENTS and standard input are what git gives to the hook, see 'man githooks'.""",
    examples=[
        ("from a pre-commit hook of your own", "gitexport hooks run pre-commit"),
        ("from a pre-push hook of your own", 'gitexport hooks run pre-push "$@"'),
    ],
    exit_codes=[1, 7],
)
@click.argument("name", type=click.Choice([*_CHECKS, *_REPORTS]))
@click.argument("arguments", nargs=-1)
@click.option(
    "--within",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=_PATIENCE_SECONDS,
    show_default=True,
    help="How long post-checkout and post-merge may take.",
)
@pass_invocation
def command(invocation: Invocation, name: str, arguments: tuple[str, ...], within: float) -> int:
    """Runs the command."""
    if name in _REPORTS:
        return _report(name, within, invocation)
    return _print(name, _check(name, arguments, invocation), invocation)


def _check(name: str, arguments: tuple[str, ...], invocation: Invocation) -> CheckReport:
    from gitexport.api import git_hooks

    settings = invocation.settings()
    if name == "pre-push":
        if not arguments:
            message = "pre-push needs the name of the remote"
            raise UsageError(message, hint='gitexport hooks run pre-push "$@"')
        return git_hooks.before_push(settings, arguments[0], sys.stdin)
    if name == "pre-receive":
        return git_hooks.before_receive(settings, sys.stdin)
    return git_hooks.before_commit(settings)


def _print(name: str, report: CheckReport, invocation: Invocation) -> int:
    if invocation.options.is_json:
        members = {
            "hook": name,
            "checked": report.checked,
            "offences": [
                {"path": offence.path, "reason": offence.reason, "mend": offence.mend}
                for offence in report.offences
            ],
            "more": report.more,
        }
        invocation.print_json("hooks", members)
        return report.exit_code
    for offence in report.offences:
        invocation.output.line(f"{offence.path}: {offence.reason}; mend it: {offence.mend}")
    if report.more:
        invocation.output.line(f"and {report.more} more")
    return report.exit_code


def _report(name: str, within: float, invocation: Invocation) -> int:
    try:
        with _until(invocation.started + within):
            from gitexport.api.git_hooks import after_checkout

            found = after_checkout(invocation.settings())
    except GitExportError as error:
        invocation.messages.detail(error.message)
        return 0
    if invocation.options.is_json:
        members = {"hook": name, "shown": found.shown, "acknowledged": found.acknowledged}
        invocation.print_json("hooks", members)
    elif found.differ:
        invocation.messages.info(_sentence(found))
    return 0


def _sentence(found: Whereabouts) -> str:
    says = (
        f"gitexport: the files are at {found.shown}, "
        f"the database was acknowledged at {found.acknowledged}"
    )
    export = "'gitexport export' brings the files to the database"
    restore = f"'gitexport restore {found.shown} --database' brings the database to the files"
    if not found.is_on_branch:
        return f"{says}; {restore}"
    return f"{says}; {export}" if found.is_ahead else f"{says}; {export}, {restore}"


@contextmanager
def _until(end: float) -> Iterator[None]:
    """Ends the program silently when a block is not done by then, also while it waits.

    `end` is in seconds of `time.monotonic`.
    """
    timer = threading.Timer(max(0.0, end - time.monotonic()), os._exit, [0])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
