"""Publishing that a remote, a hook or an address stops, told in the server's words."""

from __future__ import annotations

import pytest

from gitexport.errors import PublishError, UsageError
from gitexport.store.journal import read_state
from tests.fixtures.repositories import git
from tests.integration.store.publishing import FIRST, ONE, Site


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


def test_a_tag_that_means_another_object_there_is_named(site: Site) -> None:
    first = site.snapshot(FIRST, ONE)
    site.publish()
    git(site.remote, "update-ref", f"refs/tags/{FIRST}", first)

    with pytest.raises(PublishError, match=FIRST):
        site.publish()
