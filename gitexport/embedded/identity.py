"""The user that a server runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypedDict

_NOBODY = 65534


class ProcessOptions(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that choose a user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Identity:
    """A user and group by number; `is_other` where it is not our own."""

    user: int
    group: int
    is_other: bool

    def options(self) -> ProcessOptions:
        """Gives the arguments that start a process as this user."""
        if not self.is_other:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": []}


def server_identity() -> Identity:
    """Chooses our own user, or, as root, the one that owns nothing (65534, `nobody`).

    The number needs no entry in the list of users, so none is ever made.
    """
    if os.geteuid() == 0:
        return Identity(_NOBODY, _NOBODY, is_other=True)
    return Identity(os.geteuid(), os.getegid(), is_other=False)
