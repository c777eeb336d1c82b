"""What a run leaves for the next one: the run journal and the state of this machine.

Both are small JSON files beside the lock, replaced by rename and never versioned. The journal
(`run.json`) says which lock files, packs and stages a run that died may have left; nothing of
the data depends on it. The state (`state.json`) remembers what was done here last.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from gitexport.errors import CorruptRepositoryError
from gitexport.model.snapshot import ObjectId
from gitexport.store.durable import write_durably
from gitexport.store.durations import remember_duration
from gitexport.store.git_errors import machine_error
from gitexport.store.repository import DataRepository

HEARTBEAT_SECONDS = 5.0
"""How often a run says that it is alive, by the time of its journal file."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Run(NamedTuple):
    """One run as the journal knows it.

    `packs` are names without a suffix, noted before they are installed, `commits` the commit
    in each. `touched_at` is when the run last said that it was alive. `finished_at` is None
    for a run that never ended.
    """

    run_id: str
    pid: int
    boot_id: str
    started_at: datetime
    touched_at: datetime
    packs: tuple[str, ...] = ()
    commits: tuple[ObjectId, ...] = ()
    finished_at: datetime | None = None


class Journal:
    """The journal of a data repository. Written only by who holds the lock."""

    def __init__(self, repository: DataRepository) -> None:
        self._path = repository.state_dir / "run.json"
        self._run: Run | None = None
        self._began = 0.0
        self._heart: threading.Event | None = None

    def last(self) -> Run | None:
        """Reads the last run; None where there was none, or its journal is unreadable."""
        try:
            members = _read_json(self._path)
            return None if members is None else self._with_last_beat(_parse_run(members))
        except (KeyError, TypeError, ValueError):
            return None

    def begin(self) -> Run:
        """Starts a run, durably. What the last one left must have been recovered before.

        Raises:
            MachineError: The journal cannot be written.
        """
        now = datetime.now(UTC)
        self._began = time.monotonic()
        self._run = Run(secrets.token_hex(8), os.getpid(), boot_id(), now, now)
        self._write(self._run)
        return self._run

    def note_pack(self, name: str, commit_id: ObjectId) -> None:
        """Names a pack that is about to be installed with a keep file, and the commit in it."""
        run = self._current()
        self.beat()
        packs, commits = (*run.packs, name), (*run.commits, commit_id)
        now = datetime.now(UTC)
        self._write(run._replace(packs=packs, commits=commits, touched_at=now))

    def touch(self) -> None:
        """Says that the run is alive."""
        with suppress(OSError):
            os.utime(self._path)

    def beat(self) -> None:
        """Says that the run is alive, now and every few seconds until it ends.

        To be called before the first step that takes locks of git; `note_pack` does so. Not
        earlier: a process with threads should not fork, and reading does.
        """
        self._current()
        self.touch()
        if self._heart is None:
            self._heart = threading.Event()
            arguments = (weakref.ref(self), self._heart)
            threading.Thread(target=_beat, args=arguments, daemon=True).start()

    def finish(self) -> None:
        """Ends the run: nothing of it has to be recovered. Its length is remembered."""
        if self._heart is not None:
            self._heart.set()
            self._heart = None
        now = datetime.now(UTC)
        run = self._current()._replace(touched_at=now, finished_at=now)
        self._write(run)
        milliseconds = round((time.monotonic() - self._began) * 1000)
        for commit in run.commits[-1:]:
            remember_duration(self._path.parent, commit, milliseconds)
        self._run = None

    @contextmanager
    def short_run(self) -> Iterator[None]:
        """Covers a few steps that take locks of git and leave nothing else to recover.

        The journal of a run that died, and was not recovered yet, is kept as it is.
        """
        last = self.last()
        if last is not None and last.finished_at is None:
            yield
            return
        self.begin()
        self.beat()
        try:
            yield
        finally:
            self.finish()

    def _with_last_beat(self, run: Run) -> Run:
        if run.finished_at is not None:
            return run
        seen = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        return run._replace(touched_at=max(run.touched_at, seen))

    def _current(self) -> Run:
        if self._run is None:
            message = "no run was begun"
            raise RuntimeError(message)
        return self._run

    def _write(self, run: Run) -> None:
        self._run = run
        _write_json(self._path, run._asdict())


