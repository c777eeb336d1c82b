"""What a shell's completion offers where an option or argument names something that is there.

Functions as click's `shell_complete` wants them. Where anything goes wrong, as without a data
repository, there is nothing to offer, and nothing is said: a person is in the middle of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gitexport.api.session import Settings


def entities(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offers the configured entities."""
    from gitexport.api.completion import known_entities

    return _beginning(incomplete, lambda: known_entities(_settings(context)))


def revs(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offers `latest` and the snapshots, the newest first."""
    from gitexport.api.completion import known_snapshots

    return _beginning(incomplete, lambda: ["latest", *known_snapshots(_settings(context))])


def sides(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offers what can be compared: snapshots and the live database."""
    return _beginning(incomplete, lambda: ["@database", *revs(context, parameter, incomplete)])


def remotes(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offers the repository's remotes."""
    from gitexport.api.completion import known_remotes

    return _beginning(incomplete, lambda: known_remotes(_settings(context)))


def outputs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offers every form in which some command prints."""
    from gitexport.compare.formats import FORMATS

    return _beginning(incomplete, lambda: ["text", "json", *FORMATS])


def _settings(context: click.Context) -> Settings:
    from gitexport.cli.global_options import GlobalOptions
    from gitexport.cli.invocation import Invocation

    return Invocation(context.ensure_object(GlobalOptions)).settings()


def _beginning(incomplete: str, find: Callable[[], Iterable[str]]) -> list[str]:
    with suppress(Exception):
        return [word for word in dict.fromkeys(find()) if word.startswith(incomplete)]
    return []
