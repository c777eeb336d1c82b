"""Options that mean the same in several commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from gitexport.cli import completing

_Function = TypeVar("_Function", bound=Callable[..., Any])


def entities_option(function: _Function) -> _Function:
    """Adds `--entity`, which narrows a command to some entities."""
    return click.option(
        "--entity",
        "entities",
        metavar="E",
        multiple=True,
        shell_complete=completing.entities,
        help="Only this entity.",
    )(function)


def span_options(since: str, until: str) -> Callable[[_Function], _Function]:
    """Adds `--since` and `--until`; `since` and `until` begin the sentences of their help."""

    def add(function: _Function) -> _Function:
        for name, begin in (("--until", until), ("--since", since)):
            function = click.option(
                name,
                metavar="TIME",
                shell_complete=completing.revs,
                help=f"{begin} this time, day or snapshot.",
            )(function)
        return function

    return add
