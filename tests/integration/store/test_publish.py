"""Publishing to real bare remotes: accepted, refused, ahead, rewritten, gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitexport.errors import DecisionNeededError, PublishError, UsageError
from gitexport.model.entity import Publication
from gitexport.model.report import PushReport
from gitexport.model.snapshot import ObjectId
from gitexport.publish.push import PublishContext, publish
from gitexport.store import refs
from gitexport.store.journal import read_state
from gitexport.store.lock import RepositoryLock
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import fsck, git
from tests.fixtures.snapshots import add_commit, add_snapshot

FIRST, SECOND, THIRD = "20250101-000000", "20250101-000001", "20250101-000002"
ONE = {"data/users/1.json": "1\n", "README.md": "read me\n", "manifest.json": "{}\n"}
TWO = ONE | {"data/users/1.json": "2\n"}


class Heard:
    """A progress that keeps what it was told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def stage(self, name: str, total: int | None = None) -> None:
        """Needs no stages."""

    def advance(self, steps: int = 1) -> None:
        """Needs no steps."""

    def warn(self, message: str) -> None:
        """Keeps a warning."""
        self.warnings.append(message)

    def detail(self, message: str) -> None:
        """Needs no details."""


class Site:
    """A data repository with a working tree, and its remote."""

    def __init__(self, folder: Path) -> None:
        self.remote = folder / "remote.git"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.repository = DataRepository.create(folder / "data")
        self.path = self.repository.path
        git(self.path, "remote", "add", "origin", str(self.remote))
        self.heard = Heard()

    def snapshot(self, name: str, files: dict[str, str]) -> ObjectId:
        """Makes a snapshot here that the working tree shows."""
        commit = add_snapshot(self.repository, name, files)
        git(self.path, "reset", "--quiet", "--hard")
        return commit

    def publish(self, remote: str | None = None) -> PushReport:
        """Publishes as the command does."""
        context = PublishContext(
            lambda path: path.startswith("data/") or path == "manifest.json",
            lambda: datetime(2025, 1, 2, tzinfo=UTC),
            self.heard,
        )
        return publish(self.repository, Publication("an-id"), context, remote)

    def there(self) -> dict[str, str]:
        """Reads the remote's refs, with git alone."""
        lines = git(self.path, "ls-remote", "--refs", str(self.remote)).splitlines()
        return {line.partition("\t")[2]: line.partition("\t")[0] for line in lines}

    def hook(self, name: str, script: str) -> Path:
        """Installs a hook at the remote."""
        path = self.remote / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def other_clone(self, folder: Path, files: dict[str, str], *options: str) -> Path:
        """Another person's clone, with one commit pushed."""
        git(folder, "clone", "--quiet", str(self.remote), "other")
        clone = folder / "other"
        for name, text in files.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_text(text)
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--message=theirs", *options)
        git(clone, "push", "--quiet", "origin", "main")
        return clone


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    if refs.tip(site.repository, "main") is not None:
        fsck(site.path)


def test_branch_and_tags_arrive_and_are_read_back(site: Site) -> None:
    site.snapshot(FIRST, ONE)
    tip = site.snapshot(SECOND, TWO)

    report = site.publish()

    assert report == PushReport("origin", "main", tip, [FIRST, SECOND], None, published=True)
    there = site.there()
    assert there["refs/heads/main"] == tip
    assert there[f"refs/tags/{FIRST}"] == refs.tag_target(site.repository, FIRST)
    assert set(there) == {"refs/heads/main", f"refs/tags/{FIRST}", f"refs/tags/{SECOND}"}


def test_publishing_again_pushes_nothing_and_is_published(site: Site) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    site.hook("pre-receive", "exit 1")

    report = site.publish()

    assert report.published
    assert report.tags == []


