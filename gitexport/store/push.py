"""Pushes a branch and tags, and believes only what the remote shows afterwards.

Every ref is named in full; nothing is ever forced. git's own report says what was refused,
and the remote's refs are read back, because a report is not yet the state of the remote.

Source: Documentation/git-push.txt of git, "OUTPUT", on `--porcelain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from gitexport.errors import PublishError
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.git_program import GitOutput
from gitexport.store.remote import call_remote, ls_remote, printable, refused, server_words
from gitexport.store.repository import DataRepository

_PUSH_SECONDS = 6 * 3600.0
# A command line holds about this many refspecs of two tag names each, several times over.
_REFSPECS_A_CALL = 2000
_TAGS_COMPARED = 50
_BEHIND = ("non-fast-forward", "fetch first", "stale info")


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """What the remote shows after a push; `is_behind` says that it holds commits we lack."""

    commit: ObjectId
    tags: tuple[str, ...] = ()
    is_behind: bool = False


@dataclass(frozen=True, slots=True)
class RefReport:
    """One ref of git's report: a flag (`!` refused), the ref at the remote, and the reason."""

    flag: str
    name: str
    reason: str


def push(
    repository: DataRepository, remote: str, branch: str, commit: ObjectId, tags: Sequence[str]
) -> PushOutcome:
    """Pushes a commit as the tip of a branch, and tags, and reads them back.

    Gives `is_behind`, and has pushed nothing, where the remote's branch has moved on.

    Raises:
        PublishError: The remote refused a ref or does not show it; the message names the ref
            and the server's words.
        UsageError: There is no such remote.
    """
    wanted = {refs.BRANCH_PREFIX + branch: commit}
    refspecs = [f"{commit}:{refs.BRANCH_PREFIX}{branch}"]
    for tag in tags:
        name = refs.TAG_PREFIX + tag
        target = refs.tag_target(repository, tag)
        if target is not None:
            wanted[name] = target
            refspecs.append(f"{name}:{name}")
    for batch in _batches(refspecs):
        if not _push_batch(repository, remote, batch, commit):
            return PushOutcome(commit, is_behind=True)
    _confirm(repository, remote, wanted)
    return PushOutcome(commit, tuple(tags))


def unpublished_tags(
    repository: DataRepository, commit: ObjectId, listed: dict[str, ObjectId]
) -> list[str]:
    """Lists the snapshot tags that a commit reaches by first parents and the remote lacks."""
    tags = refs.snapshot_tags(repository)
    missing = {tag for tag in tags if refs.TAG_PREFIX + tag not in listed}
    if not missing:
        return []
    oldest = min(missing)
    reached = []
    for snapshot in refs.snapshots(repository, commit):
        name = snapshot.snapshot
        if name is None or name < oldest:
            break
        if name in missing:
            reached.append(name)
    return sorted(reached)


def refuse_foreign_tags(
    repository: DataRepository, commit: ObjectId, listed: dict[str, ObjectId]
) -> None:
    """Compares the newest tags with those of the same name at the remote.

    Raises:
        PublishError: One of them is another object there, and tags never move.
    """
    for snapshot in islice(refs.snapshots(repository, commit), _TAGS_COMPARED):
        name = snapshot.snapshot or ""
        there = listed.get(refs.TAG_PREFIX + name)
        if there is not None and there != refs.tag_target(repository, name):
            message = f"the remote has another tag '{name}' than this repository"
            hint = f"see 'git ls-remote --tags' and 'git show {name}'; one of the two must go"
            raise PublishError(message, where=name, hint=hint)


def parse_report(stdout: bytes) -> list[RefReport]:
    """Reads the lines of `git push --porcelain`."""
    reports = []
    for line in stdout.decode("utf-8", "replace").splitlines():
        fields = line.split("\t")
        if len(fields) == 3 and len(fields[0]) == 1:  # noqa: PLR2004 - flag, refs, summary
            name = fields[1].rpartition(":")[2]
            reports.append(RefReport(fields[0], name, fields[2]))
    return reports


def _push_batch(
    repository: DataRepository, remote: str, refspecs: Sequence[str], commit: ObjectId
) -> bool:
    """Tells whether the remote took the batch; False where its branch has moved on."""
    options = ["--porcelain", "--no-follow-tags", "--recurse-submodules=no"]
    output = call_remote(
        repository, remote, ["push", *options, "--", remote, *refspecs], _PUSH_SECONDS
    )
    if output.returncode == 0:
        return True
    failed = [report for report in parse_report(output.stdout) if report.flag == "!"]
    for report in failed:
        if report.name.startswith(refs.BRANCH_PREFIX) and (
            any(sign in report.reason for sign in _BEHIND)
            or _moved_on(repository, remote, report.name, commit)
        ):
            return False
    raise _rejected(remote, failed, output)


def _moved_on(repository: DataRepository, remote: str, name: str, commit: ObjectId) -> bool:
    # A server that took another push in the same instant has many words for it.
    there = ls_remote(repository, remote, [name]).get(name)
    return there is not None and not refs.is_ancestor(repository, there, commit)


def _rejected(remote: str, failed: Sequence[RefReport], output: GitOutput) -> PublishError:
    if not failed:
        return refused(remote, output, "push to")
    names = ", ".join(f"'{report.name}'" for report in islice(failed, 3))
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""  # noqa: PLR2004 - a line
    words = "; ".join(filter(None, (printable(failed[0].reason), server_words(output.stderr))))
    message = f"the remote '{remote}' refused {names}{more}: {words}"
    hint = "mend what the server names, then run 'gitexport push'; nothing is lost here"
    return PublishError(message, where=failed[0].name, hint=hint)


def _confirm(repository: DataRepository, remote: str, wanted: dict[str, ObjectId]) -> None:
    listed = ls_remote(repository, remote, list(wanted))
    for name, object_id in wanted.items():
        there = listed.get(name)
        if there == object_id:
            continue
        shown = f"shows '{there}'" if there else "does not show it"
        message = f"the remote '{remote}' accepted '{name}' but {shown}"
        hint = f"look with 'git ls-remote {remote} {name}', then run 'gitexport push' again"
        raise PublishError(message, where=name, hint=hint)


def _batches(refspecs: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(refspecs), _REFSPECS_A_CALL):
        yield refspecs[start : start + _REFSPECS_A_CALL]
