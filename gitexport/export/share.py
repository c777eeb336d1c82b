"""One process's share of an export: rows into edits, then edits into directories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from gitexport.export.encode import ShareEncoder, ShareResult, Workbench
from gitexport.export.merge import Blocks, DirectoryMerger, MergeResult
from gitexport.export.scope import EntityPlan
from gitexport.export.spool import (
    AcknowledgementSpool,
    ChangeSpool,
    EditSpool,
    SavedChanges,
    load_blocks,
)
from gitexport.export.validate import Validate, compile_schema
from gitexport.model.ports import RowQuery, RowScope, SourceView
from gitexport.store.pack import Fragment, FragmentWriter, ObjectKind, object_id
from gitexport.store.stage import StageWriter
from gitexport.store.trees import TreeReader

_UNLIMITED = 1 << 62
Range = tuple[bytes, bytes | None]
EVERYTHING: Range = (b"", None)


class Objects(Protocol):
    """Reading objects of the data repository; each process has its own."""

    def read_tree(self, object_id: bytes) -> bytes:
        """Gives a tree's content."""

    def blob_size(self, object_id: bytes) -> int:
        """Gives a blob's size in bytes."""


class ShareTask(NamedTuple):
    """What one process has to do.

    `directory` takes fragments and spools; None keeps everything in memory and writes no
    object. `stage` takes files for the `worktree`, None where it is not to be written.
    `base` is the tree of the commit that the run builds on. `schemas` are the JSON Schemas
    of entities, each with its path. `idle` names the entities of which no row is pending, so
    that none has to be asked for. `watched`: see `DirectoryMerger`. `limit` is the number of
    pending rows to take in all, 0 takes all.
    """

    plans: tuple[EntityPlan, ...]
    base: bytes | None
    directory: Path | None
    stage: Path | None
    schemas: Mapping[str, tuple[str, bytes]]
    worktree: Path | None = None
    idle: frozenset[str] = frozenset()
    watched: frozenset[bytes] = frozenset()
    with_details: bool = False
    limit: int = 0
    part: int = 0
    parts: int = 1

    def for_part(self, part: int, parts: int) -> ShareTask:
        """Gives the task of one of several processes."""
        return self._replace(part=part, parts=parts)


@dataclass(slots=True)
class ShareMerge:
    """What merging gave: results by entity, the changed files, and the objects written."""

    results: dict[str, MergeResult] = field(default_factory=dict)
    changes: SavedChanges | None = None
    fragments: list[Fragment] = field(default_factory=list)


class _Abandonable(Protocol):
    def abandon(self) -> None: ...


