"""Connects to PostgreSQL, and says why it cannot without ever showing a password.

libpq echoes fragments of connection strings it cannot read, and a password with an
unescaped `@` ends up in the host's name. So its texts are never passed on: the reasons are
recognised and told in gitexport's own words. What the server itself answers is passed on
where it is no reason that is known here, without anything quoted that is not plainly a name.

Source: PostgreSQL documentation, libpq, "Connection Strings".
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gitexport.errors import ConnectionFailedError
from gitexport.source.postgresql.session import Connection

APPLICATION_NAME = "gitexport"
_CONNECT_TIMEOUT = 10
_FORM_HINT = "write --dsn 'host=… dbname=… user=…' or postgresql://user@host/database"
_ESCAPE_HINT = "write '@' and '/' inside the password as %40 and %2F"
_QUOTE_HINT = "write --dsn 'host=… dbname=… user=…', with values that hold spaces in quotes"
_UNKNOWN_HINT = "try the same connection with psql; it shows the server's own words"
_ANSWERED_HINT = (
    "mend it on the server, or name another database or role: --dsn, PGDATABASE, PGUSER"
)
_URI = re.compile(r"postgres(?:ql)?://([^?]*)")
_PLAIN = re.compile(r"[\w.:/@+ -]{1,200}")
_SHOWN = (
    ("database", "dbname", "PGDATABASE", _PLAIN),
    ("host", "host", "PGHOST", re.compile(r"[\w.:/,-]{1,200}")),
    ("port", "port", "PGPORT", re.compile(r"[\d,]{1,20}")),
    ("role", "user", "PGUSER", _PLAIN),
)


# A severity, in whatever language, has two spaces behind it, which libpq's own texts have not.
_SEVERITY = re.compile(r"(?:^|: )[^\s:]+:  (.+)", re.MULTILINE)
_QUOTED = re.compile(r'"([^"]*)"')


class _Reason(NamedTuple):
    # Compiled where a connection fails; no other start shall take longer for it.
    pattern: str
    text: str
    hint: str
    is_transient: bool = True


_REASONS = (
    _Reason(
        r"\binvalid (?:\w+ )+(?:value|option)|bad value for",
        "a setting of the connection string is not valid",
        "check port, sslmode, connect_timeout and the like",
        is_transient=False,
    ),
    _Reason(
        "password authentication failed|no password supplied",
        "the password is wrong or missing",
        "set PGPASSWORD, add a line to ~/.pgpass, or check the role's name",
        is_transient=False,
    ),
    _Reason(
        'database ".*" does not exist',
        "there is no such database",
        "name one that exists: --dsn 'dbname=…' or PGDATABASE",
        is_transient=False,
    ),
    _Reason(
        'role ".*" does not exist|(?:Peer|Ident) authentication failed',
        "the server does not accept this role",
        "name a role that exists: --dsn 'user=…' or PGUSER",
        is_transient=False,
    ),
    _Reason(
        "permission denied for database|does not have CONNECT privilege",
        "the role has no CONNECT privilege for this database",
        "run GRANT CONNECT ON DATABASE … TO …, or name another role: --dsn 'user=…' or PGUSER",
        is_transient=False,
    ),
    _Reason(
        "is not permitted to log in",
        "the role is not permitted to log in",
        "run ALTER ROLE … LOGIN, or name another role: --dsn 'user=…' or PGUSER",
        is_transient=False,
    ),
    _Reason(
        "too many clients|too many connections|remaining connection slots",
        "the server has no free connection",
        "wait until connections are free, or raise max_connections",
    ),
    _Reason(
        "starting up|shutting down|not yet accepting|in recovery mode",
        "the server is starting or stopping",
        "try again in a moment",
    ),
    _Reason(
        "SSL|certificate|TLS|GSSAPI negotiation",
        "the encrypted connection could not be made",
        "check sslmode, sslrootcert and the server's certificate",
        is_transient=False,
    ),
    _Reason(
        "pg_hba.conf",
        "the server's pg_hba.conf does not let this role in from here",
        "ask for a line in pg_hba.conf, or connect as another role",
        is_transient=False,
    ),
    _Reason(
        "definition of service|service file",
        "the connection service is not defined",
        "check PGSERVICE and ~/.pg_service.conf",
        is_transient=False,
    ),
    _Reason(
        "translate host name|resolve|Name or service not known|nodename nor",
        "the host's name is not known",
        "check the host in --dsn or PGHOST",
    ),
    _Reason(
        "timeout|timed out",
        "the server did not answer in time",
        "check host, port and firewall, or raise connect_timeout",
    ),
    _Reason(
        "refused|No such file or directory|not found",
        "no server answers there",
        "start the server, or check host and port: --dsn, PGHOST, PGPORT",
    ),
)


def connect(dsn: str | None = None) -> Connection:
    """Connects in autocommit mode, so that each user opens the transactions it needs.

    Without a DSN, libpq's own `PG*` variables and service file decide.

    Raises:
        ConnectionFailedError: The connection string cannot be read, or no connection came
            about; the message names host, database and role, never the password.
    """
    settings = _parse(dsn)
    if "connect_timeout" not in settings and not os.environ.get("PGCONNECT_TIMEOUT"):
        settings["connect_timeout"] = _CONNECT_TIMEOUT
    settings |= {"application_name": APPLICATION_NAME, "client_encoding": "UTF8"}
    try:
        connection: Connection = psycopg.connect(
            "", autocommit=True, prepare_threshold=None, **settings
        )
    except psycopg.Error as error:
        raise _failed(error, dsn) from None
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    if not _is_standby(connection):
        # What a role or a database has as its default does not bind who asks for more; a
        # standby is left alone, as its own refusal says what is wrong.
        connection.read_only = False
    return connection


def _is_standby(connection: Connection) -> bool:
    told = connection.info.parameter_status("in_hot_standby")
    if told is not None:
        return told != "off"
    # A server before version 14 does not tell by itself.
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    return bool(row and row[0])


def describe(dsn: str | None = None) -> str:
    """Names the database, host and role of a connection string for people to read.

    Never holds a password, nor any part that is not plainly a name.
    """
    try:
        settings = _parse(dsn)
    except ConnectionFailedError:
        return "the configured database"
    parts = []
    for label, setting, variable, shape in _SHOWN:
        value = str(settings.get(setting) or os.environ.get(variable) or "")
        if shape.fullmatch(value):
            parts.append(f"{label} '{value}'")
    return ", ".join(parts) or "the default database"


def holds_password(dsn: str) -> bool:
    """Tells whether a connection string holds a password, also one that cannot be read."""
    try:
        return bool(_parse(dsn).get("password"))
    except ConnectionFailedError:
        return True


def _parse(dsn: str | None) -> dict[str, Any]:
    text = (dsn or "").strip()
    uri = _URI.match(text)
    # In a URI, libpq takes what follows the first `@` for the host, and what follows a `/`
    # for the database: a password with either, not encoded, would show up there.
    if uri and "@" in uri[1] and (uri[1].count("@") > 1 or "/" in uri[1].partition("@")[0]):
        raise _unreadable(_ESCAPE_HINT)
    if text and "=" not in text and not uri:
        raise _unreadable(_FORM_HINT)
    try:
        return dict(conninfo_to_dict(text))
    except (psycopg.Error, UnicodeError):
        # The driver's text quotes what it could not read, which may be the password; a
        # percent sign in it may even make bytes that are no text.
        raise _unreadable(_QUOTE_HINT) from None


def _unreadable(hint: str) -> ConnectionFailedError:
    return ConnectionFailedError(
        "the connection string cannot be read", is_transient=False, hint=hint
    )


def _answer(text: str, dsn: str | None) -> str:
    """Gives the server's own words of a failure, without any password; empty where it said none."""
    found = _SEVERITY.search(text)
    words = "" if found is None else found[1].strip().rstrip(".")
    passwords = (_parse(dsn).get("password"), os.environ.get("PGPASSWORD"))
    if any(password and str(password) in words for password in passwords):
        return ""
    return _QUOTED.sub(lambda match: match[0] if _PLAIN.fullmatch(match[1]) else '"…"', words)


def _failed(error: psycopg.Error, dsn: str | None) -> ConnectionFailedError:
    text = str(error)
    reason = next((reason for reason in _REASONS if re.search(reason.pattern, text)), None)
    if reason is None:
        answer = _answer(text, dsn)
        return ConnectionFailedError(
            f"cannot connect to the database{answer and f': {answer}'}",
            where=describe(dsn),
            hint=_ANSWERED_HINT if answer else _UNKNOWN_HINT,
        )
    return ConnectionFailedError(
        f"cannot connect to the database: {reason.text}",
        is_transient=reason.is_transient,
        where=describe(dsn),
        hint=reason.hint,
    )