@dataclass(frozen=True, slots=True)
class MachineState:
    """What this machine remembers of a data repository.

    `shown` is the commit to which the working tree was last brought; with `is_torn`, some of
    its files may be further on, at what was the tip then. `acknowledged` is the commit that the
    source was last told of. `last_tag` is the newest tag made here.
    `runs_since_maintenance` counts. `remote_tips` are the tips that a remote was last seen to
    hold, by `<url> <ref>`. `edits_left` are files with a person's edit that a snapshot changed
    and that were left as they are. `documents_refused` are documents made by queries that could
    not be renewed when they were due. `unmarked` says, by entity, what keeps its rows from being
    acknowledged, and the ways on.
    """

    shown: ObjectId | None = None
    is_torn: bool = False
    acknowledged: ObjectId | None = None
    last_tag: str | None = None
    runs_since_maintenance: int = 0
    remote_tips: dict[str, ObjectId] = field(default_factory=dict)
    edits_left: tuple[str, ...] = ()
    documents_refused: tuple[str, ...] = ()
    unmarked: dict[str, tuple[str, str]] = field(default_factory=dict)


def read_state(repository: DataRepository) -> MachineState:
    """Reads the state; an empty one where there is none yet.

    Raises:
        CorruptRepositoryError: The file is damaged. It guards a person's edits and remote,
            so it is not forgotten silently.
        MachineError: It cannot be read.
    """
    path = repository.state_dir / "state.json"
    try:
        members = _read_json(path)
        return MachineState() if members is None else _parse_state(members)
    except (TypeError, ValueError, AttributeError) as error:
        message = f"'{path}' is damaged"
        hint = "remove it; the working tree and the remote are then looked at anew"
        raise CorruptRepositoryError(message, where=str(path), hint=hint) from error


def write_state(repository: DataRepository, state: MachineState) -> None:
    """Replaces the state, durably. Only who holds the lock may do so.

    Raises:
        MachineError: It cannot be written.
    """
    _write_json(repository.state_dir / "state.json", asdict(state))


def remember_torn(repository: DataRepository) -> None:
    """Writes down that a refresh of the working tree may not have ended.

    Raises:
        CorruptRepositoryError: The state is damaged.
        MachineError: It cannot be written.
    """
    state = read_state(repository)
    if not state.is_torn:
        write_state(repository, replace(state, is_torn=True))


def boot_id() -> str:
    """Names the time since this machine started; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def booted_at() -> datetime:
    """Gives the time at which this machine started."""
    return datetime.fromtimestamp(time.time() - time.clock_gettime(_boot_clock()), UTC)


def _boot_clock() -> int:
    return getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _optional_text(value: object) -> Any:  # noqa: ANN401 - checked here, typed by its callers
    if value is not None and not isinstance(value, str):
        raise TypeError(value)
    return value


def _beat(reference: weakref.ref[Journal], ended: threading.Event) -> None:
    # A journal that nobody holds any more belongs to a run that ended without a word.
    while not ended.wait(HEARTBEAT_SECONDS):
        journal = reference()
        if journal is None:
            return
        journal.touch()
        del journal


def _parse_state(members: dict[str, Any]) -> MachineState:
    # A member that an earlier version did not write has its default.
    return MachineState(
        shown=_optional_text(members.get("shown")),
        is_torn=bool(members.get("is_torn", False)),
        acknowledged=_optional_text(members.get("acknowledged")),
        last_tag=_optional_text(members.get("last_tag")),
        runs_since_maintenance=int(members.get("runs_since_maintenance", 0)),
        remote_tips={name: ObjectId(tip) for name, tip in members.get("remote_tips", {}).items()},
        edits_left=tuple(str(edit) for edit in members.get("edits_left", ())),
        documents_refused=tuple(str(path) for path in members.get("documents_refused", ())),
        unmarked={name: (text, hint) for name, (text, hint) in members.get("unmarked", {}).items()},
    )


def _parse_run(members: dict[str, Any]) -> Run:
    finished = members["finished_at"]
    return Run(
        run_id=str(members["run_id"]),
        pid=int(members["pid"]),
        boot_id=str(members["boot_id"]),
        started_at=datetime.fromisoformat(members["started_at"]),
        touched_at=datetime.fromisoformat(members["touched_at"]),
        packs=tuple(str(pack) for pack in members["packs"]),
        commits=tuple(ObjectId(str(commit)) for commit in members["commits"]),
        finished_at=None if finished is None else datetime.fromisoformat(finished),
    )


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise machine_error(error, path) from error
    members = json.loads(content)
    if not isinstance(members, dict):
        message = f"'{path}' holds no object"
        raise TypeError(message)
    return members


def _write_json(path: Path, members: dict[str, Any]) -> None:
    text = json.dumps(members, indent=2, default=datetime.isoformat)
    write_durably(path, text.encode() + b"\n")