def test_only_what_the_remote_lacks_is_pushed(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    site.snapshot(SECOND, TWO)
    seen = tmp_path / "seen"
    site.hook("pre-receive", f"cat > '{seen}'")

    report = site.publish()

    assert report.tags == [SECOND]
    assert [line.split()[2] for line in seen.read_text().splitlines()] == [
        "refs/heads/main",
        f"refs/tags/{SECOND}",
    ]


def test_people_s_own_tags_and_branches_stay_at_home(site: Site) -> None:
    site.snapshot(FIRST, ONE)
    git(site.path, "tag", "private")
    git(site.path, "branch", "draft")
    git(site.path, "config", "push.followTags", "true")
    git(site.path, "tag", "--annotate", "--message=x", "annotated")

    site.publish()

    assert set(site.there()) == {"refs/heads/main", f"refs/tags/{FIRST}"}


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_refusal_carries_the_server_s_words(site: Site, hook: str) -> None:
    site.snapshot(FIRST, ONE)
    site.hook(hook, "printf 'no data \\033[31mon Sundays\\n' >&2; exit 1")

    with pytest.raises(PublishError, match=r"no data .*on Sundays") as caught:
        site.publish()

    assert caught.value.where == "refs/heads/main"
    assert "\033" not in caught.value.message
    assert "refs/heads/main" not in site.there()
    assert read_state(site.repository).remote_tips == {}


def test_an_accepted_branch_with_a_refused_tag_is_not_published(site: Site) -> None:
    tip = site.snapshot(FIRST, ONE)
    hook = site.hook("update", 'case "$1" in refs/tags/*) echo protected tag >&2; exit 1;; esac')

    with pytest.raises(PublishError, match="protected tag") as caught:
        site.publish()
    assert caught.value.where == f"refs/tags/{FIRST}"
    assert site.there() == {"refs/heads/main": tip}

    hook.unlink()
    assert site.publish().tags == [FIRST]
    assert f"refs/tags/{FIRST}" in site.there()


def test_what_the_server_drops_after_accepting_is_noticed(site: Site) -> None:
    site.snapshot(FIRST, ONE)
    site.hook("post-receive", f"git update-ref -d refs/tags/{FIRST}")

    with pytest.raises(PublishError, match=r"accepted .* but does not show it") as caught:
        site.publish()

    assert caught.value.where == f"refs/tags/{FIRST}"


def test_objects_that_the_server_s_fsck_refuses_are_named(site: Site) -> None:
    git(site.remote, "config", "receive.fsckObjects", "true")
    git(site.remote, "config", "receive.fsck.zeroPaddedDate", "error")
    handle = site.repository.pygit()
    tree = site.repository.pygit().TreeBuilder().write()
    who = "a <a@b> 01735689600 +0000"
    raw = f"tree {tree}\nauthor {who}\ncommitter {who}\n\nodd\n".encode()
    commit = str(handle.odb.write(1, raw))
    git(site.path, "update-ref", "refs/heads/main", commit)

    with pytest.raises(PublishError):
        site.publish()

    assert site.there() == {}
    git(site.path, "update-ref", "-d", "refs/heads/main")
    git(site.path, "reflog", "expire", "--all", "--expire=now")
    git(site.path, "prune", "--expire=now")


def test_the_user_s_own_hook_may_refuse(site: Site) -> None:
    site.snapshot(FIRST, ONE)
    hook = site.path / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\necho found a secret >&2\nexit 1\n")
    hook.chmod(0o755)

    with pytest.raises(PublishError, match="found a secret"):
        site.publish()

    assert site.there() == {}


def test_a_remote_that_vanished_is_exit_5(site: Site) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    site.remote.rename(site.remote.with_name("gone.git"))

    with pytest.raises(PublishError, match="cannot read the refs of the remote 'origin'") as caught:
        site.publish()

    assert caught.value.exit_code == 5


def test_a_missing_remote_names_the_command(site: Site) -> None:
    site.snapshot(FIRST, ONE)

    with pytest.raises(UsageError) as caught:
        site.publish("backup")

    assert caught.value.hint == "run 'git remote add backup URL'"


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@example.org/x.git",
        "https://s3cret@example.org/x.git",
        "ssh://git:s3cret@example.org/x.git",
        "ext::sh -c s3cret",
        "transport::s3cret",
        "ftp://s3cret/x.git",
    ],
)
def test_urls_that_leak_or_run_programs_are_refused(site: Site, url: str) -> None:
    site.snapshot(FIRST, ONE)
    git(site.path, "remote", "set-url", "origin", url)

    with pytest.raises(UsageError) as caught:
        site.publish()

    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_nothing_to_publish_is_said(site: Site) -> None:
    with pytest.raises(UsageError, match="nothing to publish"):
        site.publish()


