"""`gitexport push`: publishes the branch and the snapshots that the remote lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command

if TYPE_CHECKING:
    from gitexport.model.report import PushReport

_SHOWN = 5


class PushArguments(NamedTuple):
    """What the command line says."""

    remote: str | None


@click.command(
    "push",
    cls=Command,
    short_help="Publish the branch and its tags, and read them back.",
    help="""Publish the branch and the tags that the remote lacks.

The git program pushes, with your credential helpers and ssh settings; nothing is asked. Then
the remote's refs are read back, and only when they show what was pushed, it says published.
Nothing is ever forced. Files that other people pushed are joined by a merge commit. REMOTE is
the configured one, usually origin. Running it again is always safe. Needs no database.""",
    examples=[
        ("where to publish, once", "git remote add origin git@example.org:me/data.git"),
        ("publish", "gitexport push"),
        ("publish to another remote", "gitexport push mirror"),
        ("export and publish at once", "gitexport export --push"),
    ],
    exit_codes=[4, 5, 6, 7],
)
@click.argument("remote", metavar="[REMOTE]", required=False, shell_complete=completing.remotes)
@pass_invocation
def command(invocation: Invocation, remote: str | None) -> int:
    """Runs the command."""
    return run(PushArguments(remote), invocation)


def run(arguments: PushArguments, invocation: Invocation) -> int:
    """Pushes and tells what the remote holds now."""
    from gitexport.api.push import push

    with invocation.progress() as progress:
        report = push(invocation.settings(progress), arguments.remote)
    published = _published(report)
    invocation.messages.log_only(published)
    if invocation.options.is_json:
        invocation.print_json("push", _members(report))
    else:
        if report.merged:
            invocation.output.line(f"joined what others pushed in commit {report.merged[:10]}")
        invocation.output.line(published)
    return 0


def _published(report: PushReport) -> str:
    shown = ", ".join(report.tags[:_SHOWN])
    more = f" and {len(report.tags) - _SHOWN} more" if len(report.tags) > _SHOWN else ""
    tags = f" and the new tags {shown}{more}" if report.tags else ""
    commit = (report.commit or "")[:10]
    return f"published {report.branch} at {commit}{tags} to {report.remote}"


def _members(report: PushReport) -> dict[str, object]:
    return {
        "remote": report.remote,
        "branch": report.branch,
        "commit": report.commit,
        "tags": report.tags,
        "merged": report.merged,
        "published": report.published,
    }
