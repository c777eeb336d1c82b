"""Takes archives apart and puts them together again, well or badly."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitexport.errors import CorruptRepositoryError
from gitexport.transfer.archive_reader import ArchiveReader
from gitexport.transfer.archive_stream import ArchiveLimits
from gitexport.transfer.tar_format import Member, format_header, padding, trailer_size

TAG = "20250622-072114"
ENTITY = {"bytes": 9, "count": 3, "directory": "data/users", "schema": "", "shard": "flat"}


@dataclass
class Parts:
    """An archive's directory, the members behind its index, and their time.

    `index` replaces the index that would be made of the members.
    """

    directory: str
    mtime: int
    members: list[tuple[str, bytes]] = field(default_factory=list)
    index: bytes | None = None

    def content(self, path: str) -> bytes:
        """Gives the content of a member."""
        return next(content for name, content in self.members if name == path)

    def replace(self, path: str, content: bytes) -> None:
        """Gives a member another content."""
        self.members = [(name, content if name == path else old) for name, old in self.members]

    def make_index(self) -> bytes:
        """Writes the index of the members as they are."""
        value = {
            "commit": "0" * 40,
            "format": "gitexport.archive/v1",
            "members": [
                {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
                for path, content in self.members
            ],
            "snapshot": self.directory,
        }
        return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()

    def blocks(self) -> list[bytes]:
        """Writes header and content of each member, the index first."""
        index = self.make_index() if self.index is None else self.index
        return [
            self.member(path, content) for path, content in [("index.json", index), *self.members]
        ]

    def member(self, path: str, content: bytes) -> bytes:
        """Writes one member."""
        header = format_header(Member(f"{self.directory}/{path}", len(content), self.mtime))
        return header + content + bytes(padding(len(content)))


def take_apart(path: Path) -> Parts:
    """Reads an archive with Python's own tarfile."""
    with tarfile.open(path, mode="r:gz") as tar:
        found = tar.getmembers()
        directory = found[0].name.partition("/")[0]
        parts = Parts(directory, int(found[0].mtime))
        for member in found[1:]:
            stream = tar.extractfile(member)
            assert stream is not None
            parts.members.append((member.name.removeprefix(directory + "/"), stream.read()))
    return parts


def write(path: Path, blocks: Iterable[bytes]) -> Path:
    """Writes blocks as a whole archive."""
    whole = b"".join(blocks)
    path.write_bytes(gzip.compress(whole + bytes(trailer_size(len(whole)))))
    return path


def foreign_member(info: tarfile.TarInfo, content: bytes = b"") -> bytes:
    """Writes a member of any kind, as Python's own tarfile does."""
    stream = io.BytesIO()
    info.size = len(content)
    stream.write(info.tobuf(tarfile.GNU_FORMAT))
    stream.write(content + bytes(padding(len(content))))
    return stream.getvalue()


def manifest(*directories: str) -> bytes:
    """Writes a manifest of entities with some directories."""
    entities = {f"e{n}": {**ENTITY, "directory": where} for n, where in enumerate(directories)}
    return json.dumps({"format": 1, "version": "1.0.0", "entities": entities}).encode()


def refused(path: Path, words: str, limits: ArchiveLimits | None = None) -> None:
    """Asserts that an archive is refused in some words, and names the file."""
    with pytest.raises(CorruptRepositoryError, match=words) as caught:
        ArchiveReader(path, limits)
    assert caught.value.where == str(path)
    assert caught.value.exit_code == 7


def link(name: str, kind: bytes, target: str = "/etc/passwd") -> bytes:
    """Writes a member that is no file."""
    info = tarfile.TarInfo(f"{TAG}/{name}")
    info.type, info.linkname, info.mtime = kind, target, 1_750_576_874
    return foreign_member(info)
