"""The value of what is not there."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Absent(Enum):
    """The value of a field that is not there; null is a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
