"""The demo's steps and its result, as text and as JSON."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gitexport.cli.render.changes import change_lines, change_members
from gitexport.model.address import format_address
from gitexport.model.counted import counted
from gitexport.model.ports import Progress

if TYPE_CHECKING:
    from gitexport.api.demo import DemoReport
    from gitexport.cli.render.output import Output

_HEADING = "bold"


def print_demo(report: DemoReport, output: Output) -> None:
    """Prints what the demo did, what a changed file looks like, and what to try next."""
    output.line("What happened", style=_HEADING)
    output.table(
        ["step", "ms"],
        [[step.what, f"{step.milliseconds:,}"] for step in report.steps]
        + [["all together", f"{report.milliseconds:,}"]],
        numeric={"ms"},
    )
    output.line()
    output.line("The snapshots", style=_HEADING)
    output.table(
        ["tag", "commit", "mode", "added", "modified", "deleted", "ms"],
        [_snapshot_row(report, number) for number in range(len(report.exports))],
        numeric={"added", "modified", "deleted", "ms"},
    )
    if report.latest is not None:
        documents = counted(report.latest.documents or 0, "document")
        output.line(f"{documents}, {report.latest.size_bytes:,} bytes, one file each")
    if report.change is not None:
        output.line()
        output.line("What a changed file looks like", style=_HEADING)
        output.line(report.change.path)
        for line, style in change_lines(report.change):
            output.line(line, style=style)
    output.line()
    output.line("Where everything is", style=_HEADING)
    output.line(f"{report.path}  is an ordinary git repository with everything in it")
    output.line(
        f"PostgreSQL {report.server} is gone, so commands that need the database cannot run there"
    )
    output.line()
    output.line("What to try next", style=_HEADING)
    for purpose, command in next_commands(report):
        output.line(f"# {purpose}", style="dim")
        output.line(f"{command}")


def print_step(what: str, milliseconds: int, progress: Progress) -> None:
    """Tells a step that is done."""
    progress.detail(f"{what} ({milliseconds:,} ms)")


def members(report: DemoReport) -> dict[str, object]:
    """Gives the members of the JSON object."""
    return {
        "path": report.path,
        "server": report.server,
        "duration_ms": report.milliseconds,
        "steps": [{"what": step.what, "ms": step.milliseconds} for step in report.steps],
        "snapshots": [
            {
                "snapshot": export.snapshot,
                "commit": export.commit,
                "mode": export.mode,
                "entities": {
                    name: {
                        "added": counts.added,
                        "modified": counts.modified,
                        "deleted": counts.deleted,
                    }
                    for name, counts in export.entities.items()
                },
                "duration_ms": sum(export.stages.values()),
            }
            for export in report.exports
        ],
        "documents": report.latest and report.latest.documents,
        "bytes": report.latest and report.latest.size_bytes,
        "differences": report.differences,
        "changed_document": report.change and change_members(report.change),
        "next": [command for _purpose, command in next_commands(report)],
    }


def next_commands(report: DemoReport) -> list[tuple[str, str]]:
    """Lists commands to try, each with what it is for."""
    program, path = _program(), _quoted(str(report.path))
    first, second = (export.snapshot or "" for export in report.exports[:2])
    commands = [
        ("the snapshots, as git has them", f"git -C {path} log --stat --oneline -3"),
        ("what changed between two", f"{program} -C {path} compare {first} {second}"),
        ("the same, as git has it", f"git -C {path} diff {first} {second}"),
        ("the snapshots with their counts", f"{program} -C {path} log"),
    ]
    if report.change is not None and report.change.key is not None:
        address = _quoted(format_address(report.change.entity, report.change.key))
        commands += [
            ("the life of one row", f"{program} -C {path} log -p {address}"),
            ("that row as it was", f"{program} -C {path} show {first} {address}"),
        ]
    purpose = "the second snapshot again, in the repository"
    commands.append((purpose, f"{program} -C {path} restore {second}"))
    dsn = "'host=… dbname=… user=…'"
    commands.append(("your own database", f"{program} init my-data --dsn {dsn}"))
    return commands


def _snapshot_row(report: DemoReport, number: int) -> list[str]:
    export = report.exports[number]
    counts = export.entities.values()
    return [
        export.snapshot or "none",
        (export.commit or "")[:10],
        export.mode,
        f"{sum(entity.added for entity in counts):,}",
        f"{sum(entity.modified for entity in counts):,}",
        f"{sum(entity.deleted for entity in counts):,}",
        f"{sum(export.stages.values()):,}",
    ]


def _program() -> str:
    """Names the program so that it can be typed in any directory.

    `make -C` and others run this one in a directory that is not the person's.
    """
    if shutil.which("gitexport"):
        return "gitexport"
    python = Path(sys.executable)
    script = python.parent / "gitexport"
    return _quoted(str(script)) if script.is_file() else f"{_quoted(str(python))} -m gitexport"


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
