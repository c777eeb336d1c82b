"""A data repository on disk: finding, opening and making it, and what it is.

Owns the one place where libgit2 opens repositories, so that its settings (fsync of objects
and refs) hold for every handle. What gitexport could not serve truthfully is refused on
opening (`suitability`). Knows no documents, and moves no ref.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType, RepositoryOpenFlag, RepositoryState

from gitexport.errors import CorruptRepositoryError, MachineError, UsageError
from gitexport.model.entity import CONFIG_PATH
from gitexport.model.snapshot import ObjectId
from gitexport.store import suitability
from gitexport.store.git_errors import machine_error, translated
from gitexport.store.git_program import PLAIN_FORMAT, GitCall, check_git

# The floor that closes CVE-2024-24575 and CVE-2024-24577.
MINIMUM_LIBGIT2 = (1, 7, 2)

STATE_DIRECTORY = "gitexport"
# git knows it without storing it.
_EMPTY_TREE = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
# Each setting, and the values with which it is left as it is.
_SETTINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # Objects that no ref reaches yet must not be collected in the middle of a run.
    ("gc.auto", ("0",)),
    # The bytes of documents are the same on every machine.
    ("core.autocrlf", ("false",)),
    # A bare repository keeps no log of its refs otherwise.
    ("core.logAllRefUpdates", ("true", "always")),
)
_OPERATIONS = {
    RepositoryState.MERGE: "merge",
    RepositoryState.REVERT: "revert",
    RepositoryState.REVERT_SEQUENCE: "revert",
    RepositoryState.CHERRYPICK: "cherry-pick",
    RepositoryState.CHERRYPICK_SEQUENCE: "cherry-pick",
    RepositoryState.BISECT: "bisect",
    RepositoryState.REBASE: "rebase",
    RepositoryState.REBASE_INTERACTIVE: "rebase",
    RepositoryState.REBASE_MERGE: "rebase",
    RepositoryState.APPLY_MAILBOX: "am",
    RepositoryState.APPLY_MAILBOX_OR_REBASE: "rebase",
}


class DataRepository:
    """An open data repository.

    `path` is the top of its working tree, or the repository itself where it is bare.
    `gitdir` holds HEAD and the index; `common_dir` holds refs and objects and differs from it
    in a linked working tree only. `worktree` is None where it is bare.
    """

    def __init__(self, handle: pygit2.Repository) -> None:
        self._handle: pygit2.Repository | None = handle
        self._odb: pygit2.Odb | None = None
        self.gitdir = Path(handle.path)
        self.common_dir = _common_dir(self.gitdir)
        self.is_bare = bool(handle.is_bare)
        self.worktree = None if self.is_bare else Path(handle.workdir)
        self.path = self.worktree or self.gitdir

    def __repr__(self) -> str:
        return f"DataRepository('{self.path}')"

    @classmethod
    def open(cls, path: Path) -> DataRepository:
        """Opens the repository whose top, or whose bare directory, is `path`.

        Raises:
            UsageError: There is none, or it is of a kind that gitexport cannot serve; the
                hint names the setting to change.
            CorruptRepositoryError: HEAD is missing or damaged.
            MachineError: It may not be read, or libgit2 is too old.
        """
        handle = _open_handle(path)
        suitability.refuse_unsuitable(handle, path)
        return cls(handle)

    @classmethod
    def discover(cls, start: Path) -> DataRepository:
        """Opens the data repository of `start`: the nearest parent with `gitexport.toml`.

        A bare repository counts when it is `start` itself.

        Raises:
            UsageError: No parent holds a `gitexport.toml`, or it is not at the top of a git
                repository.
        """
        here = start.absolute()
        if not here.is_dir():
            message = f"'{start}' is not a directory"
            raise UsageError(message, where=str(start))
        for directory in (here, *here.parents):
            if (directory / CONFIG_PATH).is_file():
                return cls._open_configured(directory)
        if _is_bare_layout(here):
            return cls.open(here)
        message = f"no data repository in '{start}' or above it"
        hint = "make one with 'gitexport init', or name one with -C"
        raise UsageError(message, where=str(start), hint=hint)

    @classmethod
    def create(cls, path: Path, branch: str = "main", *, bare: bool = False) -> DataRepository:
        """Makes a repository, as `git init` does, or opens the one that is there.

        The settings that a data repository needs are written into its own configuration.

        Raises:
            UsageError: The repository that is there cannot be served, or it is a file.
            MachineError: The machine refused.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            message = f"'{path}' cannot be a directory: there is a file"
            raise UsageError(message, where=str(path), hint="choose another directory") from error
        except OSError as error:
            raise machine_error(error, path) from error
        if not (path / ".git").exists() and not _is_bare_layout(path):
            kind = ["--bare"] if bare else []
            command = ["init", "--quiet", f"--initial-branch={branch}", *kind]
            check_git(path, command, GitCall(environment=PLAIN_FORMAT))
        repository = cls.open(path)
        with translated(f"the configuration of '{path}' cannot be written"):
            config = repository.pygit().config
            for name, values in _SETTINGS:
                if name not in config or config[name] not in values:
                    config[name] = values[0]
        return repository

    @property
    def state_dir(self) -> Path:
        """The directory of what is never versioned; made on demand, for its owner only."""
        directory = self.gitdir / STATE_DIRECTORY
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise machine_error(error, directory) from error
        return directory

    @property
    def objects(self) -> Path:
        """The directory of the object database."""
        return self.common_dir / "objects"

    def pygit(self) -> pygit2.Repository:
        """Gives the handle that is kept open. One thread may use it at a time."""
        if self._handle is None:
            self._handle = self.fresh()
        return self._handle

    def fresh(self) -> pygit2.Repository:
        """Opens a new handle, which has seen no object or pack before.

        Raises:
            CorruptRepositoryError: The repository was damaged or removed meanwhile.
        """
        return _open_handle(self.path)

    def forget(self) -> None:
        """Drops the kept handle, as after packs were replaced or before a fork."""
        self._handle = self._odb = None

    def tree_of(self, commit_id: ObjectId) -> bytes:
        """Gives the 20-byte id of a commit's tree.

        Raises:
            CorruptRepositoryError: The commit is missing or damaged.
        """
        with translated(f"the commit '{commit_id}' cannot be read"):
            kind, raw = self.pygit().odb.read(pygit2.Oid(hex=commit_id))
        if kind != ObjectType.COMMIT:
            message = f"'{commit_id}' is not a commit"
            raise CorruptRepositoryError(message, where=commit_id)
        return bytes.fromhex(raw[5:45].decode("ascii"))

    def read_tree(self, tree_id: bytes) -> bytes:
        """Gives the content of a tree object.

        Raises:
            CorruptRepositoryError: It is missing or damaged, or no tree.
        """
        if tree_id == _EMPTY_TREE:
            return b""
        return self._read(tree_id, ObjectType.TREE)

    def read_blob(self, blob_id: bytes) -> bytes:
        """Gives the content of a blob.

        Raises:
            CorruptRepositoryError: It is missing or damaged, or no blob.
        """
        return self._read(blob_id, ObjectType.BLOB)

    def blob_size(self, blob_id: bytes) -> int:
        """Gives the size of a blob in bytes, without reading its content.

        Raises:
            CorruptRepositoryError: It is missing or damaged.
        """
        with translated(f"the blob '{blob_id.hex()}' cannot be read"):
            _kind, size = self.pygit().odb.read_header(pygit2.Oid(raw=blob_id))
        return size

    def checked_out_branch(self) -> str | None:
        """Names the branch that the working tree shows; None where bare or detached.

        Raises:
            CorruptRepositoryError: HEAD is damaged.
        """
        return None if self.is_bare else head_branch(self.pygit())

    @property
    def is_detached(self) -> bool:
        """Whether HEAD names a commit and not a branch."""
        return head_branch(self.pygit()) is None

    def operation_in_progress(self) -> str | None:
        """Names what a person has begun in the working tree: merge, rebase or another."""
        return _OPERATIONS.get(RepositoryState(self.pygit().state()))

    @classmethod
    def _open_configured(cls, directory: Path) -> DataRepository:
        if not (directory / ".git").exists():
            message = f"'{directory / CONFIG_PATH}' is not at the top of a git repository"
            hint = f"run 'gitexport init {directory}'"
            raise UsageError(message, where=str(directory / CONFIG_PATH), hint=hint)
        return cls.open(directory)

    def _read(self, object_id: bytes, kind: ObjectType) -> bytes:
        try:
            odb = self._odb = self._odb or self.pygit().odb
            found, raw = odb.read(pygit2.Oid(raw=object_id))
        except Exception:
            # On the path of every document, only a failure pays for telling of it.
            with translated(f"the {kind.name.lower()} '{object_id.hex()}' cannot be read"):
                raise
        if found != kind:
            name = object_id.hex()
            message = f"'{name}' is not a {kind.name.lower()}"
            raise CorruptRepositoryError(message, where=name)
        return raw