def test_other_people_s_files_are_joined_and_ours_keep(site: Site, tmp_path: Path) -> None:
    first = site.snapshot(FIRST, ONE)
    site.publish()
    clone = site.other_clone(
        tmp_path, {"README.md": "theirs\n", "docs/a.md": "a\n", "data/users/9.json": "9\n"}
    )
    theirs = git(clone, "rev-parse", "HEAD")
    second = site.snapshot(SECOND, TWO)

    report = site.publish()

    merge = refs.read_commit(site.repository, refs.tip(site.repository, "main") or first)
    assert report.merged == report.commit == merge.commit_id
    assert merge.parents == (second, theirs)
    assert merge.trailers == ()
    assert [c.commit_id for c in refs.first_parents(site.repository, merge.commit_id)][1:] == [
        second,
        first,
    ]
    files = git(site.path, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert files == ["README.md", "data/users/1.json", "docs/a.md", "manifest.json"]
    assert git(site.path, "show", "main:data/users/1.json") == "2"
    assert (site.path / "README.md").read_text() == "theirs\n"
    assert git(site.path, "status", "--porcelain") == ""
    assert site.there()["refs/heads/main"] == merge.commit_id
    assert "data/users/9.json" in site.heard.warnings[0]


def test_the_merge_keeps_a_person_s_edits(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    site.other_clone(tmp_path, {"docs/a.md": "a\n"})
    (site.path / "README.md").write_text("my edit\n")
    (site.path / "untracked").write_text("mine\n")

    site.publish()

    assert git(site.path, "status", "--porcelain").split() == ["M", "README.md", "??", "untracked"]
    assert (site.path / "docs" / "a.md").read_text() == "a\n"


def test_a_working_tree_on_another_branch_is_left_alone(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    git(site.path, "switch", "--quiet", "--create", "draft")
    site.other_clone(tmp_path, {"docs/a.md": "a\n"})

    assert site.publish().merged is not None

    assert not (site.path / "docs").exists()
    assert git(site.path, "status", "--porcelain") == ""


def test_one_file_changed_on_both_sides_needs_a_person(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    site.other_clone(tmp_path, {"README.md": "theirs\n"})
    ours = add_commit(site.repository, "ours\n", ONE | {"README.md": "ours\n"})

    with pytest.raises(DecisionNeededError, match=r"'README.md' changed here and at the remote"):
        site.publish()

    assert refs.tip(site.repository, "main") == ours


def test_a_rewritten_remote_is_never_pushed_over(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.snapshot(SECOND, TWO)
    site.publish()
    clone = site.other_clone(tmp_path, {"x": "x\n"})
    git(clone, "reset", "--quiet", "--hard", FIRST)
    git(clone, "commit", "--quiet", "--allow-empty", "--message=purged")
    git(clone, "push", "--quiet", "--force", "origin", "main")
    before = site.there()
    site.snapshot(THIRD, TWO | {"data/users/1.json": "3\n"})

    with pytest.raises(DecisionNeededError, match="was rewritten") as caught:
        site.publish()

    assert caught.value.exit_code == 6
    assert "git push --force" in (caught.value.hint or "")
    assert site.there() == before


def test_a_rewound_remote_is_not_fast_forwarded(site: Site) -> None:
    first = site.snapshot(FIRST, ONE)
    site.snapshot(SECOND, TWO)
    site.publish()
    git(site.remote, "update-ref", "refs/heads/main", first)

    with pytest.raises(DecisionNeededError, match="was rewritten"):
        site.publish()

    assert site.there()["refs/heads/main"] == first
    git(site.path, "push", "--quiet", "origin", "main")
    assert site.publish().published


def test_a_person_may_take_the_new_history_over(site: Site) -> None:
    first = site.snapshot(FIRST, ONE)
    site.snapshot(SECOND, TWO)
    site.publish()
    git(site.remote, "update-ref", "refs/heads/main", first)
    git(site.remote, "tag", "-d", SECOND)
    git(site.path, "fetch", "--quiet", "origin")
    git(site.path, "reset", "--quiet", "--hard", "origin/main")

    assert site.publish().commit == first


def test_a_deleted_branch_is_not_made_again(site: Site) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    git(site.remote, "update-ref", "-d", "refs/heads/main")

    with pytest.raises(DecisionNeededError, match="no longer has the branch"):
        site.publish()


def test_another_remote_of_the_same_name_starts_afresh(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    git(tmp_path, "init", "--quiet", "--bare", "second.git")
    git(site.path, "remote", "set-url", "origin", str(tmp_path / "second.git"))

    assert site.publish().tags == [FIRST]


def test_a_remote_of_another_history_is_left_alone(site: Site, tmp_path: Path) -> None:
    other = DataRepository.create(tmp_path / "other")
    add_commit(other, "theirs\n", {"x": "1"})
    git(other.path, "push", "--quiet", str(site.remote), "main")
    site.snapshot(FIRST, ONE)

    with pytest.raises(DecisionNeededError, match="shares no history"):
        site.publish()


def test_a_newer_snapshot_made_elsewhere_is_not_laid_over(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    git(tmp_path, "clone", "--quiet", str(site.remote), "other")
    other = DataRepository.open(tmp_path / "other")
    newest = add_snapshot(other, THIRD, TWO)
    git(other.path, "push", "--quiet", "origin", "main", THIRD)
    site.snapshot(SECOND, ONE | {"data/users/1.json": "old\n"})

    with pytest.raises(DecisionNeededError, match=THIRD):
        site.publish()

    assert site.there()["refs/heads/main"] == newest


def test_a_tag_that_means_another_object_there_is_named(site: Site) -> None:
    first = site.snapshot(FIRST, ONE)
    site.publish()
    git(site.remote, "update-ref", f"refs/tags/{FIRST}", first)

    with pytest.raises(PublishError, match=FIRST):
        site.publish()


def test_a_push_beside_another_run_is_still_published(site: Site) -> None:
    site.snapshot(FIRST, ONE)

    with RepositoryLock(site.repository):
        assert site.publish().published


def test_somebody_faster_is_joined_at_the_next_attempt(site: Site, tmp_path: Path) -> None:
    site.snapshot(FIRST, ONE)
    site.publish()
    git(tmp_path, "clone", "--quiet", str(site.remote), "other")
    clone = tmp_path / "other"
    git(clone, "commit", "--quiet", "--allow-empty", "--message=fast")
    hook = site.path / ".git" / "hooks" / "pre-push"
    hook.write_text(f"#!/bin/sh\nunset GIT_DIR\ngit -C '{clone}' push --quiet origin main\n")
    hook.chmod(0o755)
    site.snapshot(SECOND, TWO)

    report = site.publish()

    assert report.merged is not None
    assert site.there()["refs/heads/main"] == report.commit
