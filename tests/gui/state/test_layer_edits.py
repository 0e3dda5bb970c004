"""Layers as groups of components: what keeps its name, how layers split and merge."""

from __future__ import annotations

import pytest

from sss_gui.state.layer_edits import (
    Components,
    Edits,
    first_layers,
    halves,
    matched,
    matte_of,
    merged,
    parts_of,
    unlike,
    without_slivers,
)
from sss_model.matting.steps import Stroke

# components 0 .. 4; {0,1} and {2,3} join, then 4 joins {2,3}, then all
TREE = Components(
    (0.4, 0.1, 0.27, 0.2, 0.03),
    ((0, 0, 0, 0, 0), (0, 0, 1, 1, 1), (0, 2, 1, 1, 1), (0, 2, 1, 3, 1), (0, 2, 1, 3, 4)),
    ((0, 1), (2, 3), (4, 6), (5, 7)),
)


def counted(layers, count, known=None):
    return matched(layers, parts_of(TREE.groupings[count - 1]), TREE, known or {})


def looks(layers):
    return {layer.number: (layer.name, layer.colour) for layer in layers}


def test_the_first_layers_are_named_by_size():
    layers = first_layers(TREE, 3)
    assert [(layer.name, sorted(layer.components)) for layer in layers] == [
        ("layer-1", [2, 3, 4]), ("layer-2", [0]), ("layer-3", [1])
    ]  # fmt: skip
    assert [layer.number for layer in layers] == [2, 1, 3]
    assert len(first_layers(TREE, 99)) == 5


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_groups_are_the_trees_own_wherever_they_can_be(count):
    layers = counted(first_layers(TREE, 3), count)
    assert TREE.groups_of(Edits(layers=layers).parts) == TREE.groupings[count - 1]


def test_more_and_fewer_layers_change_no_name_or_colour_of_those_that_stay():
    three = first_layers(TREE, 3)
    four = counted(three, 4)
    assert looks(three).items() <= looks(four).items()
    assert [layer.number for layer in four] == [2, 4, 1, 3], "the new one stands behind the one it came from"
    assert looks(counted(four, 3)) == looks(three)


def test_a_layer_that_comes_back_looks_as_it_did():
    four = counted(first_layers(TREE, 3), 4)
    from dataclasses import replace

    named = tuple(replace(layer, name="cat") if layer.number == 4 else layer for layer in four)
    known = {layer.components: layer for layer in named}
    again = counted(counted(named, 3), 4, known)
    assert looks(again) == looks(named)


def test_merging_keeps_the_first_and_splitting_undoes_the_last_merge():
    layers = first_layers(TREE, 3)
    one = merged(layers, frozenset([1, 3]))
    assert [(layer.number, sorted(layer.components)) for layer in one] == [(2, [2, 3, 4]), (1, [0, 1])]
    assert halves(frozenset([0, 1]), TREE) == (frozenset([0]), frozenset([1]))
    assert halves(frozenset([2, 3, 4]), TREE) == (frozenset([2, 3]), frozenset([4]))
    assert halves(frozenset([2, 3, 4]), TREE, smallest=0.1) == (frozenset([2, 4]), frozenset([3]))
    assert halves(frozenset([1, 4]), TREE) == (frozenset([1]), frozenset([4]))
    assert halves(frozenset([4]), TREE) is None


def test_components_without_a_tree_split_too():
    flat = Components((0.5, 0.3, 0.2), ((0, 1, 2),), (), ("sky", "tree", "car"))
    assert [layer.name for layer in first_layers(flat, 5)] == ["sky", "tree", "car"]
    assert halves(frozenset([0, 1, 2]), flat) == (frozenset([0]), frozenset([1, 2]))


def test_slivers_join_what_they_are_likest_to():
    layers = first_layers(TREE, 5)
    shares = {layer.number: TREE.share(layer.components) - 0.001 for layer in layers}
    rest = without_slivers(layers, shares, TREE)
    assert {layer.number: sorted(layer.components) for layer in rest} == {1: [0], 2: [2, 4], 3: [1], 4: [3]}
    assert without_slivers(rest, shares, TREE) == rest
    alone = first_layers(TREE, 1)
    assert without_slivers(alone, {1: 0.001}, TREE) == alone, "the last one stays"


def test_the_matte_names_planes_not_numbers():
    layers = first_layers(TREE, 3)
    edits = Edits(None, layers, frozenset([3]), steps=(Stroke(((0.1, 0.2),), True, 0.01),))
    assert matte_of(edits, (1, 0, 2, 2, 2)).picked == (0,)
    assert matte_of(edits, (1, 0, 2, 2, 2)).steps == edits.steps


def test_names_differ_even_where_capitals_do_not_count():
    assert unlike("Cat", ["dog"]) == "Cat"
    assert unlike("Cat", ["cat", "CAT-2"]) == "Cat-3"
