"""Comparing snapshots: what it costs beside their size, and beside general tools."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pygit2

from gitexport.canonical.value import loads
from gitexport.compare.changes import document_changes
from gitexport.compare.documents import deepdiff_changes, read_document, value_changes
from gitexport.compare.stored import StoredHistory
from gitexport.config.parse import parse_config
from gitexport.model.changeset import DocumentChange, FieldChange
from gitexport.model.entity import CONFIG_PATH, Publication
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from tests.bench.data import CHANGED, MILLION, SMALL, WIDE, Data
from tests.bench.figures import Figure, seconds
from tests.bench.stand import Measure, Place, Stand

_ROUNDS = 7
_MANY = 1000


def snapshots(stand: Stand) -> Iterator[Figure]:
    """Measures whole processes that compare 1,000 changed rows, in turns."""
    small, large = (_changed(stand, data, _MANY) for data in (SMALL, _large(stand)))
    times: dict[Data, list[float]] = {small.data: [], large.data: []}
    peaks = []
    for _ in range(stand.rounds(_ROUNDS)):
        for place in (small, large):
            done = stand.gitexport(place, "compare", "latest~1", "-o", "jsonl", "-q")
            if json.loads(done.output.splitlines()[-1])["total"]["modified"] != _MANY:
                message = f"not {_MANY} changes in {place.data.title}"
                raise RuntimeError(message)
            times[place.data].append(done.seconds)
            peaks.append(done.peak_mb)
    ours, base = times[large.data], times[small.data]
    yield Figure(
        f"comparing {_MANY:,} changes: {large.data.title} / {small.data.title}",
        statistics.median(ours) / statistics.median(base),
        2,
        "x",
        note=f"{seconds(ours)} / {seconds(base)}, {max(peaks):.0f} MB",
    )


def documents(stand: Stand) -> Iterator[Figure]:
    """Measures finding changed documents against a diff of the two trees by libgit2."""
    place = _changed(stand, _large(stand), CHANGED)
    publication = _publication(stand, place)
    ours: list[float] = []
    peers: list[float] = []
    for _ in range(stand.rounds(_ROUNDS)):
        # Both have read nothing yet.
        repository, handle = DataRepository.open(place.path), pygit2.Repository(str(place.path))
        start = time.perf_counter()
        found = len(_changes(repository, publication))
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        theirs = _tree_diff(handle)
        peers.append(time.perf_counter() - start)
        if [found, theirs] != [CHANGED, CHANGED]:
            message = f"found {found} and {theirs} documents, not {CHANGED}"
            raise RuntimeError(message)
    ratio = statistics.median(peers) / statistics.median(ours)
    yield Figure(
        f"libgit2's diff of two trees / finding {CHANGED} documents of {place.data.rows:,}",
        ratio,
        10,
        "x",
        is_least=True,
        note=f"{_milliseconds(peers)} / {_milliseconds(ours)}",
    )


def fields(stand: Stand) -> Iterator[Figure]:
    """Measures the fields of changed documents against DeepDiff over whole documents."""
    place = _changed(stand, WIDE, _MANY)
    repository = DataRepository.open(place.path)
    publication = _publication(stand, place)
    pairs = [
        tuple(repository.read_blob(bytes.fromhex(blob or "")) for blob in blobs)
        for blobs in (
            (change.old_blob, change.new_blob) for change in _changes(repository, publication)
        )
    ]
    ours, peers = [], []
    for _ in range(max(1, stand.rounds(_ROUNDS) // 2)):
        start = time.perf_counter()
        found = [value_changes(*map(read_document, pair)) for pair in pairs]
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        theirs = [deepdiff_changes((), *map(loads, pair)) for pair in pairs]
        peers.append(time.perf_counter() - start)
        if len(found) != _MANY or list(map(_sorted, found)) != list(map(_sorted, theirs)):
            message = "the fields are not those that DeepDiff finds"
            raise RuntimeError(message)
    yield Figure(
        f"DeepDiff over {_MANY:,} whole documents / their fields, {WIDE.title}",
        statistics.median(peers) / statistics.median(ours),
        4,
        "x",
        is_least=True,
        note=f"{seconds(peers)} / {seconds(ours)}",
    )


def _changed(stand: Stand, data: Data, count: int) -> Place:
    place = stand.exported(data, is_bare=True)
    place.execute(data.change(count))
    time.sleep(1.1)
    stand.export(place)
    return place


def _publication(stand: Stand, place: Place) -> Publication:
    text = stand.git(place.path, "show", f"HEAD:{CONFIG_PATH}").output
    return parse_config(text.encode())


def _changes(repository: DataRepository, publication: Publication) -> list[DocumentChange]:
    tip = refs.tip(repository, publication.branch)
    if tip is None:
        message = "there is no snapshot"
        raise RuntimeError(message)
    history = StoredHistory(repository, publication)
    return list(document_changes(history, refs.read_commit(repository, tip)))


def _tree_diff(handle: pygit2.Repository) -> int:
    new = handle.head.peel(pygit2.Commit)
    deltas = new.parents[0].tree.diff_to_tree(new.tree).deltas
    return sum(delta.new_file.path.startswith("data/") for delta in deltas)


def _sorted(changes: Sequence[FieldChange]) -> list[tuple[str, str, str]]:
    return sorted((change.pointer, str(change.old), str(change.new)) for change in changes)


def _milliseconds(values: Sequence[float]) -> str:
    return f"{statistics.median(values) * 1000:.1f} ms"


def _large(stand: Stand) -> Data:
    return replace(MILLION, rows=100_000) if stand.is_quick else MILLION


MEASURES: dict[str, Measure] = {
    "compare": snapshots,
    "compare-trees": documents,
    "compare-fields": fields,
}
