"""What restore, revert and apply share: options, the question before rows change, the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from gitexport.cli.agreement import require_agreement
from gitexport.cli.invocation import Invocation
from gitexport.errors import UsageError

if TYPE_CHECKING:
    from gitexport.api.restore import Journey
    from gitexport.restore.rows import RowsPlan

_Function = TypeVar("_Function", bound=Callable[..., Any])
_OVERRIDES = ("deletes", "source", "clock", "edits", "cascade")


class GoingBack(NamedTuple):
    """What the shared options say."""

    in_database: bool = False
    overrides: tuple[str, ...] = ()
    fires_triggers: bool = False
    verifies_all: bool = False
    is_dry_run: bool = False
    is_agreed: bool = False


def going_back_options(function: _Function) -> _Function:
    """Adds the shared options to a command's function."""
    for option in reversed(
        (
            click.option(
                "--database", "in_database", is_flag=True, help="Change the rows as well."
            ),
            click.option(
                "--override",
                "overrides",
                multiple=True,
                type=click.Choice(_OVERRIDES),
                help="Go on where this guard stops.",
            ),
            click.option(
                "--fire-triggers",
                "fires_triggers",
                is_flag=True,
                help="Leave people's triggers and rules at work; needs --database.",
            ),
            click.option(
                "--verify-all",
                "verifies_all",
                is_flag=True,
                help="Compare every row, do not trust the flags; needs --database.",
            ),
            click.option(
                "--dry-run", "-n", "is_dry_run", is_flag=True, help="Stop after the plan."
            ),
            click.option("--yes", "-y", "is_agreed", is_flag=True, help="Do not ask."),
        )
    ):
        function = option(function)
    return function


def run_journey(
    command: str, journey: Journey, going: GoingBack, invocation: Invocation, hint: str = ""
) -> int:
    """Goes back, prints what was done, and gives the exit code; `hint` is for conflicts."""
    _check(going, invocation)
    if going.in_database:
        return _change_rows(command, journey, going, invocation, hint)
    from gitexport.api.restore import GoBackOptions, go_back
    from gitexport.cli.render.restored import print_snapshot_report
    from gitexport.export.options import Override

    overrides = frozenset(map(Override, going.overrides))
    options = GoBackOptions(is_dry_run=going.is_dry_run, overrides=overrides)
    with invocation.progress() as progress:
        report = go_back(invocation.settings(progress), journey, options)
    return print_snapshot_report(report, invocation, command, hint)


def _check(going: GoingBack, invocation: Invocation) -> None:
    is_sql = invocation.options.output == "sql"
    if is_sql and not (going.in_database and going.is_dry_run):
        message = "-o sql prints the statements of a plan"
        raise UsageError(message, hint="use it with --database --dry-run")
    named = {"--fire-triggers": going.fires_triggers, "--verify-all": going.verifies_all}
    for name, is_given in named.items():
        if is_given and not going.in_database:
            message = f"{name} is about rows"
            raise UsageError(message, hint="use it with --database")


def _change_rows(
    command: str, journey: Journey, going: GoingBack, invocation: Invocation, hint: str
) -> int:
    from gitexport.api.restore import go_back_in_database
    from gitexport.cli.render.restored import tell_origin
    from gitexport.cli.render.restored_rows import print_plan, print_rows_report
    from gitexport.export.options import Override
    from gitexport.restore.database import RowsRequest

    def confirm(plan: RowsPlan) -> None:
        tell_origin(plan.origin, invocation)
        if not invocation.options.is_json:
            print_plan(plan, invocation)
        if not going.is_agreed:
            require_agreement(invocation, "change these rows?")

    request = RowsRequest(
        is_dry_run=going.is_dry_run,
        verifies_all=going.verifies_all,
        fires_triggers=going.fires_triggers,
        with_statements=invocation.options.output == "sql",
    )
    overrides = frozenset(map(Override, going.overrides))
    with invocation.progress() as progress:
        settings = invocation.settings(progress)
        report = go_back_in_database(
            settings,
            journey,
            request,
            lambda plan: progress.above(lambda: confirm(plan)),
            overrides,
        )
    return print_rows_report(report, invocation, command, hint)