class Share:
    """Carries one task out; a context manager that closes what a failure left open.

    `told` is called with numbers of rows done.
    """

    def __init__(self, task: ShareTask, objects: Objects, told: Callable[[int], None]) -> None:
        self._task = task
        self._objects = objects
        self._told = told
        self._open: list[_Abandonable] = []
        self._reader = TreeReader(objects.read_tree, task.base)
        self._edits = {plan.entity.name: EditSpool() for plan in task.plans}
        self._fragment = self._new_fragment(2 * task.part)
        self._stage = None if task.stage is None else StageWriter(task.stage, task.worktree)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for writer in self._open:
            writer.abandon()

    def encode(self, view: SourceView) -> list[ShareResult]:
        """Reads and encodes this share of every entity's rows."""
        results = []
        left = self._task.limit or _UNLIMITED
        for plan in self._task.plans:
            result = self._encode_entity(view, plan, left)
            results.append(result)
            left -= result.rows if plan.scope is RowScope.PENDING else result.differing
        return results

    def directories(self) -> dict[str, list[bytes]]:
        """Lists the directories that have edits, by entity."""
        return {name: spool.directories() for name, spool in self._edits.items()}

    def save(self) -> dict[str, Path]:
        """Moves the edits to files, where other processes can read them."""
        assert self._task.directory is not None  # noqa: S101 - several processes need files
        paths = {}
        for number, (name, spool) in enumerate(self._edits.items()):
            paths[name] = self._task.directory / f"edits-{self._task.part}-{number}"
            spool.save(paths[name])
        return paths

    def merge(
        self,
        ranges: Mapping[str, Range] | None = None,
        saved: Mapping[str, Iterable[Path]] | None = None,
    ) -> ShareMerge:
        """Merges edits into directories: all own ones, or a range of everybody's saved ones."""
        merged = ShareMerge()
        trees = self._new_fragment(2 * self._task.part + 1)
        changes = ChangeSpool(self._file(f"changes-{self._task.part}"))
        self._open.append(changes)
        for plan in sorted(self._task.plans, key=lambda plan: plan.directory + b"/"):
            name = plan.entity.name
            low, high = EVERYTHING if ranges is None else ranges[name]
            blocks: list[Blocks] = (
                [self._edits[name].blocks()]
                if saved is None
                else [load_blocks(path, low, high) for path in saved[name]]
            )
            merger = DirectoryMerger(
                plan,
                self._reader,
                changes,
                add_tree=_tree_adder(trees),
                size_of=self._objects.blob_size,
                watched=self._task.watched,
                with_details=self._task.with_details,
            )
            merged.results[name] = merger.merge(blocks, low, high)
        merged.changes = changes.finish()
        merged.fragments = [
            fragment.close() for fragment in (self._fragment, trees) if fragment is not None
        ]
        self._open.clear()
        return merged

    def _encode_entity(self, view: SourceView, plan: EntityPlan, left: int) -> ShareResult:
        entity = plan.entity
        is_limited = self._task.limit > 0
        query = RowQuery(
            plan.scope,
            # What is not pending must not use the limit up, so such rows are counted here.
            limit=left if is_limited and plan.scope is RowScope.PENDING else 0,
            is_ordered=is_limited,
            part=self._task.part,
            parts=self._task.parts,
            with_label=self._task.with_details and entity.label is not None,
        )
        number = self._task.plans.index(plan)
        rows = AcknowledgementSpool(self._file(f"acknowledge-{self._task.part}-{number}"))
        self._open.append(rows)
        encoder = ShareEncoder(
            plan,
            Workbench(
                self._reader, self._edits[plan.entity.name], self._fragment, self._stage, self._told
            ),
            rows,
            self._validator(plan),
            with_details=self._task.with_details,
        )
        if left <= 0:
            encoder.cut()
        elif entity.name not in self._task.idle:
            encoder.read(view, query, left)
        is_first = self._task.part == 0
        return encoder.finish(self._find_departed(view, plan, encoder) if is_first else ())

    def _find_departed(
        self, view: SourceView, plan: EntityPlan, encoder: ShareEncoder
    ) -> tuple[int, ...]:
        """Records deletions; gives the ids of the tombstones that this run settles."""
        entity = plan.entity
        for row in view.departed(entity):
            encoder.depart(row.key, row.version)
        tombstones = view.tombstones(entity)
        if plan.compare_keys:
            for key in view.keys(entity):
                encoder.keep_living(key)
        if plan.is_complete:
            return tombstones.ids
        living = view.living(entity, tombstones.keys)
        for key in set(tombstones.keys) - living:
            encoder.bury(key)
        return tombstones.ids

    def _validator(self, plan: EntityPlan) -> Validate | None:
        schema = self._task.schemas.get(plan.entity.name)
        return None if schema is None else compile_schema(schema[1], schema[0])

    def _new_fragment(self, number: int) -> FragmentWriter | None:
        path = self._file(f"objects-{number}")
        if path is None:
            return None
        fragment = FragmentWriter(path, number)
        self._open.append(fragment)
        return fragment

    def _file(self, name: str) -> Path | None:
        return None if self._task.directory is None else self._task.directory / name


def _tree_adder(fragment: FragmentWriter | None) -> Callable[[bytes], bytes]:
    if fragment is None:
        return lambda raw: object_id(ObjectKind.TREE, raw)
    return lambda raw: fragment.add(ObjectKind.TREE, raw)
