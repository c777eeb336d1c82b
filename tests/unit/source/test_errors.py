"""Every exception of the driver becomes one of gitexport's, without any value of a row."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as driver

from gitexport.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    SourceError,
    StatementFailedError,
)
from gitexport.source.postgresql.errors import (
    _without_values,
    is_row_refusal,
    is_transient,
    translate,
    translating,
)

_CLASSES = sorted(
    (
        value
        for value in vars(driver).values()
        if isinstance(value, type) and issubclass(value, psycopg.Error)
    ),
    key=lambda error: error.__name__,
)
_SAID = "what the server said\nDETAIL:  Key (email)=(canary@example.org) exists."
_NOT_LOST = {"42501", "22P02", "23505", "42P01", "57014", "53200", "54000", "40001", "XX000"}


@pytest.mark.parametrize("kind", _CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_of_the_driver_is_translated(kind: type[psycopg.Error]) -> None:
    with pytest.raises(SourceError) as caught, translating("public.things"):
        raise kind(_SAID)
    error = caught.value
    assert error.exit_code == 8
    assert error.where == "public.things"
    assert "what the server said" in error.message
    assert "canary" not in error.message
    assert "canary" not in str(error.__cause__)
    if isinstance(error, StatementFailedError):
        assert error.sqlstate == (kind.sqlstate or "")
    if kind.sqlstate in _NOT_LOST:
        assert not isinstance(error, ConnectionFailedError)


@pytest.mark.parametrize(
    ("kind", "expected", "transient"),
    [
        (driver.AdminShutdown, ConnectionFailedError, True),
        (driver.CannotConnectNow, ConnectionFailedError, True),
        (driver.TooManyConnections, ConnectionFailedError, True),
        (driver.ConnectionFailure, ConnectionFailedError, True),
        (driver.IdleInTransactionSessionTimeout, ConnectionFailedError, True),
        (psycopg.OperationalError, ConnectionFailedError, True),
        (driver.InvalidPassword, ConnectionFailedError, False),
        (driver.InvalidCatalogName, ConnectionFailedError, False),
        (driver.InsufficientPrivilege, PermissionDeniedError, False),
        (driver.QueryCanceled, StatementFailedError, False),
        (driver.UniqueViolation, StatementFailedError, False),
        (psycopg.ProgrammingError, StatementFailedError, False),
    ],
)
def test_what_may_be_tried_again_is_told(
    kind: type[psycopg.Error], expected: type[SourceError], *, transient: bool
) -> None:
    error = translate(kind("no"))
    assert type(error) is expected
    assert is_transient(error) == is_transient(kind("no")) == transient


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (driver.CharacterNotInRepertoire, True),
        (driver.UntranslatableCharacter, True),
        (driver.ProgramLimitExceeded, True),
        (driver.OutOfMemory, True),
        (driver.InternalError_, True),
        (driver.DivisionByZero, True),
        (driver.AdminShutdown, False),
        (driver.QueryCanceled, False),
        (driver.InsufficientPrivilege, False),
        (driver.SyntaxError, False),
        (psycopg.OperationalError, False),
    ],
)
def test_only_what_a_row_can_cause_is_a_row_s_refusal(
    kind: type[psycopg.Error], *, expected: bool
) -> None:
    assert is_row_refusal(kind("no")) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'invalid input syntax for type integer: "canary"',
            "invalid input syntax for type integer: …",
        ),
        ('value "canary" is out of range for type "x"', "value …"),
        (
            'invalid byte sequence for encoding "UTF8": 0xe9 0x22 0x2c',
            'invalid byte sequence for encoding "UTF8"',
        ),
        (
            'value for domain "small" violates check constraint "small_check"',
            'value for domain "small" violates check constraint "small_check"',
        ),
        ("division by zero", "division by zero"),
        ('x: "a" of type "canary" and "b"', "x: …"),
    ],
)
def test_values_in_the_server_s_words_are_left_out(text: str, told: str) -> None:
    assert _without_values(text) == told
