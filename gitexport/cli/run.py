"""Runs a command line, and turns every way it can end into an exit code."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import click

from gitexport.cli.global_options import GlobalOptions
from gitexport.cli.invocation import KEY, Invocation
from gitexport.cli.parser import COMPLETE_VARIABLE, make_group
from gitexport.cli.streams import discard
from gitexport.errors import GitExportError, MachineError, UsageError

BUG, INTERRUPTED, BROKEN_PIPE = 70, 130, 141


def run(arguments: Sequence[str]) -> int:
    """Runs one command and gives its exit code. The only handler of all errors."""
    _prepare_streams()
    options = GlobalOptions(output="json" if _asks_for_json(arguments) else "text")
    options.no_color = "--no-color" in arguments
    invocation = Invocation(options)
    try:
        code = (
            _complete(invocation) if _is_completion(invocation) else _invoke(arguments, invocation)
        )
        sys.stdout.flush()
    except BrokenPipeError:
        return _leave_pipe()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - all that is left is a bug
        failure = _explain(error)
        if failure.exit_code == BUG and not options.is_json:
            traceback.print_exception(error, file=sys.stderr)
        with suppress(BrokenPipeError):
            invocation.messages.error(failure)
        return failure.exit_code
    return code


def _is_completion(invocation: Invocation) -> bool:
    return bool(invocation.environment.get(COMPLETE_VARIABLE))


def _complete(invocation: Invocation) -> int:
    from click.shell_completion import shell_complete

    instruction = invocation.environment[COMPLETE_VARIABLE]
    group = make_group(has_color=False)
    # What stands before the word that is completed tells which data repository is meant.
    settings = {"obj": invocation.options}
    return shell_complete(group, settings, "gitexport", COMPLETE_VARIABLE, instruction)


def _invoke(arguments: Sequence[str], invocation: Invocation) -> int:
    group = make_group(has_color=invocation.has_color)
    try:
        with group.make_context("gitexport", list(arguments), obj=invocation.options) as context:
            context.meta[KEY] = invocation
            result = group.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as nothing:
        sys.stderr.write(f"{nothing.message}\n")
        return nothing.exit_code
    finally:
        invocation.messages.close()
    return result if isinstance(result, int) else 0


def _prepare_streams() -> None:
    # Data is UTF-8 whatever the locale says, and never fails for being printed.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with suppress(ValueError, OSError):
                reconfigure(encoding="utf-8", errors="backslashreplace")


def _asks_for_json(arguments: Sequence[str]) -> bool:
    # Also a command line that does not parse answers in the form that was asked for.
    pairs = pairwise([*arguments, ""])
    return any(
        word in {"-ojson", "-o=json", "--output=json"}
        or (word in {"-o", "--output"} and value == "json")
        for word, value in pairs
    )


def _usage_error(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path if context else 'gitexport'} --help"
    text = error.format_message()
    if isinstance(error, (click.NoSuchOption, click.exceptions.NoSuchCommand)):
        # Its text has click's suggestions in it, which know nothing of what is loaded late.
        text = error.message
        meant = _meant(error)
        hint = f"did you mean '{meant}'?" if meant else hint
    message = " ".join(text.split()).rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _meant(error: click.NoSuchOption | click.exceptions.NoSuchCommand) -> str | None:
    if isinstance(error, click.NoSuchOption):
        return next(iter(error.possibilities or ()), None)
    import difflib

    context = error.ctx
    group = None if context is None else context.command
    if context is None or not isinstance(group, click.Group):
        return None
    known = group.list_commands(context)
    return next(iter(difflib.get_close_matches(error.command_name, known, n=1)), None)


def _explain(error: BaseException) -> GitExportError:
    """Says what ended the run, with its exit code."""
    if isinstance(error, GitExportError):
        return error
    if isinstance(error, click.ClickException):
        return _usage_error(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return _with_code(GitExportError("interrupted"), INTERRUPTED)
    if isinstance(error, MemoryError):
        return MachineError("out of memory")
    if isinstance(error, OSError) and error.errno in _MACHINE:
        name = error.filename if isinstance(error.filename, str) else None
        return MachineError(f"the machine refused: {error.strerror}", where=name)
    failure = GitExportError(
        f"{type(error).__name__}: {error}",
        where="a bug in gitexport",
        hint="please report it with everything above",
    )
    return _with_code(failure, BUG)


def _with_code(failure: GitExportError, code: int) -> GitExportError:
    failure.exit_code = code
    return failure


def _leave_pipe() -> int:
    discard(sys.stdout)
    return BROKEN_PIPE


_MACHINE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.EIO,
    errno.EFBIG,
    errno.ENOMEM,
}
