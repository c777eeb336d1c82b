"""Has SIGTERM end a run in order, as Ctrl-C does.

systemd, cron's descendants, containers and timeout(1) stop programs with SIGTERM, which by
itself ends a process on the spot: what a run made for itself would stay behind.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came. Whatever answers an interruption answers this one too."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Raises `Terminated` in the block when SIGTERM comes, once.

    A program that calls this one and answers the signal in a way of its own, or ignores it,
    keeps doing so.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    # timeout(1) sends it twice, to the process and to its group: the second one must not break
    # off what the first one has cleaned up. Programs that are started do not inherit a function.
    signal.signal(signal.SIGTERM, _disregard)
    raise Terminated


def _disregard(_number: int, _frame: FrameType | None) -> None:
    """Lets the run go on ending."""
