"""Trailers are read as git reads them."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitexport.store.trailers import parse_trailers


def as_git_reads(message: str) -> tuple[tuple[str, str], ...]:
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse", "--no-divider"],
        input=message.encode(),
        capture_output=True,
        check=True,
    )
    lines = done.stdout.decode().splitlines()
    return tuple((line.partition(": ")[0], line.partition(": ")[2].strip()) for line in lines)


MESSAGES = [
    "subject\n\nA: b\nC: d\n",
    "subject\n\nbody\n\nA: b\n",
    "subject\n\nbody: is this one\nor not\n",
    "A: b\n",
    "A: b\n\n",
    "subject\n\nA: b\n  continued\n",
    "subject\n\nSigned-off-by: me\nnot a trailer\n",
    "subject\n\nSigned-off-by: me\none\ntwo\nthree\nfour\n",
    "subject\n\nGitexport-Counts: users +1 ~2 -3\nGitexport-Counts: b +1 ~0 -0\n",
    "subject\n\nuser key x\nGitexport-Snapshot: 20250101-000000\n",
    "subject\n\nA: b\n\n\n",
    "",
    "subject",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_are_read_as_git_does(message: str) -> None:
    assert parse_trailers(message) == as_git_reads(message)


LINES = st.sampled_from(["A: b", "C-d: e f", "word", "two words", "", " more", "Signed-off-by: x"])


@given(st.lists(LINES, max_size=8))
def test_any_paragraphs_are_read_as_git_does(lines: list[str]) -> None:
    message = "subject\n\n" + "\n".join(lines) + "\n"

    assert parse_trailers(message) == as_git_reads(message)


def test_a_value_cannot_forge_a_trailer_from_the_body() -> None:
    message = "export x\n\nusers: a\nGitexport-Snapshot: 20250101-000000\n\nGitexport-Mode: full\n"

    assert parse_trailers(message) == (("Gitexport-Mode", "full"),)
