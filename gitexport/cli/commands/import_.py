"""`gitexport import`: loads a snapshot into a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from gitexport.cli.invocation import Invocation, pass_invocation
from gitexport.cli.parser import Command
from gitexport.errors import UsageError

if TYPE_CHECKING:
    from gitexport.transfer.import_options import ImportOptions
    from gitexport.transfer.import_report import ImportReport

_MODES = ("skip", "upsert", "mirror")
_Value = TypeVar("_Value")


class ImportArguments(NamedTuple):
    """What the command line says."""

    source: str
    modes: tuple[str, ...]
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    base: str | None = None
    overrides: tuple[str, ...] = ()
    fires_triggers: bool = False
    accepts_config: bool = False
    creates: bool = False
    into: str | None = None
    prints_id_map: bool = False
    is_dry_run: bool = False
    is_agreed: bool = False


@click.command(
    "import",
    cls=Command,
    short_help="Load a snapshot into a database.",
    help="""Load a snapshot into the database: from a data repository, a URL or an archive.

All or nothing, in one transaction. Rows that an import does not change are not touched, and in
a tracked database those that it changes are pending for the next export. Where an entity has
a natural_key (or --match names columns), its rows are recognised by that, new rows get their
keys from the database, and every reference follows. People's triggers and rules rest meanwhile.

