"""Reads the fields of one table, each with an error that names file, line and key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import NamedTuple, NoReturn, TypeVar

from gitexport.config.lines import KeyPath, nearest_line
from gitexport.errors import ConfigError

_Choice = TypeVar("_Choice", bound=Enum)
_Value = TypeVar("_Value")

_TYPE_NAMES = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


class Place(NamedTuple):
    """A configuration file and the lines of its keys."""

    file: str
    lines: Mapping[KeyPath, int]

    def where(self, path: KeyPath) -> str:
        """Names the file and, where it is known, the line of a key."""
        line = nearest_line(dict(self.lines), path)
        return self.file if line is None else f"{self.file}:{line}"


def format_path(path: KeyPath) -> str:
    """Writes a key's path as TOML would, `entities.users.key`."""
    return ".".join(_format_part(part) for part in path)


def similar(word: str, known: Collection[str]) -> str | None:
    """Finds the known word that was probably meant."""
    import difflib

    lower = {name.lower(): name for name in sorted(known)}
    matches = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    return lower[matches[0]] if matches else None


class Fields:
    """One table of the configuration. Every error is a ConfigError with its place."""

    def __init__(self, values: Mapping[str, object], path: KeyPath, place: Place) -> None:
        self._values = values
        self._path = path
        self._place = place

    def fail(self, message: str, *, key: str | None = None, hint: str | None = None) -> NoReturn:
        """Raises a ConfigError at a key of this table, or at the table."""
        path = self._path if key is None else (*self._path, key)
        raise ConfigError(message, where=self._place.where(path), hint=hint)

    def name(self, key: str) -> str:
        """Writes the full name of one of this table's keys, for messages."""
        return format_path((*self._path, key))

    def only(self, known: Collection[str]) -> None:
        """Refuses keys that are not known, naming the one that was probably meant."""
        for key in self._values:
            if key not in known:
                meant = similar(key, known)
                self.fail(
                    f"unknown key '{self.name(key)}'",
                    key=key,
                    hint=f"did you mean '{meant}'?" if meant else f"known keys: {_list(known)}",
                )

    def require(self, *keys: str) -> None:
        """Refuses a table without one of the keys."""
        for key in keys:
            if key not in self._values:
                self.fail(f"key '{self.name(key)}' is missing")

    def has(self, key: str) -> bool:
        """Tells whether the key is there."""
        return key in self._values

    def text(self, key: str, default: str) -> str:
        """Reads a text that is neither empty nor holds control characters but line ends."""
        value = self._typed(key, str, default)
        if not value.strip() and key in self._values:
            self.fail(f"'{self.name(key)}' is empty", key=key)
        if any(ord(char) < ord(" ") and char not in "\n\r\t" for char in value):
            self.fail(f"'{self.name(key)}' holds a control character", key=key)
        return value

    def optional_text(self, key: str) -> str | None:
        """Reads a text, None where the key is absent."""
        return self.text(key, "") if key in self._values else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Reads a list of different texts; empty where the key is absent."""
        values = self._typed(key, list, [])
        for value in values:
            if not isinstance(value, str) or not value:
                self.fail(
                    f"'{self.name(key)}' must be a list of texts, not {_describe(value)} in it",
                    key=key,
                )
            if values.count(value) > 1:
                self.fail(f"'{self.name(key)}' names '{value}' twice", key=key)
        return tuple(values)

    def number(self, key: str) -> int:
        """Reads a whole number."""
        value = self._typed(key, int, 0)
        if isinstance(value, bool):
            self._refuse_type(key, int, value)
        return value

    def choice(self, key: str, kinds: type[_Choice], default: _Choice) -> _Choice:
        """Reads one of the words of an Enum."""
        value = self.text(key, default.value)
        words = [kind.value for kind in kinds]
        if value not in words:
            meant = similar(value, words)
            self.fail(
                f"'{self.name(key)}' is '{value}', which is none of {_list(words)}",
                key=key,
                hint=f"did you mean '{meant}'?" if meant else None,
            )
        return kinds(value)

    def parsed(self, key: str, parse: Callable[[str], _Value], default: str = "") -> _Value:
        """Reads a text through a function that raises ValueError with a readable message."""
        try:
            return parse(self.text(key, default))
        except ValueError as error:
            self.fail(f"'{self.name(key)}': {error}", key=key)

    def table(self, key: str) -> Fields:
        """Opens a table inside this one; an empty one where the key is absent."""
        return Fields(self._typed(key, dict, {}), (*self._path, key), self._place)

    def names(self) -> list[str]:
        """Lists the keys in the order of the file."""
        return list(self._values)

    def is_text(self, key: str) -> bool:
        """Tells whether the key holds a text."""
        return isinstance(self._values.get(key), str)

    def _typed(self, key: str, kind: type[_Value], default: _Value) -> _Value:
        value = self._values.get(key, default)
        if not isinstance(value, kind):
            self._refuse_type(key, kind, value)
        return value

    def _refuse_type(self, key: str, kind: type, value: object) -> NoReturn:
        self.fail(
            f"'{self.name(key)}' must be {_TYPE_NAMES[kind]}, not {_describe(value)}", key=key
        )


def _describe(value: object) -> str:
    return _TYPE_NAMES.get(type(value), f"'{value}'") if value != "" else "an empty text"


def _list(words: Collection[str]) -> str:
    return ", ".join(words)


def _format_part(part: str) -> str:
    plain = part and all(char.isascii() and (char.isalnum() or char in "-_") for char in part)
    return part if plain else f'"{part}"'
