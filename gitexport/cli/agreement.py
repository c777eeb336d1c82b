"""Asks before rows of people's tables change."""

from __future__ import annotations

import sys

import click

from gitexport.cli.invocation import Invocation
from gitexport.errors import DecisionNeededError

_HINT = "look with --dry-run; to go on without being asked: --yes"


def require_agreement(invocation: Invocation, question: str) -> None:
    """Asks on a terminal; elsewhere nobody can agree.

    Raises:
        DecisionNeededError: Nobody is there to agree, or the person did not.
    """
    if invocation.options.is_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = "rows would be changed, and nobody is there to agree"
        raise DecisionNeededError(message, hint=_HINT)
    if not click.confirm(question, err=True):
        message = "not agreed to; no row was changed"
        raise DecisionNeededError(message, hint=_HINT)
