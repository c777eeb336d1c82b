"""New entities join a configuration, and what people wrote stays."""

from __future__ import annotations

from gitexport.config.lines import key_lines
from gitexport.config.parse import parse_config
from gitexport.config.write import (
    NewSettings,
    add_entities,
    column_line,
    commented_relations,
    new_config,
)
from gitexport.model.entity import Entity, ModifiedDimension, Shard, ShardKind, Tracking
from gitexport.model.relation import Relation, RelationKind, RelationName
from gitexport.setup.proposal import ProposedEntity

NAME = RelationName("Läden", 'Order "Details"')
ENTITY = Entity(
    name="order_details",
    relation=NAME,
    key=("order id", "line"),
    columns=("order id", "line", 'we"ird\\', "new\nline"),
    directory="data/order_details",
    shard=Shard(ShardKind.HASH, (1, 1)),
    label="line",
    natural_key=("line",),
    modified=ModifiedDimension(RelationName("a", "b c"), "line"),
)


def proposed(entity: Entity, *, is_complete: bool = True) -> ProposedEntity:
    """Proposes an entity."""
    relation = Relation(entity.relation, RelationKind.TABLE, ())
    return ProposedEntity(entity, relation, ("a note",), is_complete)


def test_written_entity_parses_to_the_same_entity() -> None:
    text = new_config(NewSettings("an-id", branch="data"), [proposed(ENTITY)])

    publication = parse_config(text.encode())

    assert publication.entities == (ENTITY,)
    assert (publication.repository_id, publication.branch) == ("an-id", "data")


def test_entity_to_complete_stands_as_a_comment_and_parses_once_it_is_one() -> None:
    text = new_config(NewSettings("an-id"), [proposed(ENTITY, is_complete=False)])

    assert parse_config(text.encode()).entities == ()
    assert commented_relations(text) == [NAME]
    opened = text.replace("# a note\n", "").replace("name_the_key_columns_here", "line")
    head, _, block = opened.partition("# [entities")
    entity = parse_config((head + ("# [entities" + block).replace("# ", "")).encode()).entities[0]
    assert entity.key == ("line",)
    assert entity.relation == NAME


def test_edits_stay_byte_for_byte() -> None:
    edited = (
        new_config(NewSettings("an-id"), [])
        + '# mine\n[ entities . "users" ]   # odd\nrelation="a.b"\nkey=["x"]\n  columns = "*"  '
    )

    text = add_entities(edited, [proposed(ENTITY)])

    assert text.startswith(edited)
    assert [entity.name for entity in parse_config(text.encode()).entities] == [
        "users",
        "order_details",
    ]
    assert add_entities(edited, []) == edited


def test_line_ends_are_those_of_the_file() -> None:
    edited = new_config(NewSettings("an-id"), []).replace("\n", "\r\n")

    text = add_entities(edited, [proposed(ENTITY)])

    assert text.count("\n") == text.count("\r\n")
    assert parse_config(text.encode()).entities == (ENTITY,)


def test_line_of_a_column_is_found() -> None:
    text = new_config(NewSettings("an-id"), [proposed(ENTITY)])
    start = key_lines(text)["entities", "order_details", "columns"]

    line = column_line(text, start, 'we"ird\\')

    assert line is not None
    assert text.splitlines()[line - 1] == '    "we\\"ird\\\\",'
    assert column_line(text, start, "absent") is None


def test_tracking_of_a_comment_is_compare() -> None:
    incomplete = Entity(
        "v", RelationName("a", "v"), (), ("x",), "data/v", ENTITY.shard, tracking=Tracking.COMPARE
    )

    assert '# tracking = "compare"' in new_config(
        NewSettings("an-id"), [proposed(incomplete, is_complete=False)]
    )


def test_name_with_a_line_end_stays_within_its_comment() -> None:
    name = RelationName("public", "x\n[entities.evil]")
    relation = Relation(name, RelationKind.VIEW, ())
    view = ENTITY._replace(name="x", relation=name)
    incomplete = ProposedEntity(view, relation, (f"{name} is a view",), is_complete=False)

    text = new_config(NewSettings("an-id"), [incomplete])

    assert parse_config(text.encode()).entities == ()
    assert '# public."x\\x0a[entities.evil]" is a view\n' in text
