"""What gitexport.toml may say, and how each mistake is told."""

from __future__ import annotations

import pytest

from gitexport.config.parse import parse_config
from gitexport.errors import ConfigError
from gitexport.model.entity import (
    Deletes,
    ModifiedDimension,
    QueryDocument,
    Shard,
    ShardKind,
    Tracking,
)
from gitexport.model.relation import RelationName
from tests.unit.config.texts import HEAD, USERS, problem

FULL = (
    HEAD
    + """branch = "publish"
remote = "origin"
version = "1.2.0"                # of the published data model

[source]
kind = "postgresql"
tracking = "table"

[entities.users]
relation = "dwh.datamartusers"
key = ["user_id"]
columns = ["user_id", "username", # ] not the end
  "history_whole_open",
]
exclude = ["_partial_*"]
where = "user_id IS NOT NULL"
flag = "json_exported"
tracking = "flag"
directory = "data/people"
shard = "mod/1/1/1"
label = "username"
natural_key = ["username"]
modified = { relation = "dwh.dimension_users", on = "dimension_user_id" }
schema = "schemas/users.schema.json"
deletes = "keep"
renamed_from = "members"

[entities.countries]
relation = 'dwh."Länder ""x"" y"'
key = ["id", "part"]
columns = "*"

[documents."data/indexes/users.json"]
query = '''
SELECT 1; -- never mind
'''
shape = "object"
depends = ["users"]
""".replace("SELECT 1;", "SELECT 1")
)


def test_every_key_reaches_the_publication() -> None:
    publication = parse_config(FULL.encode())

    users, countries = publication.entities
    assert publication.branch == "publish"
    assert publication.version == "1.2.0"
    assert users.relation == RelationName("dwh", "datamartusers")
    assert users.columns == ("user_id", "username", "history_whole_open")
    assert users.exclude == ("_partial_*",)
    assert users.where == "user_id IS NOT NULL"
    assert users.tracking is Tracking.FLAG
    assert users.directory == "data/people"
    assert users.shard == Shard(ShardKind.MOD, (1, 1, 1))
    assert users.modified == ModifiedDimension(
        RelationName("dwh", "dimension_users"), "dimension_user_id"
    )
    assert users.deletes is Deletes.KEEP
    assert (users.label, users.natural_key) == ("username", ("username",))
    assert (users.schema, users.renamed_from) == ("schemas/users.schema.json", "members")
    assert countries.relation == RelationName("dwh", 'Länder "x" y')
    assert countries.columns == ("*",)
    assert countries.tracking is Tracking.TABLE
    assert countries.directory == "data/countries"
    assert publication.documents == (
        QueryDocument(
            "data/indexes/users.json",
            "SELECT 1 -- never mind\n",
            is_array=False,
            depends=("users",),
        ),
    )
    assert publication.config_text == FULL.encode()


def test_defaults_are_those_of_the_reference() -> None:
    publication = parse_config((HEAD + USERS).encode())

    assert (publication.branch, publication.remote) == ("main", "origin")
    assert publication.version == "1.0.0"
    assert publication.entities[0].flag == "json_exported"
    assert publication.entities[0].tracking is Tracking.FLAG
    assert publication.sql_digest == ""


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("format = \n", "is not TOML", 1),
        (HEAD + 'id = "twice"\n', "is not TOML", 3),
        ("format = 1\n", "key 'id' is missing", None),
        ('id = "x"\n', "key 'format' is missing", None),
        ('format = "1"\n', "'format' must be a whole number, not a text", 1),
        ("format = true\n", "'format' must be a whole number, not true or false", 1),
        (HEAD + "branch = 3\n", "'branch' must be a text, not a whole number", 3),
        (HEAD + 'branch = ""\n', "'branch' is empty", 3),
        (HEAD + 'branch = "a..b"\n', "'a..b' is not the name of a branch", 3),
        (HEAD + 'version = "1"\n', "'1' is not a version", 3),
        (HEAD + 'source = "here"\n', "'source' must be a table, not a text", 3),
        (HEAD + '[source]\nkind = "oracle"\n', "'source.kind' is 'oracle'", 4),
        (HEAD + '[source]\ntracking = "flags"\n', "'source.tracking' is 'flags'", 4),
        (HEAD + USERS + 'tracking = "trigger"\n', "'entities.users.tracking' is 'trigger'", 8),
        (HEAD + USERS + 'shard = "mod/9"\n', "'mod/9' is not a shard", 8),
        (HEAD + USERS + "exclude = 3\n", "must be a list, not a whole number", 8),
        (HEAD + USERS + "exclude = [3]\n", "must be a list of texts, not a whole number", 8),
        (HEAD + USERS + 'exclude = ["a", "a"]\n', "names 'a' twice", 8),
        (HEAD + USERS + 'where = " "\n', "'entities.users.where' is empty", 8),
        (HEAD + USERS + 'where = "a = 1) OR (b"\n', "closes a bracket", 8),
        (HEAD + USERS + 'where = "WHERE a"\n', "without the word WHERE", 8),
        (HEAD + USERS + 'where = "a; DROP TABLE b"\n', "';' is not allowed", 8),
        (HEAD + USERS + 'modified = { on = "x" }\n', "key 'entities.users.modified.relation'", 8),
        (HEAD + USERS + 'modified = { relation = "d", on = "x" }\n', "is not schema.name", 8),
        (HEAD + USERS + 'schema = "data/users/s.json"\n', "lies in the entity's own", 8),
        (HEAD + USERS + 'renamed_from = "users"\n', "'users' is still an entity", 8),
        (HEAD + "[entities.Users]\n", "'Users' cannot name an entity", 3),
        (HEAD + '[entities.users]\nrelation = "a.b"\nkey = ["a"]\n', "columns' is missing", 3),
    ],
)
def test_mistake_is_told_with_its_line(text: str, message: str, line: int | None) -> None:
    error = problem(text)

    assert message in error.message
    assert error.where == ("gitexport.toml" if line is None else f"gitexport.toml:{line}")


