"""Forks processes that work beside this one and answer through a pipe.

A process that loses its parent ends. Ctrl-C is the parent's to answer; SIGTERM ends a process
on the spot. What a process fails with is raised in the parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gitexport.errors import GitExportError, MachineError

if TYPE_CHECKING:
    # Loaded by runs that are worth several processes; most are not.
    from multiprocessing.connection import Connection

_PR_SET_PDEATHSIG = 1
_ANSWERED = (signal.SIGINT, signal.SIGTERM)


def processors() -> int:
    """Counts the processors that forked processes of this one may use.

    Only on Linux do the libraries that are loaded by then live through a fork.
    """
    return len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else 1


@contextlib.contextmanager
def started(
    work: Callable[..., None], arguments: Sequence[tuple[object, ...]]
) -> Iterator[list[Connection]]:
    """Starts a process for each tuple of arguments, and ends them all when the block ends.

    `work` is called with the connection to this process and its arguments.
    """
    import multiprocessing

    context = multiprocessing.get_context("fork")
    connections: list[Connection] = []
    running = []
    try:
        for given in arguments:
            ours, theirs = context.Pipe()
            process = context.Process(target=_run, args=(theirs, work, given), daemon=True)
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


def receive(connection: Connection) -> Any:  # noqa: ANN401 - whatever the work sends
    """Waits for a process's next message.

    Raises:
        GitExportError: What the process raised.
        MachineError: It was killed.
    """
    try:
        message = connection.recv()
    except EOFError as error:
        text = "a process of this run was killed"
        raise MachineError(text, hint="look for lack of memory, then run again") from error
    if isinstance(message, BaseException):
        raise message
    return message


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Holds signals back while forking: the interpreter drops what its own hooks there raise."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ANSWERED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(parent: Connection, work: Callable[..., None], arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The parent may answer this one; here there is nothing to put in order.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ANSWERED)
    _die_with_parent()
    gc.disable()
    try:
        work(parent, *arguments)
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
