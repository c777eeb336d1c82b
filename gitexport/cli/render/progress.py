"""How far long work is: a bar on a terminal, one line per stage elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from gitexport.cli.plain import one_line
from gitexport.cli.render.messages import Messages
from gitexport.model.ports import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_REFRESH_SECONDS = 0.1


class ShownProgress(Progress, Protocol):
    """A progress that people look at."""

    def above(self, tell: Callable[[], None]) -> None:
        """Prints or asks something, with no bar in its way."""


@contextmanager
def open_progress(messages: Messages) -> Iterator[ShownProgress]:
    """Opens the progress that fits where messages go."""
    if not messages.is_terminal or messages.is_quiet or messages.is_json:
        yield messages
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    from gitexport.cli.render.console import make_console

    bars = RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=make_console(messages.stream, has_color=messages.has_color),
        transient=True,
    )
    with bars:
        progress = BarProgress(bars, messages)
        yield progress
        progress.flush()


class BarProgress:
    """The current stage as a bar. Steps are gathered, as drawing costs more than working."""

    def __init__(self, bars: RichProgress, messages: Messages) -> None:
        self._bars = bars
        self._messages = messages
        self._task: TaskID | None = None
        self._steps = 0
        self._shown_at = 0.0

    def stage(self, name: str, total: int | None = None) -> None:
        """Replaces the bar by that of a new stage."""
        self.flush()
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(one_line(name), total=total)
        self._messages.log_only(name)

    def advance(self, steps: int = 1) -> None:
        """Counts steps and draws now and then."""
        self._steps += steps
        now = time.monotonic()
        if now - self._shown_at >= _REFRESH_SECONDS:
            self._shown_at = now
            self.flush()

    def warn(self, message: str) -> None:
        """Warns above the bar."""
        self.above(lambda: self._messages.warn(message))

    def detail(self, message: str) -> None:
        """Tells a detail above the bar."""
        self.above(lambda: self._messages.detail(message))

    def flush(self) -> None:
        """Draws the steps gathered so far."""
        if self._task is not None and self._steps:
            self._bars.advance(self._task, self._steps)
            self._steps = 0

    def above(self, tell: Callable[[], None]) -> None:
        """Takes the bar away while something is printed or asked."""
        self._bars.stop()
        try:
            tell()
        finally:
            self._bars.start()
