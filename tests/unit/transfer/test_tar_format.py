"""The tar format, with Python's tarfile and the system's tar as judges."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.transfer.tar_format import (
    BLOCK,
    RECORD,
    Member,
    format_header,
    padding,
    read_plain_header,
    trailer_size,
)

PARTS = st.text("abcxyz019._-=+~é€", min_size=1, max_size=120).filter(
    lambda part: part not in {".", ".."}
)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


def tar_of(files: dict[str, bytes], mtime: int = 1_750_576_874) -> bytes:
    """Writes a tar of some files."""
    parts = [
        format_header(Member(name, len(content), mtime)) + content + bytes(padding(len(content)))
        for name, content in files.items()
    ]
    whole = b"".join(parts)
    return whole + bytes(trailer_size(len(whole)))


@given(st.dictionaries(NAMES, st.binary(max_size=1100), min_size=1, max_size=4))
def test_tarfile_reads_back_names_contents_and_times(files: dict[str, bytes]) -> None:
    whole = tar_of(files)

    assert len(whole) % RECORD == 0
    with tarfile.open(fileobj=io.BytesIO(whole), mode="r:") as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == list(files)
        for member in members:
            stream = tar.extractfile(member)
            assert stream is not None
            assert stream.read() == files[member.name]
            assert (member.mtime, member.mode, member.uid, member.gid) == (
                1_750_576_874,
                0o644,
                0,
                0,
            )
            assert (member.uname, member.gname) == ("", "")


def test_tar_of_the_system_lists_them_without_a_word(tmp_path: Path) -> None:
    names = [
        "d/plain.json",
        "d/" + "n" * 98,
        "d/" + "n" * 99,
        "d/" * 77 + "x.json",
        "d/" + "long" * 60 + ".json",
        "d/straße.json",
    ]
    path = tmp_path / "some.tar"
    path.write_bytes(tar_of(dict.fromkeys(names, b"{}\n")))
    done = subprocess.run(
        ["tar", "--quoting-style=literal", "-tf", str(path)],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )

    assert done.stdout.decode().splitlines() == names
    assert done.stderr == b""


def test_only_names_that_need_it_get_an_extended_header() -> None:
    assert len(format_header(Member("a/" + "b" * 98, 0, 0))) == BLOCK
    assert len(format_header(Member("a" * 155 + "/" + "b" * 100, 0, 0))) == BLOCK
    assert len(format_header(Member("a" * 155 + "/" + "b" * 101, 0, 0))) == 3 * BLOCK
    assert len(format_header(Member("é", 0, 0))) == 3 * BLOCK


@given(st.binary(min_size=BLOCK, max_size=BLOCK))
def test_header_of_anybody_else_is_refused(block: bytes) -> None:
    with pytest.raises(ValueError):
        read_plain_header(block)


def test_header_is_read_back() -> None:
    member = Member("20250622-072114/index.json", 1234, 1_750_576_874)
    assert read_plain_header(format_header(member)) == member
