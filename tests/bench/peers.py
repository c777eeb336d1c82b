"""What a full export is measured against: the same files by `git fast-import` and plain writes.

Both start from bytes that are in memory already, and know nothing of a database.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import processes
from tests.bench.processes import sync_file_system
from tests.bench.stand import Place, Stand

# What an export syncs: pack, pack index and references.
_SYNCED = ("-c", "core.fsync=objects,derived-metadata,reference", "-c", "core.fsyncMethod=fsync")
_HEAD = (
    b"commit refs/heads/main\ncommitter Bench <bench@example.org> 1750000000 +0000\ndata 5\nbench\n"
)
_FILE = b"M 100644 inline "


def write_stream(place: Place, target: Path) -> Path:
    """Writes a working tree's files as `git fast-import` reads them, in path order."""
    with target.open("wb", buffering=1 << 20) as out:
        out.write(_HEAD)
        for path in sorted(_paths(place.path)):
            content = (place.path / os.fsdecode(path)).read_bytes()
            out.write(b"%b%b\ndata %d\n%b\n" % (_FILE, path, len(content), content))
        out.write(b"done\n")
    return target


def _paths(top: Path) -> Iterator[bytes]:
    for directory, names, files in os.walk(top):
        names[:] = [name for name in names if name != ".git"]
        for name in files:
            yield os.fsencode(os.path.relpath(os.path.join(directory, name), top))  # noqa: PTH118


def fast_import(stand: Stand, stream: Path) -> float:
    """Imports the files into a new repository, which is synced as an export is; seconds."""
    path = stand.fresh("fast-import")
    path.mkdir()
    stand.git(path, "init", "--quiet", "--bare")
    return stand.git(path, *_SYNCED, "fast-import", "--done", "--quiet", stdin=stream).seconds


def plain_files(stand: Stand, stream: Path) -> float:
    """Writes the files into a new directory, in a process of its own, and syncs once; seconds."""
    command = [sys.executable, "-m", __name__, str(stream), str(stand.fresh("files"))]
    return float(processes.run(command, stand.environment).output)


def _read_stream(stream: Path) -> Iterator[tuple[bytes, bytes]]:
    with stream.open("rb", buffering=1 << 20) as source:
        source.seek(len(_HEAD))
        while (line := source.readline()).startswith(_FILE):
            length = int(source.readline().removeprefix(b"data "))
            yield line[len(_FILE) : -1], source.read(length)
            source.read(1)


def main(stream: Path, target: Path) -> None:
    """Writes the files of a stream and prints how many seconds that took, without reading it."""
    top = os.fsencode(target)
    files = [(top + b"/" + path, content) for path, content in _read_stream(stream)]
    for directory in {os.path.dirname(path) for path, _ in files}:  # noqa: PTH120 - bytes
        os.makedirs(directory, exist_ok=True)  # noqa: PTH103 - bytes
    start = time.perf_counter()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    for path, content in files:
        handle = os.open(path, flags, 0o666)
        os.write(handle, content)
        os.close(handle)
    sync_file_system(target)
    sys.stdout.write(f"{time.perf_counter() - start}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
