"""Columns that look personal or secret are found, and ordinary ones are not."""

from __future__ import annotations

import pytest

from gitexport.model.relation import Column, Relation, RelationKind, RelationName
from gitexport.setup.private_data import find_private_columns


def findings(name: str, type_name: str = "text", *values: str | None) -> list[tuple[str, str]]:
    """Looks at one column with some values."""
    relation = Relation(RelationName("a", "b"), RelationKind.TABLE, (Column(name, type_name),))
    found = find_private_columns("b", relation, [name], [(value,) for value in values])
    return [(finding.what, finding.by) for finding in found]


@pytest.mark.parametrize(
    ("name", "type_name", "what"),
    [
        ("password", "text", "a password"),
        ("PasswordHash", "character varying(60)", "a password"),
        ("user_pwd", "text", "a password"),
        ("contraseña", "text", "a password"),
        ("api_key", "text", "a secret or token"),
        ("user_pw", "text", "a password"),
        ("accessToken", "text", "a secret or token"),
        ("refresh_tokens", "jsonb", "a secret or token"),
        ("email", "text", "an e-mail address"),
        ("Email", "character varying(60)", "an e-mail address"),
        ("contact_e_mail", "citext", "an e-mail address"),
        ("contact_e_mail", "public.citext", "an e-mail address"),
        ("mails", '"My Types".citext[]', "an e-mail address"),
        ("secrets", "public.hstore", "a secret or token"),
        ("birth_date", "date", "a birth date"),
        ("BirthDate", "timestamp without time zone", "a birth date"),
        ("dob", "date", "a birth date"),
        ("credit_card_number", "bigint", "a payment card or bank account"),
        ("cc_no", "text", "a payment card or bank account"),
        ("pan", "bigint", "a payment card or bank account"),
        ("iban", "text", "a payment card or bank account"),
        ("ssn", "text", "an identity number"),
        ("Phone", "character varying(24)", "a phone number"),
        ("full_name", "text", "a person's name or address"),
        ("last_name", "text", "a person's name or address"),
        ("ip_address", "inet", "a person's name or address"),
    ],
)
def test_name_tells(name: str, type_name: str, what: str) -> None:
    assert findings(name, type_name) == [(what, "by name")]


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        ("username", "text"),
        ("has_password", "boolean"),
        ("token_count", "integer"),
        ("password_changed_at", "timestamp with time zone"),
        ("email_verified", "boolean"),
        ("history_whole_open", "integer"),
        ("discard_reason", "text"),
        ("compass", "text"),
        ("opinion", "text"),
        ("birthplace_id", "integer"),
        ("mailbox_size", "text"),
        ("pan", "integer"),
        ("email_kind", "public.citext_like"),
    ],
)
def test_ordinary_name_is_left_alone(name: str, type_name: str) -> None:
    assert findings(name, type_name) == []


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (["hello", "write to someone@example.org please"], "an e-mail address"),
        (["$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"], "a password"),
        (["-----BEGIN RSA PRIVATE KEY-----"], "a secret or token"),
        (["x", "AKIAIOSFODNN7EXAMPLE"], "a secret or token"),
        (["ghp_abcdefghijklmnopqrstuvwxyz0123456789"], "a secret or token"),
        (["postgres://someone:hunter2@host/db"], "a secret or token"),
        (["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"], "a secret or token"),
        (["4111 1111 1111 1111", "5500005555555559"], "a payment card or bank account"),
        (["378282246310005"], "a payment card or bank account"),
        (["DE89 3704 0044 0532 0130 00", "x"], "a payment card or bank account"),
        (["+49 30 901820", "+1 (555) 123-4567", None], "a phone number"),
    ],
)
def test_content_tells(values: list[str | None], what: str) -> None:
    assert findings("remark", "text", *values) == [(what, "by content")]


@pytest.mark.parametrize(
    "values",
    [
        ["5f4dcc3b5aa765d61d8327deb882cf99"],
        ["4111111111111112", "4111111111111113"],
        ["DE88370400440532013000"],
        ["2024-01-01", "12:30", "@home", "a@b"],
        ["1234567890123"],
        ["https://example.org/a:b@c"],
        ["550e8400-e29b-41d4-a716-446655440000"],
    ],
)
def test_ordinary_content_is_left_alone(values: list[str]) -> None:
    assert findings("remark", "text", *values) == []


def test_column_that_is_not_published_is_not_listed() -> None:
    relation = Relation(RelationName("a", "b"), RelationKind.TABLE, (Column("email", "text"),))

    assert find_private_columns("b", relation, [], []) == []


def test_finding_never_repeats_a_value() -> None:
    relation = Relation(RelationName("a", "b"), RelationKind.TABLE, (Column("c", "text"),))

    (finding,) = find_private_columns("b", relation, ["c"], [("someone@example.org",)])

    assert "someone" not in finding.sentence
    assert finding.sentence == "column 'c' of 'b' looks like an e-mail address (by content)"
