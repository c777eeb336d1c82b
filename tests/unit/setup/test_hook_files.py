"""The hooks travel with the package and run the program they are told."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gitexport.setup.hook_files import PROGRAM_LINE, hook_names, hook_text

_CHECKOUT = Path(__file__).parents[3]


def _run(
    hook: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(hook), *arguments], env=environment, capture_output=True, text=True, check=False
    )


def _program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\necho "$0: $*"\nexit 3\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", hook_names())
def test_hook_is_short_plain_sh_with_one_line_to_replace(name: str) -> None:
    text = hook_text(name)

    assert text.startswith("#!/bin/sh\n")
    assert text.splitlines().count(PROGRAM_LINE) == 1
    assert len(text.splitlines()) <= 20
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("folder", ["plain", "with space", "it's", "a}b", "$HOME", "back\\slash"])
def test_hook_runs_the_installed_program_and_hands_on_its_answer(
    tmp_path: Path, folder: str
) -> None:
    program = _program(tmp_path / folder / "gitexport")
    hook = tmp_path / "pre-commit"
    hook.write_text(hook_text("pre-commit", program))

    done = _run(hook, {"PATH": os.defpath})

    assert done.stdout == f"{program}: hooks run pre-commit\n"
    assert done.returncode == 3


def test_hook_falls_back_to_the_program_on_path(tmp_path: Path) -> None:
    program = _program(tmp_path / "bin" / "gitexport")
    hook = tmp_path / "pre-commit"
    hook.write_text(hook_text("pre-commit", tmp_path / "gone" / "gitexport"))

    done = _run(hook, {"PATH": f"{program.parent}:{os.defpath}"})

    assert done.stdout == f"{program}: hooks run pre-commit\n"


def test_hook_without_the_program_warns_and_lets_the_commit_pass(tmp_path: Path) -> None:
    hook = tmp_path / "pre-commit"
    hook.write_text(hook_text("pre-commit", tmp_path / "gone"))

    done = _run(hook, {"PATH": os.defpath})

    assert done.returncode == 0
    assert "not checked" in done.stderr


@pytest.mark.parametrize(
    ("name", "code"), [("pre-push", 1), ("pre-receive", 1), ("post-merge", 0), ("post-checkout", 0)]
)
def test_hook_without_the_program_refuses_what_nobody_could_take_back(
    tmp_path: Path, name: str, code: int
) -> None:
    hook = tmp_path / name
    hook.write_text(hook_text(name, tmp_path / "gone"))

    done = _run(hook, {"PATH": os.defpath}, "old", "new", "1")

    assert done.returncode == code
    assert ("gitexport was not found" in done.stderr) == (code == 1)


@pytest.mark.parametrize("arguments", [("a", "a", "1"), ("a", "b", "0")])
def test_checkout_of_files_or_of_the_same_commit_starts_nothing(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    hook = tmp_path / "post-checkout"
    hook.write_text(hook_text("post-checkout", _program(tmp_path / "gitexport")))

    assert _run(hook, {"PATH": os.defpath}, *arguments).stdout == ""
    assert "post-checkout" in _run(hook, {"PATH": os.defpath}, "a", "b", "1").stdout


def test_unknown_hook_is_refused() -> None:
    with pytest.raises(KeyError):
        hook_text("../pyproject.toml")


@pytest.mark.slow
def test_wheel_carries_hooks_and_type_marker(tmp_path: Path) -> None:
    build = "import sys, hatchling.build as b; print(b.build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)],
        cwd=_CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    wheel = tmp_path / built.stdout.split()[-1]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    ask = (
        "import gitexport.setup.hook_files as h;"
        "print(h.__file__, h._directory(), len(h.hook_text('pre-commit')))"
    )
    script = f"import sys; sys.path[0:0] = [sys.argv[1]]; {ask}"
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert (tmp_path / "site" / "gitexport" / "py.typed").is_file()
    assert said[:2] == [
        str(tmp_path / "site/gitexport/setup/hook_files.py"),
        str(tmp_path / "site/gitexport/_hooks"),
    ]
    assert int(said[2]) == len(hook_text("pre-commit"))
