"""What one run of the program gives to a command: options, environment, outputs, time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from gitexport.cli.global_options import GlobalOptions
from gitexport.cli.render.messages import Messages
from gitexport.cli.render.output import Output

if TYPE_CHECKING:
    from gitexport.api.session import Settings
    from gitexport.cli.render.progress import ShownProgress
    from gitexport.model.ports import Clock, Progress

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def system_clock() -> datetime:
    """Reads the time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass
class Invocation:
    """One run of the program. The only reader of the environment and of the time.

    `started` is when it began, in seconds of `time.monotonic`.
    """

    options: GlobalOptions
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Clock = system_clock
    started: float = field(default_factory=time.monotonic)

    @property
    def has_color(self) -> bool:
        """Tells whether colours are wanted: not with --no-color, NO_COLOR or a dumb terminal."""
        is_dumb = self.environment.get("TERM") == "dumb"
        return not (self.options.no_color or self.environment.get("NO_COLOR") or is_dumb)

    @cached_property
    def output(self) -> Output:
        """Standard output: data and nothing else."""
        return Output(sys.stdout, has_color=self.has_color)

    @cached_property
    def messages(self) -> Messages:
        """Standard error and the log file."""
        return Messages(
            sys.stderr, options=self.options, has_color=self.has_color, clock=self.clock
        )

    def paged(self) -> AbstractContextManager[Output]:
        """Gives standard output, on a terminal by way of the user's pager."""
        from gitexport.cli.render.pager import open_pager

        return open_pager(self.output, self.environment, has_color=self.has_color)

    def progress(self) -> AbstractContextManager[ShownProgress]:
        """Shows how far long work is: a bar on a terminal, one line per stage elsewhere."""
        from gitexport.cli.render.progress import open_progress

        return open_progress(self.messages)

    def settings(self, progress: Progress | None = None) -> Settings:
        """Gives what a session of the API needs from outside."""
        from gitexport.api.session import Settings

        return Settings(
            directory=self.options.data_directory,
            dsn=self.options.dsn,
            environment=self.environment,
            clock=self.clock,
            progress=progress or self.messages,
        )

    def print_json(self, command: str, members: Mapping[str, object]) -> None:
        """Prints the one JSON object of a command."""
        self.output.json(f"gitexport.{command}/v1", members)


def pass_invocation(
    function: Callable[Concatenate[Invocation, _Given], _Result],
) -> Callable[_Given, _Result]:
    """Gives a command's function the invocation as its first argument."""

    def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        invocation: Invocation = click.get_current_context().find_root().meta[KEY]
        return function(invocation, *args, **kwargs)

    # Options are collected on the function by decorators on either side of this one.
    call.__dict__.update(vars(function))
    call.__doc__, call.__name__ = function.__doc__, function.__name__
    return call


KEY = "gitexport.invocation"
