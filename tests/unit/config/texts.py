"""Parts of a configuration, and what is wrong with a whole one."""

from __future__ import annotations

import pytest

from gitexport.config.parse import parse_config
from gitexport.errors import ConfigError

HEAD = 'format = 1\nid = "0b0e7f0e-3d9f-4a52-9c5e-0d6a6f3f2b11"\n'
USERS = """
[entities.users]
relation = "dwh.datamartusers"
key = ["user_id"]
columns = ["user_id", "username"]
"""


def problem(text: str) -> ConfigError:
    """Parses a text that has to be refused."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode())
    return caught.value
