"""`gitexport hooks install` and `uninstall`, beside what people have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitexport.setup.hook_files import hook_names
from tests.cli.git.person import attempt, edit
from tests.cli.program import Program
from tests.fixtures.repositories import git

SEVEN = "data/customers/7.json"


def config(path: Path) -> str:
    """The whole configuration of a repository, as it stands in the file."""
    return (path / ".git" / "config").read_text()


def hooks_in(path: Path) -> list[str]:
    """The hooks of a directory without git's samples."""
    return sorted(hook.name for hook in path.iterdir() if hook.suffix != ".sample")


def test_uninstall_leaves_what_was_there_before(data: Program, repository_path: Path) -> None:
    git(repository_path, "config", "diff.other.textconv", "cat")
    hooks = repository_path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    before = config(repository_path), hooks_in(hooks)

    data.done("hooks", "install")
    data.done("hooks", "install")
    installed = hooks_in(hooks)
    data.done("hooks", "uninstall")

    assert set(installed) == set(hook_names()) - {"pre-receive"}
    assert (config(repository_path), hooks_in(hooks)) == before


def test_drivers_of_people_stay(data: Program, repository_path: Path) -> None:
    git(repository_path, "config", "merge.gitexport.driver", "mine %O %A %B")
    before = config(repository_path)

    installed = data.done("hooks", "install", "-o", "json").json
    data.done("hooks", "uninstall")

    assert installed["warnings"] == [
        "'merge.gitexport.driver' was set by somebody else and is left as it is"
    ]
    assert config(repository_path) == before


def test_hook_that_is_a_link_runs_and_stays_a_link(
    data: Program, repository_path: Path, tmp_path: Path
) -> None:
    script = tmp_path / "mine"
    script.write_text("#!/bin/sh\necho mine >&2\n")
    script.chmod(0o755)
    hook = repository_path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.symlink_to(script)

    data.done("hooks", "install")
    made = attempt(repository_path, "commit", "--allow-empty", "-m", "x")
    data.done("hooks", "uninstall")

    assert (made.returncode, made.stderr) == (0, "mine\n")
    assert hook.readlink() == script


@pytest.mark.parametrize("action", ["install", "uninstall"])
@pytest.mark.parametrize("place", ["#!/bin/sh\n", "exec "])
@pytest.mark.parametrize("has_other", [False, True])
def test_lines_that_people_add_to_a_hook_stay(
    data: Program, repository_path: Path, action: str, place: str, *, has_other: bool
) -> None:
    hooks = repository_path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    hook = hooks / "pre-commit"
    if has_other:
        hook.write_text("#!/bin/sh\necho before >&2\n")
        hook.chmod(0o755)
    data.done("hooks", "install")
    mine = "echo mine >&2\n"
    edit(hook, place, f"{place}{mine}" if place.endswith("\n") else f"{mine}{place}")
    edited = hook.read_text()

    told = data.done("hooks", action, "-o", "json").json

    assert hook.read_text() == edited
    (warning,) = told["warnings"]
    assert warning.startswith("'pre-commit' was edited since it was installed")
    made = attempt(repository_path, "commit", "--allow-empty", "-m", "x")
    words = ["before", "mine"] if has_other else ["mine"]
    assert (made.returncode, sorted(made.stderr.splitlines())) == (0, words)
    others = {name for name in hooks_in(hooks) if not name.startswith("pre-commit")}
    assert bool(others) == (action == "install")


def test_part_of_a_hook_that_people_edited_stays(data: Program, repository_path: Path) -> None:
    hooks = repository_path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "pre-commit").write_text("#!/bin/sh\n")
    data.done("hooks", "install")
    own = hooks / "pre-commit.gitexport"
    own.write_text(own.read_text() + "# mine\n")

    again = data.done("hooks", "install", "-o", "json").json
    gone = data.done("hooks", "uninstall", "-o", "json").json

    assert "pre-commit" in again["installed"]
    for told in (again, gone):
        assert [text.split(" was ")[0] for text in told["warnings"]] == ["'pre-commit.gitexport'"]
    assert own.read_text().endswith("# mine\n")
    assert (hooks / "pre-commit").read_text() == "#!/bin/sh\n"


def test_refused_install_changes_nothing(data: Program, repository_path: Path) -> None:
    hooks = repository_path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-push", "pre-push.before-gitexport"):
        (hooks / name).write_text("#!/bin/sh\n")
    before = config(repository_path), hooks_in(hooks)

    ended = data("hooks", "install")

    assert ended.code == 2
    assert (config(repository_path), hooks_in(hooks)) == before


