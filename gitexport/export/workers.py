"""Carries the shares of a run out, in this process or in several.

The processes are forked, each with a connection and a repository handle of its own, and read
the same instant through a shared view. First every process encodes its part of the rows;
then each merges a range of everybody's directories.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gitexport.export.encode import ShareResult
from gitexport.export.merge import split_ranges
from gitexport.export.processes import processors, receive, started
from gitexport.export.share import Objects, Range, Share, ShareMerge, ShareTask
from gitexport.model.ports import Progress, Source, SourceView

if TYPE_CHECKING:
    # Loaded by runs that are worth several processes; most are not.
    from multiprocessing.connection import Connection

PARALLEL_ROWS = 3_000


@dataclass(slots=True)
class RunResult:
    """What all shares gave: a result for each entity and process, and the merges."""

    encoded: list[ShareResult]
    merged: list[ShareMerge]


def choose_processes(rows: int, wanted: int) -> int:
    """Chooses how many processes a run over some rows is worth."""
    if wanted:
        return wanted
    return 1 if rows < PARALLEL_ROWS else max(1, min(4, processors()))


def run_alone(task: ShareTask, view: SourceView, objects: Objects, progress: Progress) -> RunResult:
    """Carries a run out in this process."""
    with Share(task, objects, progress.advance) as share:
        encoded = share.encode(view)
        return RunResult(encoded, [share.merge()])


class Crew(NamedTuple):
    """How the processes of a run reach the world: each opens its own of everything.

    `shared` names the view whose instant all of them read.
    """

    source: Source
    shared: str
    open_objects: Callable[[], Objects]
    processes: int


def run_in_processes(task: ShareTask, crew: Crew, progress: Progress) -> RunResult:
    """Carries a run out in several processes, which all end before this returns or raises.

    Raises:
        GitExportError: What the first process to fail raised.
        MachineError: A process was killed.
    """
    parts = [(task.for_part(part, crew.processes), crew) for part in range(crew.processes)]
    with started(_work, parts) as connections:
        answers = _gather(connections, progress)
        encoded = [result for answer in answers for result in answer[0]]
        for connection, ranges in zip(connections, _ranges(task, answers), strict=True):
            connection.send((ranges, _saved(task, answers)))
        merged = _gather(connections, progress)
    return RunResult(encoded, merged)


_Answer = tuple[list[ShareResult], dict[str, list[bytes]], dict[str, Path]]


def _ranges(task: ShareTask, answers: Sequence[_Answer]) -> list[dict[str, Range]]:
    ranges: list[dict[str, Range]] = [{} for _answer in answers]
    for plan in task.plans:
        name = plan.entity.name
        found = max((answer[1][name] for answer in answers), key=len)
        parts = split_ranges(found, len(answers)) if found else [(b"", None)]
        # A range that starts where everything ends is empty.
        parts += [(b"\xff", None)] * (len(answers) - len(parts))
        for share, part in zip(ranges, parts, strict=True):
            share[name] = part
    return ranges


def _saved(task: ShareTask, answers: Sequence[_Answer]) -> dict[str, list[Path]]:
    return {
        plan.entity.name: [answer[2][plan.entity.name] for answer in answers] for plan in task.plans
    }


def _gather(connections: Sequence[Connection], progress: Progress) -> list[Any]:
    """Waits for one answer from each process; counts the rows they report meanwhile."""
    from multiprocessing.connection import Connection, wait

    answers: dict[Connection, Any] = {}
    while len(answers) < len(connections):
        for ready in wait([one for one in connections if one not in answers]):
            assert isinstance(ready, Connection)  # noqa: S101 - nothing else is waited for
            message = receive(ready)
            if isinstance(message, int):
                progress.advance(message)
            else:
                answers[ready] = message
    return [answers[connection] for connection in connections]


def _work(parent: Connection, task: ShareTask, crew: Crew) -> None:
    own = crew.source.fork()
    share = Share(task, crew.open_objects(), parent.send)
    with own.view(crew.shared) as view:
        encoded = share.encode(view)
    own.close()
    directories = share.directories()
    parent.send((encoded, directories, share.save()))
    ranges, saved = parent.recv()
    parent.send(share.merge(ranges, saved))
