"""The order in which relations are written, and how circles of references are broken."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gitexport.model.foreign_keys import (
    Component,
    Treatment,
    order_relations,
    strong_components,
)
from gitexport.model.relation import (
    Column,
    ForeignKey,
    NamedType,
    Relation,
    RelationKind,
    RelationName,
    TypeKind,
)


def name(text: str) -> RelationName:
    """Names a relation of the schema public."""
    return RelationName("public", text)


def relation(text: str, *references: str, checks: tuple[tuple[str, str], ...] = ()) -> Relation:
    """Makes a relation; a reference is `target`, with `?` nullable, with `~` deferrable."""
    keys = []
    columns = [Column("id", "integer", not_null=True)]
    for place, reference in enumerate(references):
        target = reference.strip("?~")
        columns.append(Column(f"ref{place}", "integer", not_null="?" not in reference))
        keys.append(
            ForeignKey(
                name=f"{text}_{target}_{place}",
                columns=(f"ref{place}",),
                references=name(target),
                referenced_columns=("id",),
                is_deferrable="~" in reference,
            )
        )
    return Relation(
        name(text),
        RelationKind.TABLE,
        tuple(columns),
        primary_key=("id",),
        foreign_keys=tuple(keys),
        checks=checks,
    )


def treatments(components: tuple[Component, ...]) -> dict[str, Treatment]:
    """Gives the treatment of each foreign key by its name."""
    return {
        reference.key.name: reference.treatment
        for component in components
        for reference in component.references
    }


def steps(components: tuple[Component, ...]) -> list[list[str]]:
    """Gives the names of relations, step by step."""
    return [[found.name for found in step] for component in components for step in component.steps]


def test_what_is_referenced_comes_first() -> None:
    found = order_relations(
        [relation("lines", "orders", "goods"), relation("orders", "people"), relation("people"),
         relation("goods")]
    )  # fmt: skip

    assert steps(found) == [["goods"], ["people"], ["orders"], ["lines"]]
    assert set(treatments(found).values()) == {Treatment.ORDERED}


def test_a_relation_that_refers_to_itself_needs_no_order() -> None:
    (found,) = order_relations([relation("people", "people?")])

    assert len(found.relations) == 1
    assert treatments((found,)) == {"people_people_0": Treatment.SELF}


def test_a_circle_breaks_at_its_deferrable_constraint() -> None:
    (found,) = order_relations([relation("a", "b"), relation("b", "a~")])

    assert steps((found,)) == [["b"], ["a"]]
    assert treatments((found,)) == {"a_b_0": Treatment.ORDERED, "b_a_0": Treatment.DEFERRED}


def test_a_circle_breaks_at_columns_that_can_be_null() -> None:
    (found,) = order_relations([relation("a", "b?"), relation("b", "c"), relation("c", "a")])

    assert steps((found,)) == [["a"], ["c"], ["b"]]
    assert treatments((found,))["a_b_0"] is Treatment.SECOND_PASS


def test_a_check_that_reads_a_column_keeps_it_from_being_null_for_a_while() -> None:
    checks = (("a_check", "CHECK ((ref0 IS NOT NULL))"),)
    (found,) = order_relations([relation("a", "b?", checks=checks), relation("b", "a")])

    assert treatments((found,))["a_b_0"] is Treatment.TOGETHER


def test_a_domain_may_keep_a_column_from_being_null_for_a_while() -> None:
    strict = NamedType("integer", TypeKind.DOMAIN, base="integer", not_null=True)
    (found,) = order_relations([relation("a", "b?")._replace(types=(strict,)), relation("b", "a")])

    assert treatments((found,))["a_b_0"] is Treatment.TOGETHER


def test_what_neither_waits_nor_is_null_is_written_by_one_statement() -> None:
    (found,) = order_relations([relation("a", "b"), relation("b", "a")])

    assert steps((found,)) == [["a", "b"]]
    assert set(treatments((found,)).values()) == {Treatment.TOGETHER}
    assert {reference.reason for reference in found.references} == {
        "the constraint is not deferrable, and 'ref0' cannot be null"
    }


def test_several_circles_of_one_component_are_each_broken() -> None:
    (found,) = order_relations([relation("a", "b~", "c?"), relation("b", "a"), relation("c", "a")])

    assert steps((found,)) == [["a"], ["b"], ["c"]]
    kinds = treatments((found,))
    assert (kinds["a_b_0"], kinds["a_c_1"]) == (Treatment.DEFERRED, Treatment.SECOND_PASS)


def test_only_references_of_a_circle_are_taken_out_of_the_way() -> None:
    found = order_relations([relation("a", "b?~"), relation("b")])

    assert treatments(found) == {"a_b_0": Treatment.ORDERED}


def test_relations_that_are_not_there_play_no_part() -> None:
    (found,) = order_relations([relation("a", "elsewhere")])

    assert found.references == ()


def test_a_reference_to_a_partition_is_one_to_its_table() -> None:
    parted = Relation(name("b"), RelationKind.PARTITIONED, (), partitions=(name("b1"), name("b2")))

    assert steps(order_relations([relation("a", "b1"), parted])) == [["b"], ["a"]]


def test_long_chains_need_no_stack() -> None:
    chain = [relation(f"r{n:05}", f"r{n + 1:05}") for n in range(5000)]

    assert steps(order_relations(chain))[0] == ["r04999"]


@given(st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=4), max_size=9))
def test_groups_are_what_reaches_each_other_in_order(edges: Mapping[int, list[int]]) -> None:
    nodes = {name(str(node)) for node in edges}
    graph = {
        name(str(node)): [name(str(t)) for t in targets if name(str(t)) in nodes]
        for node, targets in edges.items()
    }

    groups = strong_components(graph)

    reach = {node: {node} for node in graph}
    for _ in graph:
        for node, targets in graph.items():
            reach[node] |= set().union(*(reach[target] for target in targets), set())
    assert sorted(node for group in groups for node in group) == sorted(nodes)
    place = {node: number for number, group in enumerate(groups) for node in group}
    for node in graph:
        for target in graph:
            together = node in reach[target] and target in reach[node]
            assert (place[node] == place[target]) == together
            if target in reach[node]:
                assert place[target] <= place[node]


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from(["", "?", "~"])),
        max_size=14,
    )
)
def test_every_order_keeps_what_it_promises(edges: list[tuple[int, int, str]]) -> None:
    relations = [
        relation(
            f"r{node}", *(f"r{target}{mark}" for source, target, mark in edges if source == node)
        )
        for node in range(6)
    ]

    components = order_relations(relations)

    places = {
        relation: place
        for place, step in enumerate(step for c in components for step in c.steps)
        for relation in step
    }
    assert set(places) == {relation.name for relation in relations}
    for component in components:
        for reference in component.references:
            before = places[reference.target] - places[reference.relation]
            if reference.treatment is Treatment.ORDERED:
                assert before < 0
            elif reference.treatment in {Treatment.SELF, Treatment.TOGETHER}:
                assert before == 0
            else:
                assert before > 0
                assert reference.key.is_deferrable == (reference.treatment is Treatment.DEFERRED)
    assert components == order_relations(reversed(relations))