@pytest.mark.parametrize(
    ("addition", "key", "meant", "line"),
    [
        ('brnch = "main"\n', "brnch", "branch", 3),
        ('[source]\ntraking = "flag"\n', "source.traking", "tracking", 4),
        (USERS + 'colums = ["a"]\n', "entities.users.colums", "columns", 8),
        (
            USERS + 'modified = { relatoin = "a.b" }\n',
            "entities.users.modified.relatoin",
            "relation",
            8,
        ),
        ('[documents."a.json"]\nquerry = "SELECT 1"\n', 'documents."a.json".querry', "query", 4),
    ],
)
def test_unknown_key_names_the_one_meant(addition: str, key: str, meant: str, line: int) -> None:
    error = problem(HEAD + addition)

    assert error.message == f"unknown key '{key}'"
    assert error.hint == f"did you mean '{meant}'?"
    assert error.where == f"gitexport.toml:{line}"


def test_newer_format_asks_for_an_upgrade_before_anything_else() -> None:
    error = problem('format = 2\nshape_of_things = "to come"\n')

    assert "format 2" in error.message
    assert error.hint is not None
    assert "upgrade" in error.hint


def test_two_entities_on_one_flag_are_refused_and_on_two_flags_are_not() -> None:
    again = USERS.replace("entities.users", "entities.again")

    error = problem(HEAD + USERS + again)

    assert "both track relation 'dwh.datamartusers' with the flag 'json_exported'" in error.message
    parse_config((HEAD + USERS + again + 'flag = "other_flag"\n').encode())
    parse_config((HEAD + USERS + again + 'tracking = "compare"\n').encode())


def test_key_outside_the_columns_is_refused() -> None:
    error = problem(HEAD + USERS.replace('key = ["user_id"]', 'key = ["userid"]'))

    assert "key column 'userid' is not among the columns" in error.message
    assert error.hint is not None
    assert error.hint.startswith("did you mean 'user_id'? Otherwise add 'userid' to columns")


def test_excluded_key_is_refused() -> None:
    error = problem(HEAD + USERS + 'exclude = ["user_*"]\n')

    assert "is excluded by 'user_*'" in error.message


def test_digest_ignores_order_and_comments_and_sees_every_change_of_sql() -> None:
    where = USERS + 'where = "a"\n'
    document = '[documents."x.json"]\nquery = "SELECT 1"\n'
    digest = parse_config((HEAD + where + document).encode()).sql_digest

    assert len(digest) == 64
    assert parse_config((HEAD + "# new\n" + document + where).encode()).sql_digest == digest
    for other in (
        where.replace('"a"', '"b"') + document,
        where + document.replace("SELECT 1", "SELECT 2"),
        where + document.replace("x.json", "y.json"),
        where.replace("dwh.", "hr.") + document,
        where,
    ):
        assert parse_config((HEAD + other).encode()).sql_digest != digest


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(b"format = 1\nid = '\xff'\n")

    assert caught.value.where == "gitexport.toml:2"
