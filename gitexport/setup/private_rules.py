"""The rules by which names and values look personal or secret.

They know nothing of columns, rows and JSON: a name or some texts go in, a few words come out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_TEXTS = ("text", "character", "citext", "json", "hstore", "bytea", "name", "uuid", "xml", '"char"')
_NUMBERS = ("bigint", "numeric", "integer")
_DATES = ("date", "timestamp")
_WORD = re.compile(r"[A-Z]+(?![a-zß-ÿ])|[A-ZÀ-Þ]?[a-zß-ÿ]+|\d+")
_MANY = 0.6


@dataclass(frozen=True, slots=True)
class _NameRule:
    what: str
    pattern: re.Pattern[str]
    types: tuple[str, ...]
    digits: int = 0


@dataclass(frozen=True, slots=True)
class _ContentRule:
    what: str
    holds: Callable[[str], bool]
    share: float = 0.0


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|_)(?:{'|'.join(alternatives)})(?:_|$)")


_NAME_RULES = (
    _NameRule(
        "a password",
        _words(
            "pass", "passw(?:or)?ds?", "passwd", "pwd", "pw", "passphrase", "passcode", "pin",
            "passwort", "kennwort", "contraseña", "contrasena", "senha",
            "mot_de_passe", "wachtwoord", "salt",
        ),
        _TEXTS,
    ),
    _NameRule(
        "a secret or token",
        _words(
            "secrets?", "tokens?", "api_?keys?", "access_?keys?", "private_?keys?", "auth_?keys?",
            "otp", "totp", "credentials?", "session_?(?:id|key)", "cookies?", "oauth\\w*",
        ),
        _TEXTS,
    ),
    _NameRule(
        "an e-mail address",
        _words("e_?mails?", "mails?", "mail_?address", "correo", "courriel"),
        _TEXTS,
    ),
    _NameRule(
        "a birth date",
        _words(
            "birth", "birth_?da(?:te|y)", "date_of_birth", "dob", "born", "geburtsdatum",
            "geburtstag", "fecha_(?:de_)?nacimiento", "nacimiento", "naissance", "nascimento",
        ),
        _TEXTS + _DATES,
    ),
    _NameRule(
        "a payment card or bank account",
        _words(
            "(?:credit_?)?card_?(?:number|no|num|pan)", "credit_?card", "creditcard", "cvv", "cvc",
            "cc_?(?:number|no|num)", "ccn", "iban", "bank_?account", "account_?number", "tarjeta",
        ),
        _TEXTS + _NUMBERS,
        digits=3,
    ),
    # Smaller numbers of this name are angles of cameras and the like.
    _NameRule("a payment card or bank account", _words("pan"), (*_TEXTS, "bigint")),
    _NameRule(
        "an identity number",
        _words(
            "ssn", "social_?security(?:_?(?:number|no))?", "passport(?:_?(?:number|no))?",
            "tax_?id", "national_?id", "dni", "nif", "cpf", "curp",
        ),
        _TEXTS + _NUMBERS,
        digits=6,
    ),
    _NameRule(
        "a phone number",
        _words("phones?", "phone_?(?:number|no)", "telephone", "mobile", "cell_?phone", "fax",
               "telefon", "tel[eé]fono", "handy"),
        _TEXTS + _NUMBERS,
        digits=7,
    ),
    _NameRule(
        "a person's name or address",
        _words(
            "full_?name", "first_?name", "last_?name", "given_?name", "family_?name",
            "middle_?name", "surname", "maiden_?name", "vorname", "nachname", "apellidos?",
            "street", "home_?address", "(?:postal_?)?address", "ip_?addr(?:ess)?",
            "strasse", "straße", "direcci[oó]n",
        ),
        (*_TEXTS, "inet"),
    ),
)  # fmt: skip

_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"
    r"|\bxox[abposr]-[\w-]{10,}|\b[sr]k_live_[0-9A-Za-z]{16,}|\bAIza[\w-]{35}"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bnpm_[A-Za-z0-9]{36}|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"
    r"|\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@"
)
_PASSWORD_HASH = re.compile(
    r"\$(?:2[abxy]|argon2(?:id|i|d)|5|6|y|scrypt|pbkdf2[\w-]*)\$[^\s]{10,}"
    r"|pbkdf2_sha\d+\$\d+\$|SCRAM-SHA-256\$|md5[0-9a-f]{32}$"
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b")
_PHONE = re.compile(r"(?:\+|00)[1-9][\d ()./-]{6,18}\d")
_CARD = re.compile(r"[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?")


def _is_card(text: str) -> bool:
    if not _CARD.fullmatch(text.strip()):
        return False
    digits = [int(char) for char in reversed(text) if char.isdigit()]
    # The check digit of payment cards, ISO/IEC 7812-1 (Luhn).
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    if not _IBAN.fullmatch(text.strip()):
        return False
    plain = text.replace(" ", "").strip()
    # The check digits of ISO 13616: the rearranged number modulo 97 is 1.
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


_CONTENT_RULES = (
    _ContentRule("a secret or token", lambda text: bool(_SECRET.search(text))),
    _ContentRule("a password", lambda text: bool(_PASSWORD_HASH.match(text))),
    _ContentRule("an e-mail address", lambda text: bool(_EMAIL.search(text))),
    _ContentRule("a payment card or bank account", _is_iban),
    _ContentRule("a payment card or bank account", _is_card, _MANY),
    _ContentRule("a phone number", lambda text: bool(_PHONE.fullmatch(text.strip())), _MANY),
)


def what_name_says(name: str, type_name: str, digits: int | None = None) -> str | None:
    """Says what a column of this name and base type looks like; None where it looks ordinary.

    `digits` is how long its numbers are, where that is known: counts are no phone numbers.
    """
    words = "_".join(word.lower() for word in _WORD.findall(name))
    for rule in _NAME_RULES:
        is_short = type_name == "numeric" and digits is not None and digits < rule.digits
        if type_name.startswith(rule.types) and rule.pattern.search(words) and not is_short:
            return rule.what
    return None


def what_values_say(values: Sequence[str]) -> str | None:
    """Says what some values of one column look like; None where they look ordinary."""
    filled = [value for value in values if value.strip()]
    for rule in _CONTENT_RULES:
        count = sum(map(rule.holds, filled))
        if count and count >= rule.share * len(filled):
            return rule.what
    return None
