"""Carries the shares of a run out, in this process or in several.

The processes are forked, each with a connection and a repository handle of its own, and read
the same instant through a shared view. First every process encodes its part of the rows;
then each merges a range of everybody's directories. A process that loses its parent ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitexport.errors import GitExportError, MachineError
from gitexport.export.encode import ShareResult
from gitexport.export.merge import split_ranges
from gitexport.export.share import Objects, Range, Share, ShareMerge, ShareTask
from gitexport.model.ports import Progress, Source, SourceView

if TYPE_CHECKING:
    # Loaded by runs that are worth several processes; most are not.
    from multiprocessing.connection import Connection

PARALLEL_ROWS = 3_000
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class RunResult:
    """What all shares gave: a result for each entity and process, and the merges."""

    encoded: list[ShareResult]
    merged: list[ShareMerge]


def choose_processes(rows: int, wanted: int) -> int:
    """Chooses how many processes a run over some rows is worth."""
    if wanted:
        return wanted
    if rows < PARALLEL_ROWS or not sys.platform.startswith("linux"):
        return 1
    return max(1, min(4, len(os.sched_getaffinity(0))))


def run_alone(task: ShareTask, view: SourceView, objects: Objects, progress: Progress) -> RunResult:
    """Carries a run out in this process."""
    with Share(task, objects, progress.advance) as share:
        encoded = share.encode(view)
        return RunResult(encoded, [share.merge()])


@dataclass(frozen=True, slots=True)
class Crew:
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
    with _started(task, crew) as connections:
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


@contextlib.contextmanager
def _started(task: ShareTask, crew: Crew) -> Iterator[list[Connection]]:
    import multiprocessing

    context = multiprocessing.get_context("fork")
    connections: list[Connection] = []
    running = []
    try:
        for part in range(crew.processes):
            ours, theirs = context.Pipe()
            own = task.for_part(part, crew.processes)
            process = context.Process(target=_work, args=(theirs, own, crew), daemon=True)
            with _uninterrupted():
                process.start()
            theirs.close()
            connections.append(ours)
            running.append(process)
        yield connections
    finally:
        for connection in connections:
            connection.close()
        for process in running:
            process.join(timeout=0.5)
            if process.is_alive():
                process.kill()
                process.join()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Holds Ctrl-C back while forking: the interpreter drops what its own hooks there raise."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _gather(connections: Sequence[Connection], progress: Progress) -> list[Any]:
    """Waits for one answer from each process; counts the rows they report meanwhile."""
    from multiprocessing.connection import Connection, wait

    answers: dict[Connection, Any] = {}
    while len(answers) < len(connections):
        for ready in wait([one for one in connections if one not in answers]):
            assert isinstance(ready, Connection)  # noqa: S101 - nothing else is waited for
            try:
                message = ready.recv()
            except EOFError as error:
                text = "a process of this export was killed"
                raise MachineError(text, hint="look for lack of memory, then run again") from error
            if isinstance(message, int):
                progress.advance(message)
            elif isinstance(message, BaseException):
                raise message
            else:
                answers[ready] = message
    return [answers[connection] for connection in connections]


def _work(parent: Connection, task: ShareTask, crew: Crew) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _die_with_parent()
    gc.disable()
    try:
        own = crew.source.fork()
        share = Share(task, crew.open_objects(), parent.send)
        with own.view(crew.shared) as view:
            encoded = share.encode(view)
        own.close()
        directories = share.directories()
        parent.send((encoded, directories, share.save()))
        ranges, saved = parent.recv()
        parent.send(share.merge(ranges, saved))
    except (EOFError, BrokenPipeError):
        return
    except GitExportError as error:
        parent.send(error)
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        parent.send(_portable(error))


def _portable(error: BaseException) -> BaseException:
    import pickle

    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - any failure means that it cannot travel
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _die_with_parent() -> None:
    """Asks the kernel to end this process when its parent dies, however that happens.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)
