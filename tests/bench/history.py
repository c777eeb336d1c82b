"""Reading histories: the first page of a long log, the life of one document, its blame."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from gitexport.model.snapshot import format_tag, parse_tag
from tests.bench.data import CHANGED, Data, Shape
from tests.bench.figures import Figure, seconds
from tests.bench.stand import Measure, Place, Stand

_ROUNDS = 9
_LONG = 100_000
_ENTITIES = Data(Shape.NARROW, 100_000)
_LIVED = 1_000
_PAGE = "50"


class GrownHistory:
    """A copy of a bare data repository whose history goes on, written by `git fast-import`.

    Every snapshot changes some documents, the manifest's bytes with them, and has a packed tag.
    """

    def __init__(self, stand: Stand, place: Place, snapshots: int, changed: int) -> None:
        self.place = Place(place.data, place.dsn, stand.fresh("history"))
        shutil.copytree(place.path, self.place.path, symlinks=True)
        self._stand = stand
        listing = self._git("ls-tree", "-r", "--name-only", "HEAD", "data")
        self._paths = listing.split()
        self._step = max(1, len(self._paths) // changed)
        self._grow(snapshots, changed)

    @property
    def lived(self) -> str:
        """The address of a document that every second snapshot changes."""
        return f"{self.place.data.entity}:{Path(self._paths[0]).stem}"

    def _git(self, *arguments: str) -> str:
        return self._stand.git(self.place.path, *arguments).output

    def _grow(self, snapshots: int, changed: int) -> None:
        first = re.search(r"Gitexport-Snapshot: (\S+)", self._git("log", "-1", "--format=%B"))
        assert first is not None
        manifest = self._git("show", "HEAD:manifest.json").encode()
        command = ["git", "-C", str(self.place.path), "fast-import", "--quiet"]
        names = [
            format_tag(parse_tag(first[1]) + timedelta(seconds=number + 1))
            for number in range(snapshots)
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, env=dict(self._stand.environment)
        ) as process:
            assert process.stdin is not None
            for number, name in enumerate(names):
                process.stdin.write(self._commit(number, name, changed, manifest))
            process.stdin.close()
        if process.returncode != 0:
            message = f"git fast-import ended with {process.returncode}"
            raise RuntimeError(message)
        self._pack_tags(names)

    def _commit(self, number: int, name: str, changed: int, manifest: bytes) -> bytes:
        entity = self.place.data.entity
        at = int(parse_tag(name).timestamp())
        message = (
            f"export {name}: +0 ~{changed} -0 in 1 entity\n\n{entity}: 0 added, {changed} modified,"
            f" 0 deleted\n\nGitexport-Snapshot: {name}\nGitexport-Mode: incremental\n"
            f"Gitexport-Source: shop 0123456789abcdef0123456789abcdef\n"
            f"Gitexport-Counts: {entity} +0 ~{changed} -0\nGitexport-Version: 1.0.0\n"
        ).encode()
        lines = [
            b"commit refs/heads/main",
            b"committer Bench <bench@example.org> %d +0000" % at,
            b"data %d\n%s" % (len(message), message),
        ]
        if number == 0:
            lines.append(b"from refs/heads/main^0")
        size = re.sub(rb'"bytes": \d+', b'"bytes": %d' % (1_000_000 + number), manifest)
        lines += [b"M 100644 inline manifest.json", b"data %d\n%s" % (len(size), size)]
        for place in range(changed):
            # The first of them takes turns between one document and all others.
            at_path = 0 if place == 0 and number % 2 else place * self._step + number
            path = self._paths[at_path % len(self._paths)]
            key = Path(path).stem
            content = b'{\n  "item_id": %s,\n  "quantity": %d\n}\n' % (key.encode(), number)
            lines += [b"M 100644 inline " + path.encode(), b"data %d\n%s" % (len(content), content)]
        return b"\n".join(lines) + b"\n"

    def _pack_tags(self, names: list[str]) -> None:
        commits = self._git("rev-list", "--reverse", f"--max-count={len(names)}", "main").split()
        self._git("pack-refs", "--all")
        packed = self.place.path / "packed-refs"
        head, *known = packed.read_text().rstrip("\n").split("\n")
        # A line that begins with ^ belongs to the one before it.
        refs = re.sub(r"\n\^", " ^", "\n".join(known)).split("\n")
        refs += [f"{commit} refs/tags/{name}" for commit, name in zip(commits, names, strict=True)]
        refs.sort(key=lambda line: line.split(" ")[1])
        text = "\n".join([head, *refs]).replace(" ^", "\n^")
        packed.write_text(text + "\n")


def first_page(stand: Stand) -> Iterator[Figure]:
    """Measures whole processes on a history of many snapshots."""
    count = _LONG // 10 if stand.is_quick else _LONG
    grown = GrownHistory(stand, stand.exported(_entities(stand), is_bare=True), count, 1)
    newest = stand.git(grown.place.path, "log", "-1", "--format=%s", "main").output.split()[1]
    for what, limit, arguments in (
        (f"first page of the log of {count:,} snapshots", 0.5, ("log", "-n", _PAGE)),
        (f"show by tag, {count:,} snapshots", 0.5, ("show", newest.rstrip(":"))),
        (f"show latest~1000, {count:,} snapshots", 0.5, ("show", "latest~1000")),
    ):
        yield _measured(stand, grown, what, limit, *arguments)


def life(stand: Stand) -> Iterator[Figure]:
    """Measures the log and the blame of one document over many snapshots."""
    grown = GrownHistory(stand, stand.exported(_entities(stand), is_bare=True), _LIVED, CHANGED)
    rows = grown.place.data.rows
    what = f"over {_LIVED:,} snapshots of {rows:,} documents"
    yield _measured(stand, grown, f"log of one document {what}", 1, "log", grown.lived)
    yield _measured(stand, grown, f"its blame {what}", 1, "blame", grown.lived)


def _measured(
    stand: Stand, grown: GrownHistory, what: str, limit: float, *arguments: str
) -> Figure:
    times = []
    lines = 0
    for _ in range(stand.rounds(_ROUNDS)):
        done = stand.gitexport(grown.place, *arguments)
        times.append(done.seconds)
        lines = len(done.output.splitlines())
    note = f"{seconds(times)}, {lines} lines, {done.peak_mb:.0f} MB"
    return Figure(what, statistics.median(times), limit, " s", note=note)


def _entities(stand: Stand) -> Data:
    return Data(Shape.NARROW, 10_000) if stand.is_quick else _ENTITIES


MEASURES: dict[str, Measure] = {"log": first_page, "life": life}
