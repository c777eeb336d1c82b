"""Finds the commit that a REV means.

A REV is a snapshot's tag, a unique prefix of one, `latest`, `latest~N`, a full commit id that
the branch reaches, a time (the last snapshot at or before it) or a date (the last snapshot of
that UTC day or before). Nothing else: a general revision parser would run regular expressions
over all of history and hand out objects that no branch shows.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import islice

from gitexport.errors import SnapshotNotFoundError
from gitexport.model.counted import counted
from gitexport.model.snapshot import TAG_PATTERN, Commit, ObjectId, format_tag, parse_tag
from gitexport.store import refs
from gitexport.store.repository import DataRepository

_COMMIT_ID = re.compile(r"[0-9a-f]{40}")
_PART_OF_ID = re.compile(r"[0-9a-f]{4,39}")
_DIGITS = re.compile(r"\d", re.ASCII)
_LATEST = re.compile(r"latest(?:~([0-9]{1,9}))?")
_PREFIX = re.compile(r"\d{1,8}|\d{8}-\d{0,5}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_FORMS = (
    "a snapshot is named by its tag, the beginning of one, latest, latest~N, a commit id,"
    " a time (2025-06-22T07:21Z) or a date"
)


def is_rev(text: str) -> bool:
    """Tells whether a text has the form of a REV, whatever it may mean."""
    forms = (_LATEST, TAG_PATTERN, _COMMIT_ID, _PREFIX, _DATE, _TIME)
    return any(form.fullmatch(text) for form in forms)


def resolve(repository: DataRepository, branch: str, rev: str) -> Commit:
    """Finds the commit that `rev` means on a branch.

    Raises:
        SnapshotNotFoundError: Nothing answers to it; the hint names what is nearest.
        CorruptRepositoryError: A commit on the way is missing or damaged.
    """
    tip = refs.tip(repository, branch)
    if tip is None:
        message = f"there is no snapshot: the branch '{branch}' has no commit"
        raise SnapshotNotFoundError(message, where=rev, hint="run 'gitexport export'")
    if match := _LATEST.fullmatch(rev):
        return _nth(repository, tip, rev, int(match.group(1) or 0))
    if TAG_PATTERN.fullmatch(rev):
        return _tagged(repository, tip, rev)
    if _COMMIT_ID.fullmatch(rev):
        return _reachable(repository, tip, ObjectId(rev))
    if _PREFIX.fullmatch(rev):
        return _prefixed(repository, tip, rev)
    if _DATE.fullmatch(rev) or _TIME.fullmatch(rev):
        return _at_or_before(repository, tip, rev, _last_instant(rev))
    raise _no_rev(repository, tip, rev)


def moment(
    repository: DataRepository, branch: str, text: str, *, is_start: bool = False
) -> datetime:
    """Gives the instant that a time, a date or the REV of a snapshot means, in UTC.

    A date is the end of its day, as the start of a period its beginning.

    Raises:
        SnapshotNotFoundError: It is none of them, or there is no such snapshot.
    """
    if _DATE.fullmatch(text) or _TIME.fullmatch(text):
        instant = _last_instant(text)
        is_day = is_start and _DATE.fullmatch(text)
        return instant.replace(hour=0, minute=0, second=0) if is_day else instant
    commit = resolve(repository, branch, text)
    return commit.committed_at if commit.snapshot is None else parse_tag(commit.snapshot)


def _nth(repository: DataRepository, tip: ObjectId, rev: str, number: int) -> Commit:
    seen = 0
    oldest = None
    for commit_id, name in refs.snapshot_names(repository, tip):
        if seen == number:
            return refs.read_commit(repository, commit_id)
        seen += 1
        oldest = name
    if oldest is None:
        raise _no_snapshot(rev)
    are = "is" if seen == 1 else "are"
    message = f"'{rev}' goes back too far: there {are} {counted(seen, 'snapshot')}"
    hint = f"the oldest is '{oldest}' (latest~{seen - 1})"
    raise SnapshotNotFoundError(message, where=rev, hint=hint)


def _tagged(repository: DataRepository, tip: ObjectId, name: str) -> Commit:
    commit_id = refs.tagged_commit(repository, name)
    if commit_id is not None:
        commit = refs.read_commit(repository, commit_id)
        if commit.snapshot == name:
            return commit
        message = f"the tag '{name}' is not on a snapshot"
        raise SnapshotNotFoundError(message, where=name, hint=f"see 'git show {name}'")
    # A clone may have come without tags; the commits still know their names.
    for found, known in refs.snapshot_names(repository, tip):
        if known == name:
            return refs.read_commit(repository, found)
    raise _nothing_named(repository, tip, name)


def _reachable(repository: DataRepository, tip: ObjectId, commit_id: ObjectId) -> Commit:
    if not refs.is_ancestor(repository, commit_id, tip):
        message = f"no commit '{commit_id}' on this branch"
        last = refs.last_snapshot(repository, tip)
        near = "" if last is None else f"the last snapshot is '{last.snapshot}'; "
        raise SnapshotNotFoundError(message, where=commit_id, hint=f"{near}see 'gitexport log'")
    return refs.read_commit(repository, commit_id)


def _prefixed(repository: DataRepository, tip: ObjectId, prefix: str) -> Commit:
    names = refs.snapshot_tags(repository) or _names_on_branch(repository, tip)
    start = bisect_left(names, prefix)
    found = list(islice((name for name in names[start:] if name.startswith(prefix)), 4))
    if len(found) == 1:
        return _tagged(repository, tip, found[0])
    if not found:
        raise _nothing_named(repository, tip, prefix)
    more = ", …" if len(found) > 3 else ""  # noqa: PLR2004 - as many as a line holds
    message = f"'{prefix}' is the beginning of several snapshots"
    hint = f"say more of one of: {', '.join(found[:3])}{more}"
    raise SnapshotNotFoundError(message, where=prefix, hint=hint)


def _at_or_before(repository: DataRepository, tip: ObjectId, rev: str, instant: datetime) -> Commit:
    limit = format_tag(instant)
    oldest = None
    for commit_id, name in refs.snapshot_names(repository, tip):
        if name <= limit:
            return refs.read_commit(repository, commit_id)
        oldest = name
    if oldest is None:
        raise _no_snapshot(rev)
    message = f"no snapshot at or before '{rev}'"
    hint = f"the oldest is '{oldest}'"
    raise SnapshotNotFoundError(message, where=rev, hint=hint)


def _last_instant(rev: str) -> datetime:
    try:
        if _DATE.fullmatch(rev):
            day = datetime.fromisoformat(rev).replace(tzinfo=UTC)
            return day + timedelta(days=1, seconds=-1)
        at = datetime.fromisoformat(rev)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"'{rev}' is not a time: {error}"
        raise SnapshotNotFoundError(message, where=rev, hint=_FORMS) from error


def _no_rev(repository: DataRepository, tip: ObjectId, rev: str) -> SnapshotNotFoundError:
    """Says that a text has no form of a REV, and names the snapshots that may be meant."""
    message = f"'{rev}' does not name a snapshot"
    near = _nearest(repository, tip, rev)
    hint = f"the nearest: {', '.join(near)}; {_FORMS}" if near else _FORMS
    return SnapshotNotFoundError(message, where=rev, hint=hint)


def _nearest(repository: DataRepository, tip: ObjectId, rev: str) -> list[str]:
    """Finds what begins with a part of a commit id, or is next to a time; else the last."""
    if _PART_OF_ID.fullmatch(rev):
        ids = (commit_id for commit_id, _name in refs.snapshot_names(repository, tip))
        begun = list(islice((found for found in ids if found.startswith(rev)), 3))
        if begun:
            return [str(found) for found in begun]
    names = refs.snapshot_tags(repository) or _names_on_branch(repository, tip)
    digits = "".join(_DIGITS.findall(rev))
    if len(digits) < len("20250622"):
        return names[-1:]
    return _around(names, f"{digits[:8]}-{digits[8:14]}")


def _nothing_named(repository: DataRepository, tip: ObjectId, name: str) -> SnapshotNotFoundError:
    names = refs.snapshot_tags(repository) or _names_on_branch(repository, tip)
    if not names:
        return _no_snapshot(name)
    message = f"there is no snapshot '{name}'"
    hint = f"the nearest: {', '.join(_around(names, name))}; see 'gitexport log'"
    return SnapshotNotFoundError(message, where=name, hint=hint)


def _around(names: list[str], name: str) -> list[str]:
    """Gives the names before and after the place where a name would stand."""
    place = bisect_left(names, name)
    return names[max(0, place - 1) : place + 1]


def _names_on_branch(repository: DataRepository, tip: ObjectId) -> list[str]:
    return sorted(name for _commit_id, name in refs.snapshot_names(repository, tip))


def _no_snapshot(rev: str) -> SnapshotNotFoundError:
    message = "there is no snapshot yet"
    return SnapshotNotFoundError(message, where=rev, hint="run 'gitexport export'")
