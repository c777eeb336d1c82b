"""What git calls for single files: documents as lines of fields, and merges field by field.

Neither opens the data repository: git hands over the contents, and asks once for each file.
"""

from __future__ import annotations

from pathlib import Path

from gitexport.canonical.field_lines import field_lines
from gitexport.compare.document_merge import MergedDocument, merge_documents
from gitexport.errors import MachineError, UnsupportedValueError
from gitexport.model.entity import MANIFEST_PATH


def show_fields(file: Path) -> bytes:
    """Gives a file as lines of fields; see `gitexport.canonical.field_lines`.

    Raises:
        MachineError: It cannot be read.
    """
    return field_lines(_read(file))


def merge_files(base: Path, ours: Path, theirs: Path, path: str | None) -> MergedDocument | None:
    """Merges two changes of a document and writes the result over `ours`.

    `path` is where the document stands in the data repository. Gives None where one of the
    files is no JSON; then git has merged the lines, and conflicts are marked in the text.

    Raises:
        MachineError: A file cannot be read or written.
    """
    before = _read(base)
    try:
        merged = merge_documents(
            # git gives an empty file where the document is new on both sides.
            before or None,
            _read(ours),
            _read(theirs),
            is_manifest=path == MANIFEST_PATH,
        )
    except UnsupportedValueError:
        from gitexport.store.git_program import run_git

        files = [str(file.absolute()) for file in (ours, base, theirs)]
        run_git(ours.absolute().parent, ["merge-file", "--", *files])
        return None
    try:
        ours.write_bytes(merged.content)
    except OSError as error:
        raise _refused(error, ours, "write") from error
    return merged


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _refused(error, file, "read") from error


def _refused(error: OSError, file: Path, what: str) -> MachineError:
    return MachineError(f"cannot {what} '{file}': {error.strerror}", where=str(file))
