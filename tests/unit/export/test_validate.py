"""JSON Schemas: what they may refer to."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from gitexport.errors import ConfigError, UnsupportedValueError
from gitexport.export.validate import compile_schema


def schema(reference: str) -> bytes:
    """A schema of which one property is described elsewhere."""
    definitions = {"text": {"type": "string"}}
    return json.dumps({"$defs": definitions, "properties": {"a": {"$ref": reference}}}).encode()


def test_schema_refers_to_its_own_definitions() -> None:
    validate = compile_schema(schema("#/$defs/text"), "schemas/x.json")

    validate(b'{"a": "text"}')
    with pytest.raises(UnsupportedValueError):
        validate(b'{"a": 1}')


def test_file_that_a_schema_refers_to_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"type": "string"}')

    with pytest.raises(ConfigError) as caught:
        compile_schema(schema((tmp_path / "other.json").as_uri()), "schemas/x.json")

    assert caught.value.where == "schemas/x.json"
    assert "copy it into $defs" in (caught.value.hint or "")


def test_address_that_a_schema_refers_to_is_not_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)  # noqa: FBT003 - the standard library's own form
        port = listener.getsockname()[1]

        with pytest.raises(ConfigError):
            compile_schema(schema(f"http://127.0.0.1:{port}/other.json"), "schemas/x.json")

        with pytest.raises(BlockingIOError):
            listener.accept()
