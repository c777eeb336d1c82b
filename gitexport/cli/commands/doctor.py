"""`gitexport doctor`: what would stop or endanger gitexport here, and the fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from gitexport.cli.exit_codes import first_of
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command

if TYPE_CHECKING:
    from gitexport.api.doctor import DoctorReport

_STYLES = {"ok": "green", "warning": "yellow", "error": "red"}


class DoctorArguments(NamedTuple):
    """What the command line says."""

    repairs: bool


@click.command(
    "doctor",
    cls=Command,
    short_help="Explain what would stop or endanger exports here, and the fix.",
    help="""Explain what would stop or endanger exports here, and how to mend it.

Looks at git and libgit2, the user, disk and clock; at the repository's kind, owner,
settings, locks, index, hooks and unfinished runs; at the layout and sizes of documents; at
the remote; at the database, its relations, privileges, triggers and indexes. Goes on after
each failure, and changes nothing. Warnings do not change the exit code, errors do.

--repair first mends what needs no decision: what a killed run left, settings, tags, an
unreadable index, files that were not refreshed. It makes no commit and touches no file of
yours. What only the database can bring back, 'gitexport export --full' writes again.""",
    examples=[
        ("before the first export, and when something is odd", "gitexport doctor"),
        ("after a crash", "gitexport doctor --repair"),
        ("the errors alone", "gitexport doctor -q"),
    ],
    exit_codes=[4, 5, 6, 7, 8],
)
@click.option("--repair", "repairs", is_flag=True, help="Mend what needs no decision, first.")
@pass_invocation
def command(invocation: Invocation, *, repairs: bool) -> int:
    """Runs the command."""
    return run(DoctorArguments(repairs), invocation)


def run(arguments: DoctorArguments, invocation: Invocation) -> int:
    """Prints the findings."""
    from gitexport.api.doctor import doctor

    with invocation.progress() as progress:
        report = doctor(invocation.settings(progress), repairs=arguments.repairs)
    if invocation.options.is_json:
        invocation.print_json("doctor", {"findings": report.findings, "repairs": report.repairs})
    else:
        _print(report, invocation)
    return first_of(*report.codes)


def _print(report: DoctorReport, invocation: Invocation) -> None:
    output = invocation.output
    for done in report.repairs:
        output.line(f"repaired: {done}")
    for finding in report.findings:
        level = finding.level.value
        if level == "ok" and invocation.options.quiet:
            continue
        output.line(f"{level}: {finding.check}: {finding.message}", style=_STYLES[level])
        if finding.fix:
            output.line(f"    fix: {finding.fix}")