def head_branch(handle: pygit2.Repository) -> str | None:
    """Names the branch of HEAD, also before its first commit; None where detached.

    Raises:
        CorruptRepositoryError: HEAD is damaged.
    """
    with translated("HEAD cannot be read"):
        target = handle.lookup_reference("HEAD").target
    prefix = "refs/heads/"
    return target.removeprefix(prefix) if isinstance(target, str) else None


@cache
def _prepare_libgit2() -> None:
    version = tuple(int(part) for part in pygit2.LIBGIT2_VERSION.split(".")[:3])
    if version < MINIMUM_LIBGIT2:
        message = f"libgit2 {pygit2.LIBGIT2_VERSION} is too old"
        raise MachineError(message, hint="install a current pygit2")
    # libgit2 syncs nothing by itself, and asks only when a repository is opened.
    pygit2.settings.enable_fsync_gitdir(True)  # noqa: FBT003 - libgit2's own form


def _open_handle(path: Path) -> pygit2.Repository:
    _prepare_libgit2()
    try:
        with translated(f"'{path}' cannot be opened"):
            return pygit2.Repository(str(path), RepositoryOpenFlag.NO_SEARCH)
    except (CorruptRepositoryError, MachineError) as error:
        raise suitability.why_not_opened(path, error) from error


def _common_dir(gitdir: Path) -> Path:
    try:
        text = (gitdir / "commondir").read_text().strip()
    except FileNotFoundError:
        return gitdir
    except OSError as error:
        raise machine_error(error, gitdir / "commondir") from error
    return (gitdir / text).resolve()


def _is_bare_layout(path: Path) -> bool:
    return (path / "objects").is_dir() and (path / "refs").is_dir() and (path / "HEAD").exists()
