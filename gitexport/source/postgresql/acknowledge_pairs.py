"""Acknowledges large batches two at a time, in two sessions.

What an acknowledgement keeps busy is the one process that the server gives to a session. So
a second session, in a thread that waits for it, writes every other large batch.

Both transactions of a pair hold the fence by a lock that they can share; the tip has moved
before. Between two pairs nobody holds it, as locks that are shared without end would keep
out a run that wants to take over.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from functools import partial

import psycopg

from gitexport.errors import ConnectionFailedError
from gitexport.source.postgresql.acknowledge_batch import Batch, BatchWriter
from gitexport.source.postgresql.errors import is_connection_loss
from gitexport.source.postgresql.session import Connection

ENOUGH = 4
"""Large batches in a row for which a second session is worth its start."""

_GREETING_S = 2.0
_CANCEL_S = 1.0
_CANCELS = 5


def has_processors() -> bool:
    """Tells whether more than one process can be at work at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) > 1
    return (os.cpu_count() or 1) > 1


class SecondSession:
    """A session that writes one batch at a time while its owner does something else."""

    def __init__(self, writer: BatchWriter) -> None:
        # Only large acknowledgements pay for loading it.
        from concurrent.futures import ThreadPoolExecutor

        self._writer = writer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="acknowledge")
        self._under_way: Future[int] | None = None

    def answers(self) -> bool:
        """Tells whether the session is served; a pooler may let it wait for another one's end."""
        self._under_way = greeting = self._thread.submit(self._greet)
        if not wait([greeting], timeout=_GREETING_S).done:
            _hang_up(self._writer.connection)
        return greeting.exception() is None

    def start(self, batch: Batch) -> None:
        """Begins to write a batch."""
        self._under_way = self._thread.submit(self._writer.write_beside, batch)

    def result(self) -> int:
        """Waits for the batch, and counts its rows.

        Raises: what `BatchWriter.write_beside` does.
        """
        assert self._under_way is not None  # noqa: S101 - a batch was started
        return self._under_way.result()

    def close(self) -> None:
        """Ends the session and its thread; a statement that is under way is cancelled."""
        connection = self._writer.connection
        for _ in range(_CANCELS):
            if self._is_idle():
                break
            # The statement may begin after the request came, so one is not always enough.
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=_CANCEL_S)
            if self._under_way is not None:
                wait([self._under_way], timeout=_CANCEL_S)
        if not self._is_idle():
            _hang_up(connection)
        self._thread.shutdown()
        connection.close()

    def _is_idle(self) -> bool:
        return self._under_way is None or self._under_way.done()

    def _greet(self) -> int:
        return self._writer.connection.execute("SELECT 1").rowcount


def _hang_up(connection: Connection) -> None:
    # Wakes the thread that reads from it, which closing the connection would not.
    with (
        suppress(psycopg.Error, OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as wire,
    ):
        wire.shutdown(socket.SHUT_RDWR)


@contextmanager
def open_second(open_writer: Callable[[], BatchWriter]) -> Iterator[SecondSession | None]:
    """Opens a second session, which ends with the block; gives None where there is none.

    A role, a server or a pooler may have no other connection to give. That is no error: one
    session does it all.
    """
    try:
        writer = open_writer()
    except ConnectionFailedError:
        yield None
        return
    second = SecondSession(writer)
    try:
        yield second if second.answers() else None
    finally:
        second.close()


class Pairs:
    """Acknowledges batches in pairs; `on_done` is told of each, with the rows counted."""

    def __init__(
        self, writer: BatchWriter, second: SecondSession, on_done: Callable[[Batch, int], None]
    ) -> None:
        self._writer = writer
        self._second = second
        self._on_done = on_done

    def passing(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Takes batches and acknowledges the large ones; yields those that must go alone.

        These are small ones, one that finds no partner, and those of a pair that met a lock or
        were refused, after which no more are taken.

        Raises: what `BatchWriter.write_beside` does, except for what the server refused.
        """
        single = None
        for batch in batches:
            if not batch.is_large:
                yield batch
            elif single is None:
                single = batch
            else:
                left = self._write(single, batch)
                single = None
                yield from left
                if left:
                    return
        if single is not None:
            yield single

    def _write(self, ours: Batch, other: Batch) -> list[Batch]:
        """Writes a pair; gives those of its batches that met a lock or were refused.

        A lock may be the other session's: a trigger of people's can lead both to one row.
        As each gives up within a moment, they do not wait for each other in a circle, unless
        the server looks for circles even sooner.
        """
        left = []
        self._second.start(other)
        writing: list[tuple[Batch, Callable[[], int]]] = [
            (ours, partial(self._writer.write_beside, ours)),
            (other, self._second.result),
        ]
        for batch, write in writing:
            try:
                counted = write()
            except psycopg.Error as error:
                if is_connection_loss(error):
                    raise
                left.append(batch)
            else:
                self._on_done(batch, counted)
        return left
