"""`gitexport compare`: what differs between two snapshots, entity by entity, field by field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from gitexport.cli import completing
from gitexport.cli.global_options import output_option
from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.compare.formats import FORMATS
from gitexport.errors import UsageError
from gitexport.model.changeset import ChangeKind

if TYPE_CHECKING:
    from gitexport.compare.comparison import Comparison
    from gitexport.compare.selection import FieldTest, Selection

_LATEST = "latest"


class CompareArguments(NamedTuple):
    """What the command line says."""

    base: str
    target: str
    only: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    output_file: Path | None = None
    is_stat: bool = False
    is_name_only: bool = False
    is_reversed: bool = False
    has_exit_code: bool = False


@click.command(
    "compare",
    cls=Command,
    short_help="Compare two snapshots, or one with the database, field by field.",
    help="""Compare two snapshots: which documents were added, modified and deleted, and which
of their fields differ. TARGET is the last snapshot unless it is named.

BASE and TARGET are REVs as in 'gitexport show', in either order; @database in the place of one
is the live database, of which every row is read in one consistent view and nothing is written.
Documents match by their keys, also where a relayout has moved them. A document is renamed when
its key changed and nothing else, rewritten when only its bytes differ. Numbers differ when they
are written differently, as 1.10 and 1.1. Documents over 1 MB or deeper than 100 levels are
listed, not compared.

markdown fits a comment on a pull request, html is one page without network, sql turns rows of
BASE into those of TARGET, json-patch is what 'gitexport apply' reads.

FIELD is a column, or a JSON Pointer such as /address/city. VALUE is text as it is, or the JSON
of another value: true, null, 1.10. Only @database needs a database.""",
    examples=[
        ("what the last snapshot changed", "gitexport compare latest~1"),
        ("what happened to one entity since a day", "gitexport compare 2025-06-22 --only users"),
        ("what an export would change", "gitexport compare latest @database"),
        ("as JSON lines, for other programs", "gitexport compare latest~1 -o jsonl"),
        ("without a column that always changes", "gitexport compare latest~1 --ignore updated_at"),
        (
            "as a page to send around",
            "gitexport compare latest~1 -o html --output-file changes.html",
        ),
        ("as SQL that undoes the last snapshot", "gitexport compare latest~1 -o sql --reverse"),
        ("does anything differ?", "gitexport compare latest~1 --exit-code -q >/dev/null"),
    ],
    exit_codes=[1, 6, 7, 8],
)
@click.argument("base", metavar="BASE", shell_complete=completing.sides)
@click.argument("target", metavar="[TARGET]", default=_LATEST, shell_complete=completing.sides)
@output_option(["text", *FORMATS])
@click.option("--stat", "is_stat", is_flag=True, help="Print the counts alone.")
@click.option("--name-only", "is_name_only", is_flag=True, help="Print the files' paths alone.")
@click.option(
    "--only",
    metavar="ADDRESS",
    shell_complete=completing.entities,
    multiple=True,
    help="Compare only this: users, users:42, users:4*, users:42#/address/city.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in ChangeKind]),
    help="List only changes of this kind.",
)
@click.option(
    "--ignore", metavar="FIELD", multiple=True, help="Do not count differences in this field."
)
@click.option(
    "--where",
    metavar="FIELD=VALUE",
    multiple=True,
    help="List only documents that have this value, before or after.",
)
@click.option("--reverse", "is_reversed", is_flag=True, help="Exchange BASE and TARGET.")
@click.option(
    "--output-file",
    metavar="F",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, which is replaced when all is written.",
)
@click.option("--exit-code", "has_exit_code", is_flag=True, help="Exit with 1 if they differ.")
@pass_invocation
def command(invocation: Invocation, /, **options: Any) -> int:  # noqa: ANN401 - click's
    """Runs the command."""
    return run(CompareArguments(**options), invocation)


def run(arguments: CompareArguments, invocation: Invocation) -> int:
    """Prints the differences while they are found."""
    from gitexport.api.compare import Comparer

    form = invocation.options.output
    if (arguments.is_stat or arguments.is_name_only) and form not in {"text", "json"}:
        message = f"--stat and --name-only print text or json, not {form}"
        raise UsageError(message, hint="leave out '-o', or use '-o json'")
    base, target = arguments.base, arguments.target
    if arguments.is_reversed:
        base, target = target, base
    with invocation.progress() as progress:
        comparer = Comparer.open(invocation.settings(progress))
        comparison = comparer.compare(base, target, _selection(arguments))
    with comparer:
        return _finish(comparison, arguments, invocation)


def _finish(comparison: Comparison, arguments: CompareArguments, invocation: Invocation) -> int:
    form = invocation.options.output
    if arguments.output_file is None:
        _print(comparison, arguments, invocation)
    else:
        from gitexport.cli.render.output_file import open_output

        with open_output(arguments.output_file) as write:
            _write(comparison, arguments, form, write)
    if comparison.is_empty:
        names = f"'{comparison.base.name}' and '{comparison.target.name}'"
        invocation.messages.info(f"nothing differs between {names}")
    return int(arguments.has_exit_code and not comparison.is_empty)


def _print(comparison: Comparison, arguments: CompareArguments, invocation: Invocation) -> None:
    output, form = invocation.output, invocation.options.output
    has_tables = not (arguments.is_stat or arguments.is_name_only)
    if form == "text" and output.is_terminal and has_tables:
        from gitexport.cli.render.comparison import print_tables

        with invocation.paged() as paged:
            print_tables(comparison, paged)
        return
    _write(comparison, arguments, form, output.json_piece if "json" in form else output.piece)


def _write(
    comparison: Comparison,
    arguments: CompareArguments,
    form: str,
    write: Callable[[str], object],
) -> None:
    if arguments.is_stat or arguments.is_name_only:
        _write_short(comparison, arguments, form, write)
    elif form == "text":
        from gitexport.cli.render.comparison import write_plain

        write_plain(comparison, write)
    else:
        from gitexport.compare.formats import load_format

        load_format(form)(comparison, write)


def _write_short(
    comparison: Comparison,
    arguments: CompareArguments,
    form: str,
    write: Callable[[str], object],
) -> None:
    """Writes counts or names alone."""
    if form == "json":
        from gitexport.compare.formats.one_object import write_counts, write_names

        (write_names if arguments.is_name_only else write_counts)(comparison, write)
        return
    from gitexport.cli.render import comparison as text

    (text.write_names if arguments.is_name_only else text.write_all_counts)(comparison, write)


def _selection(arguments: CompareArguments) -> Selection:
    from gitexport.compare.selection import Selection, field_pointer
    from gitexport.model.address import parse_address

    return Selection(
        only=tuple(map(parse_address, arguments.only)),
        kinds=frozenset(map(ChangeKind, arguments.kinds)),
        ignore=tuple(map(field_pointer, arguments.ignore)),
        where=tuple(map(_test, arguments.where)),
    )


def _test(text: str) -> FieldTest:
    from gitexport.compare.selection import FieldTest, field_pointer

    field, equals, value = text.partition("=")
    if not field or not equals:
        message = f"'{text}' is not FIELD=VALUE"
        raise UsageError(message, where="--where", hint="as in --where city=Rome")
    return FieldTest(field_pointer(field), value)