def test_drivers_do_without_hooks_where_those_are_shared(
    data: Program, repository_path: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    git(repository_path, "config", "core.hooksPath", str(shared))
    before = config(repository_path)

    refused = data("hooks", "install", "-o", "json")
    data.done("hooks", "install", "--drivers-only")
    driver = git(repository_path, "config", "merge.gitexport.driver")
    data.done("hooks", "uninstall")

    assert refused.code == 2
    assert "--drivers-only" in refused.error["hint"]
    assert "merge-driver" in driver
    assert config(repository_path) == before
    assert hooks_in(shared) == []


def test_hooks_from_before_a_shared_path_are_uninstalled(
    data: Program, repository_path: Path, tmp_path: Path
) -> None:
    data.done("hooks", "install")
    (tmp_path / "shared").mkdir()
    git(repository_path, "config", "core.hooksPath", str(tmp_path / "shared"))

    data.done("hooks", "uninstall")

    assert hooks_in(repository_path / ".git" / "hooks") == []


@pytest.mark.parametrize("code", [0, 4])
def test_both_hooks_read_what_git_sends(
    data: Program, repository_path: Path, tmp_path: Path, code: int
) -> None:
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    git(repository_path, "remote", "add", "origin", str(remote))
    hook = repository_path / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ncat >{tmp_path}/mine\nexit {code}\n")
    hook.chmod(0o755)
    data.done("hooks", "install")
    edit(repository_path / "manifest.json", '"format": 1', '"format":  1')
    git(repository_path, "commit", "-q", "-a", "-m", "edit", "--no-verify")

    refused = attempt(repository_path, "push", "origin", "main")

    assert refused.returncode == 1
    assert ("manifest.json: line " in refused.stderr + refused.stdout) == (code == 0)
    assert (tmp_path / "mine").read_text().startswith("refs/heads/main ")


def test_hooks_of_a_linked_worktree_are_those_of_the_repository(
    data: Program, hooked: Path, tmp_path: Path
) -> None:
    del data
    linked = tmp_path / "linked"
    git(hooked, "worktree", "add", "-q", "-b", "other", str(linked))
    edit(linked / SEVEN, '"id": 7', '"id":  7')

    refused = attempt(linked, "commit", "-a", "-m", "edit")

    assert refused.returncode == 1
    assert f"{SEVEN}: line 3" in refused.stdout + refused.stderr


def test_hooks_are_installed_from_a_linked_worktree(
    data: Program, repository_path: Path, tmp_path: Path, program: Program
) -> None:
    data.done("export", "-q")
    linked = tmp_path / "linked"
    git(repository_path, "worktree", "add", "-q", "-b", "other", str(linked))

    program.done("-C", linked, "hooks", "install")

    assert (repository_path / ".git" / "hooks" / "pre-commit").is_file()
    assert "merge-driver" in git(repository_path, "config", "merge.gitexport.driver")


def test_program_with_a_difficult_name_is_found(
    data: Program, repository_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.done("export", "-q")
    program = tmp_path / "it's 100%P \\ here" / "gitexport"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/calls\ncat "$2" 2>&1\nexit 0\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(program)])

    data.done("hooks", "install")
    git(repository_path, "show", "HEAD", "--", SEVEN)
    git(repository_path, "branch", "theirs")
    for name, old, new in [("theirs", "c7@", "d7@"), ("main", "Customer 7", "Ada")]:
        git(repository_path, "switch", "-q", name)
        edit(repository_path / SEVEN, old, new)
        git(repository_path, "commit", "-q", "-a", "-m", "edit")
    attempt(repository_path, "merge", "theirs")
    called = (tmp_path / "calls").read_text().splitlines()

    assert "textconv" in called
    assert called[called.index("merge-driver") + 4] == SEVEN
    assert os.access(repository_path / ".git" / "hooks" / "pre-push", os.X_OK)


@pytest.mark.parametrize("guard", ["all", "explicit"])
def test_bare_repository_gets_the_hooks_of_a_server(
    tmp_path: Path, program: Program, guard: str
) -> None:
    bare = tmp_path / "server.git"
    git(tmp_path, "init", "-q", "--bare", str(bare))
    git(tmp_path, "config", "--global", "safe.bareRepository", guard)

    program.done("-C", bare, "hooks", "install")
    installed = hooks_in(bare / "hooks")
    program.done("-C", bare, "hooks", "uninstall")

    assert installed == ["pre-push", "pre-receive"]
    assert hooks_in(bare / "hooks") == []
