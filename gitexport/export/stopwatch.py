"""Measures the stages of a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta


class Stopwatch:
    """Tells how long each stage took, in milliseconds; stages may come again."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}
        self._name: str | None = None
        self._since = 0.0

    def stage(self, name: str) -> None:
        """Ends the current stage and starts another."""
        self._end()
        self._name = name
        self._since = time.monotonic()

    def finish(self) -> dict[str, int]:
        """Ends the current stage and gives all, in the order of their first start."""
        self._end()
        self._name = None
        return {name: round(seconds * 1000) for name, seconds in self._spent.items()}

    def _end(self) -> None:
        if self._name is not None:
            passed = time.monotonic() - self._since
            self._spent[self._name] = self._spent.get(self._name, 0.0) + passed


def end_of(started_at: datetime, now: datetime, stages: Mapping[str, int]) -> datetime:
    """Tells when a run ended; where the clock is behind its start, by how long it took."""
    return now if now >= started_at else started_at + timedelta(milliseconds=sum(stages.values()))
