"""Opening, finding and making repositories, and refusing those that would be read wrongly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pygit2
import pytest

from gitexport.errors import CorruptRepositoryError, GitExportError, MachineError, UsageError
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import add_commit, write_commit


def configured(path: Path) -> DataRepository:
    repository = DataRepository.create(path)
    (path / "gitexport.toml").write_text("format = 1\n")
    return repository


def test_a_new_repository_has_the_settings_it_needs(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path, "data")

    assert repository.path == repository.worktree == repository_path
    assert repository.gitdir == repository.common_dir == repository_path / ".git"
    assert repository.checked_out_branch() == "data"
    assert not repository.is_bare
    assert not repository.is_detached
    assert git(repository_path, "config", "--local", "gc.auto") == "0"
    assert git(repository_path, "config", "--local", "core.autocrlf") == "false"


def test_a_new_repository_has_a_format_that_can_be_read(
    repository_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    monkeypatch.setenv("GIT_DEFAULT_REF_FORMAT", "reftable")

    DataRepository.create(repository_path)

    assert git(repository_path, "rev-parse", "--show-object-format") == "sha1"


def test_a_new_bare_repository_logs_its_refs(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path, bare=True)
    add_commit(repository, "one\n", {"a": "1"})

    assert repository.is_bare
    assert repository.worktree is None
    assert repository.checked_out_branch() is None
    assert "test" in git(repository_path, "reflog", "show", "main")


def test_making_it_again_keeps_what_is_there(repository_path: Path) -> None:
    commit = add_commit(DataRepository.create(repository_path), "one\n", {"a": "1"})
    git(repository_path, "config", "core.logAllRefUpdates", "always")

    again = DataRepository.create(repository_path, "other")

    assert refs.tip(again, "main") == commit
    assert again.checked_out_branch() == "main"
    assert git(repository_path, "config", "core.logAllRefUpdates") == "always"


def test_the_nearest_parent_with_a_configuration_is_found(repository_path: Path) -> None:
    configured(repository_path)
    deep = repository_path / "data" / "users"
    deep.mkdir(parents=True)

    assert DataRepository.discover(deep).path == repository_path


def test_a_bare_repository_is_found_only_as_itself(repository_path: Path) -> None:
    DataRepository.create(repository_path, bare=True)

    assert DataRepository.discover(repository_path).is_bare
    with pytest.raises(UsageError, match="no data repository"):
        DataRepository.discover(repository_path / "refs")


def test_a_configuration_outside_the_top_of_a_repository_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "outer")
    inner = tmp_path / "outer" / "inner"
    inner.mkdir()
    (inner / "gitexport.toml").touch()

    with pytest.raises(UsageError, match="not at the top of a git repository"):
        DataRepository.discover(inner)


def test_a_linked_working_tree_has_state_of_its_own(repository_path: Path, tmp_path: Path) -> None:
    main = DataRepository.create(repository_path)
    commit = add_commit(main, "one\n", {"gitexport.toml": ""})
    git(repository_path, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))

    linked = DataRepository.discover(tmp_path / "linked")

    assert linked.common_dir == main.gitdir
    assert linked.objects == main.objects
    assert linked.state_dir != main.state_dir
    assert linked.checked_out_branch() == "other"
    assert refs.tip(linked, "main") == commit


def test_a_detached_head_and_a_merge_are_noticed(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path)
    first = add_commit(repository, "one\n", {"a": "1"})
    add_commit(repository, "two\n", {"a": "2"})
    side = write_commit(repository, "side\n", {"a": "3"}, (first,))
    git(repository_path, "reset", "--quiet", "--hard")
    assert repository.operation_in_progress() is None

    done = subprocess.run(
        ["git", "-C", str(repository_path), "merge", "--quiet", side],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert repository.operation_in_progress() == "merge"

    git(repository_path, "merge", "--abort")
    git(repository_path, "checkout", "--quiet", "--detach")
    assert repository.is_detached
    assert repository.checked_out_branch() is None


def _shallow(path: Path) -> None:
    (path / ".git" / "shallow").write_text(git(path, "rev-parse", "HEAD") + "\n")


def _split_index(path: Path) -> None:
    git(path, "update-index", "--split-index")


def _sparse(path: Path) -> None:
    git(path, "sparse-checkout", "set", "data")


def _partial(path: Path) -> None:
    git(path, "config", "remote.origin.promisor", "true")


def _reftable(path: Path) -> None:
    git(path, "config", "core.repositoryformatversion", "1")
    git(path, "config", "extensions.refStorage", "reftable")


def _extension(path: Path) -> None:
    git(path, "config", "core.repositoryformatversion", "1")
    git(path, "config", "extensions.frobnicate", "true")


def _version(path: Path) -> None:
    git(path, "config", "core.repositoryformatversion", "99")


@pytest.mark.parametrize(
    ("spoil", "named", "way_on"),
    [
        (_shallow, "shallow", "git fetch --unshallow"),
        (_split_index, "core.splitIndex", "core.splitIndex false"),
        (_sparse, "core.sparseCheckout", "git sparse-checkout disable"),
        (_partial, "partial clone", "remote.origin.promisor"),
        (_reftable, "reftable", "git refs migrate"),
        (_extension, "'extensions.frobnicate'", "the repository's file 'config'"),
        (_version, "core.repositoryFormatVersion", "upgrade pygit2"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(
    repository_path: Path, spoil: object, named: str, way_on: str
) -> None:
    add_commit(configured(repository_path), "one\n", {"data/a": "1", "gitexport.toml": ""})
    git(repository_path, "reset", "--quiet", "--hard")
    assert callable(spoil)
    spoil(repository_path)

    with pytest.raises(UsageError, match=named) as caught:
        DataRepository.discover(repository_path)

    assert caught.value.where == str(repository_path)
    assert way_on in (caught.value.hint or "")


def test_wrong_configuration_of_git_is_named_by_file_and_line(repository_path: Path) -> None:
    config = DataRepository.create(repository_path).gitdir / "config"
    line = len(config.read_text().splitlines()) + 1
    config.write_text(config.read_text() + "[user\n")

    with pytest.raises(UsageError, match="git's configuration cannot be read") as caught:
        DataRepository.open(repository_path)

    assert caught.value.where == f"{config}:{line}"


def test_index_that_is_whole_again_is_accepted(repository_path: Path) -> None:
    add_commit(configured(repository_path), "one\n", {"data/a": "1", "gitexport.toml": ""})
    git(repository_path, "reset", "--quiet", "--hard")
    _split_index(repository_path)
    git(repository_path, "update-index", "--no-split-index")
    assert list((repository_path / ".git").glob("sharedindex.*"))

    assert DataRepository.discover(repository_path).path == repository_path


def test_sha256_is_refused(repository_path: Path) -> None:
    repository_path.mkdir()
    git(repository_path, "init", "--quiet", "--object-format=sha256")

    with pytest.raises(UsageError, match="SHA-256"):
        DataRepository.open(repository_path)


@pytest.mark.parametrize("content", ["", "garbage", None])
def test_a_damaged_head_is_exit_7(repository_path: Path, content: str | None) -> None:
    DataRepository.create(repository_path)
    head = repository_path / ".git" / "HEAD"
    head.unlink()
    if content is not None:
        head.write_text(content)

    with pytest.raises(CorruptRepositoryError, match="HEAD") as caught:
        DataRepository.open(repository_path)

    assert caught.value.exit_code == 7


def test_what_is_no_repository_names_init(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository") as caught:
        DataRepository.open(tmp_path)

    assert caught.value.hint == f"run 'gitexport init {tmp_path}'"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_repository_of_another_user_is_refused(repository_path: Path) -> None:
    DataRepository.create(repository_path)
    for path in (repository_path, repository_path / ".git"):
        os.chown(path, 12345, 12345)

    with pytest.raises(MachineError, match="belongs to another user") as caught:
        DataRepository.open(repository_path)

    assert f"safe.directory {repository_path}" in (caught.value.hint or "")


def test_objects_are_read_by_kind_and_damage_is_named(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path)
    commit = add_commit(repository, "one\n", {"a": "1"})
    tree = repository.tree_of(commit)

    assert tree.hex() == git(repository_path, "rev-parse", "main^{tree}")
    blob = bytes.fromhex(git(repository_path, "rev-parse", "main:a"))
    assert repository.read_blob(blob) == b"1"
    assert blob in repository.read_tree(tree)
    with pytest.raises(CorruptRepositoryError, match="is not a tree"):
        repository.read_tree(blob)
    with pytest.raises(CorruptRepositoryError, match="is not a commit"):
        repository.tree_of(ObjectId(blob.hex()))
    with pytest.raises(CorruptRepositoryError) as caught:
        repository.read_blob(b"\1" * 20)
    assert caught.value.where == "01" * 20


_SYNCED = """
import sys
from pathlib import Path
from gitexport.store import refs
from gitexport.store.repository import DataRepository
repository = DataRepository.open(Path(sys.argv[1]))
refs.move_branch(repository, "main", None, sys.argv[2], "x")
"""


@pytest.mark.skipif(not Path("/usr/bin/strace").exists(), reason="needs strace")
def test_a_moved_branch_is_synced_before_the_call_returns(
    repository_path: Path, tmp_path: Path
) -> None:
    commit = write_commit(DataRepository.create(repository_path), "one\n", {"a": "1"})
    trace = tmp_path / "trace"
    command = [
        "strace",
        "-f",
        "-y",
        "-e",
        "trace=fsync,rename,renameat,renameat2,link,linkat",
        "-o",
        str(trace),
    ]
    program = [sys.executable, "-c", _SYNCED, str(repository_path), commit]
    subprocess.run([*command, *program], check=True)

    lines = trace.read_text().splitlines()

    synced = [n for n, line in enumerate(lines) if "fsync" in line and "main.lock" in line]
    renamed = [n for n, line in enumerate(lines) if "main.lock" in line and "fsync" not in line]
    assert synced
    assert renamed
    assert synced[0] < renamed[0]


def test_an_old_libgit2_is_refused(repository_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    DataRepository.create(repository_path)
    from gitexport.store import repository

    repository._prepare_libgit2.cache_clear()
    monkeypatch.setattr(pygit2, "LIBGIT2_VERSION", "1.7.1")
    try:
        with pytest.raises(GitExportError, match=r"libgit2 1\.7\.1 is too old"):
            DataRepository.open(repository_path)
    finally:
        repository._prepare_libgit2.cache_clear()


def test_empty_tree_is_read_though_git_does_not_store_it(repository_path: Path) -> None:
    repository = DataRepository.create(repository_path)
    git(repository_path, "commit", "-q", "--allow-empty", "-m", "nothing")
    tree = bytes.fromhex(git(repository_path, "rev-parse", "HEAD^{tree}"))

    assert repository.read_tree(tree) == b""
