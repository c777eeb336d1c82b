"""Standard error and the log file: warnings, errors, details, for people or as JSON lines."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from gitexport.cli.global_options import GlobalOptions
from gitexport.cli.plain import one_line
from gitexport.cli.streams import discard
from gitexport.errors import GitExportError, MachineError

if TYPE_CHECKING:
    from gitexport.model.ports import Clock

_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[33m", "detail": "\x1b[2m"}
_RESET = "\x1b[0m"


class Messages:
    """Tells people and log files what happens. Also the Progress of commands without stages.

    `-q` keeps stages from the terminal, not from the log file; `-v` adds details to both.
    """

    def __init__(
        self, stream: TextIO, *, options: GlobalOptions, has_color: bool, clock: Clock
    ) -> None:
        self.stream = stream
        self.has_color = has_color
        self.is_terminal = stream.isatty()
        self._options = options
        self._clock = clock
        self._file: TextIO | None = None

    @property
    def is_quiet(self) -> bool:
        """Tells whether stages are kept from the terminal."""
        return self._options.quiet

    @property
    def is_json(self) -> bool:
        """Tells whether messages are JSON lines."""
        return self._options.log_format == "json"

    def stage(self, name: str, total: int | None = None) -> None:
        """Tells that a stage begins."""
        count = "" if total is None else f" ({total})"
        self._tell("info", f"{name}{count}", is_shown=not self._options.quiet)

    def advance(self, steps: int = 1) -> None:
        """Counts for a bar; there is none here."""

    def above(self, tell: Callable[[], None]) -> None:
        """Prints or asks something; there is no bar here."""
        tell()

    def info(self, message: str) -> None:
        """Tells something that is no result."""
        self._tell("info", message, is_shown=not self._options.quiet)

    def warn(self, message: str) -> None:
        """Warns, also with -q."""
        self._tell("warning", message, is_shown=True)

    def detail(self, message: str) -> None:
        """Tells what only -v shows."""
        if self._options.verbose:
            self._tell("detail", message, is_shown=True)

    def log_only(self, message: str) -> None:
        """Writes to the log file what the terminal shows in another way."""
        self._tell("info", message, is_shown=False)

    def error(self, error: GitExportError) -> None:
        """Tells a failure: one JSON object with `-o json`, else one line for each part."""
        if self._options.is_json:
            from gitexport.cli.render.json_object import json_object

            members = {
                "code": error.exit_code,
                "error": one_line(error.message),
                "where": error.where,
                "hint": error.hint,
            }
            self._write(json_object("gitexport.error/v1", members).decode())
        else:
            self._tell("error", error.message, is_shown=True)
            for name, value in (("where", error.where), ("hint", error.hint)):
                if value:
                    self._show_part(name, value)
        self._log_failure(error)
        self._write("")

    def close(self) -> None:
        """Closes the log file; a later message opens it again.

        Raises:
            MachineError: What was written last cannot be kept.
        """
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                raise self._log_error(error) from error

    def _tell(self, level: str, message: str, *, is_shown: bool) -> None:
        text = one_line(message)
        if is_shown:
            self._write(self._record(level, text) if self.is_json else self._line(level, text))
        if level != "error":
            self._log(level, text)

    def _show_part(self, name: str, value: str) -> None:
        if not self.is_json:
            for number, line in enumerate(value.splitlines() or [""]):
                head = f"{name}:" if number == 0 else ""
                self._write(f"{head:<7}{one_line(line)}\n")

    def _write(self, text: str) -> None:
        """Shows text. A stream that takes none, as a file on a full disk, stops no work."""
        try:
            self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError:
            raise
        except OSError:
            discard(self.stream)

    def _line(self, level: str, text: str) -> str:
        head = f"{level}: " if level in {"error", "warning"} else ""
        if self.has_color and self.is_terminal and level in _COLORS:
            return f"{_COLORS[level]}{head or text}{_RESET}{text if head else ''}\n"
        return f"{head}{text}\n"

    def _record(self, level: str, text: str) -> str:
        from gitexport.canonical.value import dumps_line

        time = self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return dumps_line({"level": level, "message": text, "time": time}).decode()

    def _log_failure(self, error: GitExportError) -> None:
        parts = [error.message]
        parts += [
            f"{name}: {one_line(value)}"
            for name, value in (("where", error.where), ("hint", error.hint))
            if value
        ]
        # The log file may be what failed; the failure is on the terminal already.
        with suppress(MachineError):
            self._log("error", one_line("; ".join(parts)))
            self.close()

    def _log(self, level: str, text: str) -> None:
        path = self._options.log_file
        if path is None:
            return
        try:
            if self._file is None:
                self._file = path.open("a", encoding="utf-8", errors="backslashreplace")
            time = self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
            line = self._record(level, text) if self.is_json else f"{time} {level} {text}\n"
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            # What could not be written would be tried again, and fail, when the file is closed.
            with suppress(MachineError):
                self.close()
            raise self._log_error(error) from error

    def _log_error(self, error: OSError) -> MachineError:
        path = self._options.log_file
        message = f"cannot write the log file '{path}': {error.strerror}"
        hint = "free some space, or name another --log-file; rows that no commit holds stay pending"
        return MachineError(message, where=str(path), hint=hint)
