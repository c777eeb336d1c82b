"""`gitexport note`: notes on finished snapshots."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.errors import UsageError

if TYPE_CHECKING:
    from gitexport.history.note import NoteAction, NoteReport


class NoteArguments(NamedTuple):
    """What the command line says."""

    rev: str
    text: str | None
    append: bool
    replace: bool
    remove: bool


@click.command(
    "note",
    cls=Command,
    short_help="Write a note on a finished snapshot.",
    help="""Write a note on a snapshot; without TEXT, show the one that is there.

Notes are git's own, in refs/notes/commits: gitexport log and show print them, and so does
git log. Neither the commit nor its tag changes. A note that is there is kept unless you say
--append or --replace. Pushing a branch does not push notes; to publish them:
git push origin refs/notes/commits. TEXT - reads the note from standard input.
Needs no database.""",
    examples=[
        ("say why", "gitexport note latest 'prices of the new catalog'"),
        ("add a paragraph", "gitexport note 20250622-072114 --append 'checked by Ann'"),
        ("show it", "gitexport note 20250622-072114"),
        ("take it away", "gitexport note 20250622-072114 --remove"),
    ],
    exit_codes=[4, 7],
)
@click.argument("rev", metavar="REV", shell_complete=completing.revs)
@click.argument("text", metavar="[TEXT]", required=False)
@click.option("--append", is_flag=True, help="Add TEXT to the note that is there.")
@click.option("--replace", is_flag=True, help="Put TEXT in the place of the note that is there.")
@click.option("--remove", is_flag=True, help="Take the note away.")
@pass_invocation
def command(invocation: Invocation, /, **given: object) -> int:
    """Runs the command."""
    return run(NoteArguments(**given), invocation)  # type: ignore[arg-type]


def run(arguments: NoteArguments, invocation: Invocation) -> int:
    """Writes, removes or shows the note."""
    from gitexport.api.note import note

    action, text = _action(arguments), arguments.text
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    report = note(invocation.settings(), arguments.rev, action, text or "")
    if invocation.options.is_json:
        invocation.print_json("note", _members(report))
    elif action is None and report.new is None:
        invocation.messages.info(f"there is no note on '{report.commit.snapshot}'")
    elif report.new is not None:
        invocation.output.text(report.new)
    return 0


def _action(arguments: NoteArguments) -> NoteAction | None:
    from gitexport.history.note import NoteAction

    wanted = [action for action in NoteAction if getattr(arguments, action.value, False)]
    if len(wanted) > 1:
        message = f"--{wanted[0].value} and --{wanted[1].value} exclude each other"
        raise UsageError(message)
    action = wanted[0] if wanted else None
    if action is NoteAction.REMOVE and arguments.text is not None:
        message = "--remove takes no text"
        raise UsageError(message)
    if action in {NoteAction.APPEND, NoteAction.REPLACE} and arguments.text is None:
        message = f"--{wanted[0].value} needs a text"
        raise UsageError(message)
    return NoteAction.ADD if action is None and arguments.text is not None else action


def _members(report: NoteReport) -> dict[str, object]:
    return {
        "snapshot": report.commit.snapshot,
        "commit": report.commit.commit_id,
        "note": report.new,
        "old_note": report.old,
    }
