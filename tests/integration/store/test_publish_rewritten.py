"""Publishing to a remote that was rewritten, rewound, emptied or replaced: never pushed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitexport.errors import DecisionNeededError
from gitexport.store.repository import DataRepository
from tests.fixtures.repositories import git
from tests.fixtures.snapshots import add_commit
from tests.integration.store.publishing import FIRST, ONE, SECOND, THIRD, TWO, Site


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
