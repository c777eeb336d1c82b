"""Checks documents against the JSON Schemas that people put beside their data."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import NoReturn

from gitexport.errors import ConfigError, UnsupportedValueError

Validate = Callable[[bytes], None]
"""Raises UnsupportedValueError where a document does not satisfy its schema."""


def compile_schema(data: bytes, path: str) -> Validate:
    """Compiles a JSON Schema (any draft that its `$schema` names, else 2020-12).

    It may come from elsewhere, so that nothing it refers to is ever loaded.

    Raises:
        ConfigError: The file is no JSON Schema, or refers to another one.
    """
    import jsonschema_rs

    try:
        validator = jsonschema_rs.validator_for(json.loads(data), retriever=_refuse)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        message = f"'{path}' is no JSON Schema"
        raise ConfigError(message, where=path, hint=str(error).partition("\n")[0]) from error

    def validate(document: bytes) -> None:
        value = json.loads(document, parse_float=Decimal)
        if validator.is_valid(value):
            return
        first = next(iter(validator.iter_errors(value)))
        place = "".join(f"/{part}" for part in first.instance_path) or "/"
        keyword = "/".join(str(part) for part in first.schema_path)
        message = f"does not satisfy '{path}': {keyword} at {place}"
        raise UnsupportedValueError(message, where=place)

    return validate


def _refuse(uri: str) -> NoReturn:
    message = f"a schema cannot refer to '{uri}': copy it into $defs"
    raise ValueError(message)
