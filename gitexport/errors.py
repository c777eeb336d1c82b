"""The exceptions that gitexport raises, each with the exit code it leads to.

    GitExportError                 never raised directly
    ├── UsageError                 2   the command line asks for something that is not there
    │   └── SnapshotNotFoundError      no snapshot answers to a REV
    ├── ConfigError                2   gitexport.toml says something that cannot be
    │   ├── RelationNotFoundError      a configured relation is not in the database
    │   └── KeyNotUniqueError          two rows of one entity have the same key
    ├── QuarantinedError           3   --strict, and a row was refused
    ├── LockedError                4   another run holds the lock
    ├── PublishError               5   the remote refused, or did not confirm
    ├── DecisionNeededError        6   a person has to choose
    ├── CorruptRepositoryError     7   objects or refs of the data repository are damaged
    ├── SourceError                8   the database cannot be reached or refuses
    │   ├── ConnectionFailedError      no connection, or it was lost
    │   ├── PermissionDeniedError      the role lacks a privilege
    │   └── StatementFailedError       the server refused a statement
    ├── ConflictError              9   restore, revert, apply or import met a conflict
    │   ├── RowRefusedError            a row cannot be written as its document says
    │   └── PatchConflictError         a document is not what a patch was made for
    ├── MachineError              10   disk, memory or permission of this machine
    ├── UnsupportedValueError          one value cannot be held; collected as quarantine
    ├── NotCanonicalError              bytes are not in canonical form
    └── HeadMovedError                 the branch moved meanwhile; the run starts again

Exit codes are those of the command line reference. A bug keeps its traceback and exits 70.
"""

from __future__ import annotations


class GitExportError(Exception):
    """An expected failure: what happened, where, and how to mend it.

    `message` is one lower-case line without a full stop. `where` names the file, relation,
    key or commit. `hint` is one command or setting that mends it. None of the three ever
    holds a password.
    """

    exit_code = 70

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # It travels between processes, also where a constructor wants more than a message.
        return _rebuilt, (type(self), self.message, self.__dict__)


def _rebuilt(
    kind: type[GitExportError], message: str, members: dict[str, object]
) -> GitExportError:
    error = kind.__new__(kind, message)
    error.__dict__.update(members)
    return error


class UsageError(GitExportError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class SnapshotNotFoundError(UsageError):
    """No snapshot answers to a REV."""


class ConfigError(GitExportError):
    """The configuration says something that cannot be.

    `key` is the path of the key in gitexport.toml, where one is to blame: who has the file's
    text can tell its line.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        key: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.key = key


class RelationNotFoundError(ConfigError):
    """A configured relation, key column or flag column is not in the database."""


class KeyNotUniqueError(ConfigError):
    """Two rows of one entity have the same key, so they would share one file."""


class QuarantinedError(GitExportError):
    """A row was refused and `--strict` asked for all or nothing."""

    exit_code = 3


class LockedError(GitExportError):
    """Another run holds the lock of this data repository."""

    exit_code = 4


class PublishError(GitExportError):
    """The remote refused a ref, or did not show it after the push."""

    exit_code = 5


class DecisionNeededError(GitExportError):
    """A guard stopped the run; the hint names every way on."""

    exit_code = 6


class CorruptRepositoryError(GitExportError):
    """An object or ref of the data repository is damaged or missing."""

    exit_code = 7


class SourceError(GitExportError):
    """The database cannot be used."""

    exit_code = 8


class ConnectionFailedError(SourceError):
    """The database could not be reached, or the connection was lost.

    `is_transient` tells whether the same work may succeed a moment later: True for a lost or
    refused connection, False for a wrong password or an unknown database.
    """

    def __init__(
        self,
        message: str,
        *,
        is_transient: bool = True,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.is_transient = is_transient


class PermissionDeniedError(SourceError):
    """The role lacks a privilege; the hint names the grant."""


class StatementFailedError(SourceError):
    """The server refused a statement.

    `sqlstate` is PostgreSQL's five-character code, empty where there is none.
    """

    def __init__(
        self, message: str, *, sqlstate: str = "", where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.sqlstate = sqlstate


class ConflictError(GitExportError):
    """Two changes meet in one place."""

    exit_code = 9


class RowRefusedError(ConflictError):
    """A row cannot be written as its document says: a constraint, a type, a trigger.

    `entity` and `key` name the document, `key` only where it is known; `constraint` is the
    constraint that the row breaks. `sqlstate` is PostgreSQL's code, empty where there is none.
    """

    def __init__(  # noqa: PLR0913 - what names a row
        self,
        message: str,
        *,
        entity: str,
        key: tuple[str, ...] | None = None,
        constraint: str | None = None,
        sqlstate: str = "",
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.entity = entity
        self.key = key
        self.constraint = constraint
        self.sqlstate = sqlstate


class PatchConflictError(ConflictError):
    """A document is not what a patch was made for.

    `pointer` is the JSON Pointer of the place, `expected` and `found` are the exactly read
    values there, `gitexport.model.changeset.ABSENT` where there is none.
    """

    def __init__(self, message: str, *, pointer: str, expected: object, found: object) -> None:
        super().__init__(message)
        self.pointer = pointer
        self.expected = expected
        self.found = found


class MachineError(GitExportError):
    """This machine refused: disk full, no memory, no permission."""

    exit_code = 10


class UnsupportedValueError(GitExportError):
    """A value that canonical JSON cannot hold so that it restores to an equal value."""

    exit_code = 3


class NotCanonicalError(GitExportError):
    """A document is not in canonical form."""

    exit_code = 1


class HeadMovedError(GitExportError):
    """The branch no longer points to the commit that a run started from."""

    exit_code = 4
