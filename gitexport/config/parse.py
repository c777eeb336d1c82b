"""Parses gitexport.toml into the values that use cases work with.

Every mistake is a ConfigError that names the file, the line and the key. What parses is
consistent in itself: paths are safe and do not overlap, references between entities hold,
SQL is in one piece. Whether relations and columns exist is for the database to say.
"""

from __future__ import annotations

import re
import tomllib

from gitexport.config.digest import sql_digest
from gitexport.config.documents import parse_documents
from gitexport.config.entities import parse_entities
from gitexport.config.fields import Fields, Place, similar
from gitexport.config.lines import KeyPath, key_lines
from gitexport.config.refs import check_branch, check_remote, check_version
from gitexport.errors import ConfigError
from gitexport.model.entity import CONFIG_PATH, FORMAT_VERSION, Publication, Tracking

_TOP = ("format", "id", "branch", "remote", "version", "source", "entities", "documents")
_SOURCE = ("kind", "tracking")
_KINDS = ("postgresql", "sqlite", "duckdb")
_LARGEST = 8_000_000


def parse_config(text: bytes, *, file: str = CONFIG_PATH) -> Publication:
    """Parses the text of a configuration file; `file` is its name in messages.

    Raises:
        ConfigError: The text is not a configuration; names file, line and key.
    """
    top = read_fields(text, file)
    _check_format(top)
    top.only(_TOP)
    top.require("id")
    source = top.table("source")
    source.only(_SOURCE)
    kind = source.text("kind", _KINDS[0])
    if kind not in _KINDS:
        meant = similar(kind, _KINDS)
        source.fail(
            f"'source.kind' is '{kind}', which is none of {', '.join(_KINDS)}",
            key="kind",
            hint=f"did you mean '{meant}'?" if meant else None,
        )
    entities = parse_entities(top, source.choice("tracking", Tracking, Tracking.FLAG))
    documents = parse_documents(top, entities)
    return Publication(
        repository_id=_repository_id(top),
        branch=top.parsed("branch", check_branch, "main"),
        remote=top.parsed("remote", check_remote, "origin"),
        version=top.parsed("version", check_version, "1.0.0"),
        source_kind=kind,
        entities=entities,
        documents=documents,
        config_text=text,
        sql_digest=sql_digest(entities, documents),
        config_file=file,
    )


def where_is(key: KeyPath, publication: Publication) -> str:
    """Names the file of a configuration that was parsed, and the line of a key or its table."""
    text = publication.config_text.decode("utf-8-sig").replace("\r\n", "\n")
    return Place(publication.config_file, key_lines(text)).where(key)


def read_fields(text: bytes, file: str) -> Fields:
    """Opens the top table of a TOML text.

    Raises:
        ConfigError: The text is not UTF-8 or not TOML; names file and line.
    """
    if len(text) > _LARGEST:
        message = f"'{file}' is larger than a configuration can be ({len(text)} bytes)"
        raise ConfigError(message, where=file)
    try:
        decoded = text.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        message = f"'{file}' is not UTF-8 text"
        raise ConfigError(message, where=f"{file}:{line}") from error
    try:
        values = tomllib.loads(decoded)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _syntax_error(str(error), file, decoded) from error
    return Fields(values, (), Place(file, key_lines(decoded)))


def _syntax_error(problem: str, file: str, text: str) -> ConfigError:
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", problem, re.DOTALL)
    if match:
        reason, line = match[1], match[2]
    else:
        reason = problem.replace(" (at end of document)", "")
        line = str(text.rstrip("\n").count("\n") + 1)
    message = f"'{file}' is not TOML: {reason[:1].lower()}{reason[1:]}"
    return ConfigError(message, where=f"{file}:{line}", hint="correct the syntax at this line")


def _check_format(top: Fields) -> None:
    top.require("format")
    number = top.number("format")
    if number > FORMAT_VERSION:
        top.fail(
            f"this configuration has format {number}, newer than this gitexport reads "
            f"({FORMAT_VERSION})",
            key="format",
            hint="upgrade gitexport: pip install --upgrade gitexport",
        )
    if number < 1:
        top.fail(f"'format' is {number}, but formats count from 1", key="format")


def _repository_id(top: Fields) -> str:
    value = top.text("id", "")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value):
        top.fail(f"'id' is '{value}', which is no identifier such as a UUID", key="id")
    return value