With --base, only what the source changed since that snapshot is brought in, field by field; a
field that both sides changed is a conflict, and nothing is done. Needs no data repository of
its own.""",
    examples=[
        ("what would happen", "gitexport import ../data --mode upsert --dry-run"),
        (
            "a snapshot of a public repository",
            "gitexport import https://example.org/data.git@20250622-072114 --mode skip",
        ),
        ("make one table like the snapshot", "gitexport import ../data --mode mirror --only users"),
        (
            "a copy in a database of its own",
            "gitexport import data.tar.gz --mode upsert --into copy",
        ),
        (
            "bring over what changed elsewhere",
            "gitexport import ../dev --base 20250622-072114 --mode upsert",
        ),
    ],
    exit_codes=[5, 6, 7, 8, 9],
)
@click.argument("source", metavar="SOURCE[@REV]", type=click.Path(readable=False))
@click.option(
    "--mode",
    "modes",
    metavar="[ENTITY=]MODE",
    multiple=True,
    required=True,
    help="What to do with rows that are there: skip, upsert (update them), or mirror (also"
    " delete those that the snapshot lacks).",
)
@click.option("--only", metavar="ADDRESS", multiple=True, help="Only this entity or document.")
@click.option("--exclude", metavar="ADDRESS", multiple=True, help="Not this entity or document.")
@click.option(
    "--match",
    metavar="ENTITY=COLUMN,…",
    multiple=True,
    help="Recognise rows by these columns instead of the natural_key.",
)
@click.option("--base", metavar="REV", help="Merge only what the source changed since REV.")
@click.option(
    "--override",
    "overrides",
    multiple=True,
    type=click.Choice(["deletes", "cascade"]),
    help="Go on where this guard stops.",
)
@click.option(
    "--fire-triggers",
    "fires_triggers",
    is_flag=True,
    help="Leave people's triggers and rules at work.",
)
@click.option(
    "--accept-config",
    "accepts_config",
    is_flag=True,
    help="Let the SQL of the snapshot's configuration run (where), which a mirror needs.",
)
@click.option("--create", "creates", is_flag=True, help="Make tables that are not there.")
@click.option(
    "--into",
    metavar="NAME",
    is_flag=False,
    flag_value="",
    help="Make a database for the snapshot, by default named by its tag, with all its tables.",
)
@click.option(
    "--print-id-map",
    "prints_id_map",
    is_flag=True,
    help="List the documents whose rows have other keys here.",
)
@click.option("--dry-run", "-n", "is_dry_run", is_flag=True, help="Stop after the plan.")
@click.option("--yes", "-y", "is_agreed", is_flag=True, help="Do not ask.")
@pass_invocation
def command(invocation: Invocation, /, **given: object) -> int:
    """Runs the command."""
    return run(ImportArguments(**given), invocation)  # type: ignore[arg-type]


def run(arguments: ImportArguments, invocation: Invocation) -> int:
    """Plans, asks, imports, and tells what was done."""
    from gitexport.api.import_ import ImportJob, ImportRequest, open_import
    from gitexport.cli.agreement import require_agreement
    from gitexport.cli.render.imported import print_import, print_plan

    options = _options(arguments)

    def carry_out(job: ImportJob, options: ImportOptions) -> ImportReport:
        with invocation.progress() as progress:
            return job.run(options, progress)

    request = ImportRequest(arguments.source, arguments.base, arguments.into)
    # No rows of people's are in a database that is made for the snapshot.
    is_free = arguments.is_dry_run or arguments.is_agreed or arguments.into is not None
    with open_import(invocation.settings(), request) as job:
        if is_free:
            return print_import(carry_out(job, options), invocation)
        # The plan is a transaction of its own: nothing is locked while a person thinks.
        plan = carry_out(job, replace(options, is_dry_run=True))
        if (plan.changes or plan.created) and not plan.conflicts:
            if not invocation.options.is_json:
                print_plan(plan, invocation)
            require_agreement(invocation, f"import into database '{plan.target}'?")
        return print_import(carry_out(job, options), invocation)


def _options(arguments: ImportArguments) -> ImportOptions:
    from gitexport.export.options import Override
    from gitexport.model.address import parse_address
    from gitexport.transfer.import_options import ImportMode, ImportOptions

    named, general = _pairs(arguments.modes, "--mode", _mode)
    if len(general) != 1:
        message = "one --mode has to stand for all entities"
        raise UsageError(message, where="--mode", hint="as in --mode upsert --mode orders=skip")
    match, rest = _pairs(arguments.match, "--match", _columns)
    if rest:
        message = f"'{arguments.match[0]}' names no entity"
        raise UsageError(message, where="--match", hint="as in --match users=email")
    addresses = [*map(parse_address, arguments.only), *map(parse_address, arguments.exclude)]
    for address in addresses:
        if address.pointer is not None:
            message = f"'{address}' names a field; documents are imported whole"
            raise UsageError(message, where=str(address), hint="leave out what follows the #")
    return ImportOptions(
        ImportMode(general[0]),
        {name: ImportMode(mode) for name, mode in named.items()},
        match,
        tuple(addresses[: len(arguments.only)]),
        tuple(addresses[len(arguments.only) :]),
        overrides=frozenset(map(Override, arguments.overrides)),
        fires_triggers=arguments.fires_triggers,
        is_dry_run=arguments.is_dry_run,
        runs_filters=arguments.accepts_config,
        lists_keys=arguments.prints_id_map,
        creates=arguments.creates or arguments.into is not None,
    )


def _pairs(
    texts: Iterable[str], option: str, read: Callable[[str, str], _Value]
) -> tuple[dict[str, _Value], list[_Value]]:
    """Reads ENTITY=VALUE, and values that stand alone."""
    named: dict[str, _Value] = {}
    general = []
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals:
            general.append(read(text, option))
        elif name in named:
            message = f"'{name}' is named twice"
            raise UsageError(message, where=option, hint=f"keep one {option} {name}=…")
        else:
            named[name] = read(value, option)
    return named, general


def _mode(text: str, option: str) -> str:
    if text in _MODES:
        return text
    message = f"'{text}' is no mode"
    raise UsageError(message, where=option, hint=f"one of {', '.join(_MODES)}")


def _columns(text: str, option: str) -> tuple[str, ...]:
    columns = tuple(column.strip() for column in text.split(","))
    if all(columns):
        return columns
    message = f"'{text}' is no list of columns"
    raise UsageError(message, where=option, hint="as in --match users=email")
