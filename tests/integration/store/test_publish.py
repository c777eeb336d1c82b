"""Publishing to real bare remotes: what is pushed, and what stays at home."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.errors import UsageError
from gitexport.model.report import PushReport
from gitexport.store import refs
from gitexport.store.lock import RepositoryLock
from tests.fixtures.repositories import git
from tests.integration.store.publishing import FIRST, ONE, SECOND, TWO, Site


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


def test_nothing_to_publish_is_said(site: Site) -> None:
    with pytest.raises(UsageError, match="nothing to publish"):
        site.publish()


def test_a_push_beside_another_run_is_still_published(site: Site) -> None:
    site.snapshot(FIRST, ONE)

    with RepositoryLock(site.repository):
        assert site.publish().published
