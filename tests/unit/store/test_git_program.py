"""The git program: found, new enough, silent, hermetic and without secrets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitexport.errors import MachineError
from gitexport.store.git_program import GitCall, check_git, require_git, run_git
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git


@pytest.fixture
def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `git` of our own on PATH, written by the test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "git"


@pytest.fixture(autouse=True)
def _look_again() -> Iterator[None]:
    """The version is looked up once in a process: what one test finds is not the next one's."""
    require_git.cache_clear()
    yield
    require_git.cache_clear()


def write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_installed_git_is_new_enough() -> None:
    assert require_git() >= (2, 34)


def test_an_old_git_is_refused_with_the_version_it_has(fake_git: Path) -> None:
    write_program(fake_git, "echo git version 2.33.8")

    with pytest.raises(MachineError, match=r"git 2\.33 is too old") as caught:
        require_git()

    assert caught.value.exit_code == 10


def test_a_missing_git_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(MachineError, match="git program was not found") as caught:
        require_git()

    assert "2.34" in (caught.value.hint or "")


def test_a_failure_has_git_s_words_and_exit_10(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="'git rev-parse' failed: not a git repository"):
        check_git(tmp_path, ["rev-parse", "HEAD"])


def test_credentials_in_what_git_says_are_hidden(fake_git: Path, tmp_path: Path) -> None:
    script = "echo 'fatal: cannot reach https://me:s3cret@example.org/x.git' >&2; exit 128"
    write_program(fake_git, f'[ "$1" = --version ] && echo git version 2.40.0 && exit; {script}')

    output = run_git(tmp_path, ["fetch"])

    assert "s3cret" not in output.stderr
    assert output.reason == "cannot reach https://***@example.org/x.git"


@pytest.mark.parametrize(
    "words",
    [
        "git@example.org: Permission denied (publickey).",
        "ssh: Could not resolve hostname example.org: Name or service not known",
        "Host key verification failed.",
    ],
)
def test_a_failed_connection_has_the_words_of_ssh(
    repository_path: Path, tmp_path: Path, words: str
) -> None:
    repository = DataRepository.create(repository_path)
    ssh = tmp_path / "ssh"
    write_program(ssh, f"echo '{words}' >&2; exit 255")

    call = GitCall(environment=(("GIT_SSH_COMMAND", str(ssh)),))
    output = run_git(repository.path, ["ls-remote", "ssh://git@example.org/x.git"], call)

    assert output.reason == words


def test_a_connection_that_ends_without_words_has_those_of_git(
    repository_path: Path, tmp_path: Path
) -> None:
    repository = DataRepository.create(repository_path)
    ssh = tmp_path / "ssh"
    write_program(ssh, "exit 255")

    call = GitCall(environment=(("GIT_SSH_COMMAND", str(ssh)),))
    output = run_git(repository.path, ["ls-remote", "ssh://git@example.org/x.git"], call)

    assert output.reason == "Could not read from remote repository."


def test_a_surrounding_git_does_not_point_elsewhere(
    repository_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DataRepository.create(repository_path)
    git(tmp_path, "init", "--quiet", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / "index"))

    found = check_git(repository_path, ["rev-parse", "--absolute-git-dir"]).decode().strip()

    assert found == str(repository_path / ".git")


def test_the_ext_transport_runs_nothing(repository_path: Path, tmp_path: Path) -> None:
    repository = DataRepository.create(repository_path)
    git(repository_path, "config", "protocol.ext.allow", "always")
    sign = tmp_path / "sign"

    output = run_git(repository.path, ["ls-remote", f"ext::touch {sign}"])

    assert output.returncode != 0
    assert not sign.exists()


def test_nothing_can_be_asked(fake_git: Path, tmp_path: Path) -> None:
    script = 'cat; echo "$GIT_TERMINAL_PROMPT $LC_ALL"; (: < /dev/tty) 2>/dev/null && echo tty'
    write_program(fake_git, f'[ "$1" = --version ] && echo git version 2.40.0 && exit; {script}')

    assert run_git(tmp_path, ["x"]).stdout.decode().split() == ["0", "C"]
    assert run_git(tmp_path, ["x"], GitCall(stdin=b"in\n")).stdout.startswith(b"in\n")


def test_a_git_that_hangs_is_ended_with_its_children(fake_git: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"sleep 600 & echo $! > '{pid}'; wait"
    write_program(fake_git, f'[ "$1" = --version ] && echo git version 2.40.0 && exit; {script}')
    start = time.monotonic()

    output = run_git(tmp_path, ["x"], GitCall(timeout_seconds=0.5))

    assert output.returncode != 0
    assert output.reason == "no answer within 0.5 seconds"
    assert time.monotonic() - start < 30
    child = int(pid.read_text())
    # It was sent its end, which it may not have met yet.
    while is_alive(child) and time.monotonic() - start < 30:
        time.sleep(0.01)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    """Tells whether a process runs; one that only waits for its parent does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
