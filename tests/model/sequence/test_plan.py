"""In which order frames are worked on, what from, and what a recipe may say."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from sss_model.errors import ParameterError
from sss_model.matting import MatteEditor
from sss_model.sequence import Chain, sequence_recipe
from sss_model.sequence.plan import order_of_work


@pytest.mark.parametrize("backwards", [{}, {5: False}, {5: True}, {5: True, 8: True, 1: True}, {4: True, 2: False}])
@pytest.mark.parametrize("key", [0, 3, 9])
def test_every_frame_is_worked_on_once_from_its_neighbour(key, backwards):
    order, before = order_of_work(10, key, backwards)
    assert sorted(order) == list(range(10))
    done = set()
    for frame in order:
        node = (frame, True)
        for _ in range(20):  # to what is there already: there are no circles
            source = before[node]
            if source is None or source in done:
                break
            assert abs(source[0] - node[0]) == 1
            node = source
        else:
            pytest.fail("a circle")
        done.add((frame, True))


def test_a_correction_counts_away_from_the_key_or_back_too():
    def made(backwards):
        chain = Chain(6, 0, backwards, lambda frame, before, _: f"{before or ''}{frame}")
        return {frame: chain.state(frame) for frame in chain.order}

    assert made({3: False}) == {0: "0", 1: "01", 2: "012", 3: "0123", 4: "01234", 5: "012345"}
    assert made({3: True}) == {0: "0", 3: "0123", 2: "01232", 1: "012321", 4: "01234", 5: "012345"}


def test_a_chain_keeps_few_states_and_goes_on_from_one():
    class State:
        """Something that can be watched."""

    made, alive = [], weakref.WeakSet()

    def make(frame, before, _):
        made.append(frame)
        alive.add(state := State())
        return state

    chain = Chain(500, 250, {300: True}, make)
    for frame in chain.order:
        chain.state(frame)
        assert len(alive) <= 3
    assert len(made) == 500 + 49  # on the way to the correction once more
    made.clear()
    chain = Chain(500, 0, {}, make)
    chain.put(200, State())
    chain.state(201)
    assert made == [201]
    chain.state(5)  # before it: from the beginning
    assert made == [201, 0, 1, 2, 3, 4, 5]


def test_a_frame_that_cannot_be_made_is_passed_over():
    def make(frame, before, _):
        if frame == 2:
            raise ParameterError("broken")
        return f"{before or ''}{frame}"

    chain = Chain(4, 0, {}, make)
    states = []
    for frame in chain.order:
        try:
            states.append(chain.state(frame))
        except ParameterError:
            chain.skip(frame)
    assert states == ["0", "01", "013"]


@pytest.fixture(scope="module")
def matte():
    image = np.full((40, 60, 3), 0.2, np.float32)
    image[10:20, 20:40] = (0.9, 0.5, 0.1)
    editor = MatteEditor(image, image)
    editor.click(30, 15)
    return editor.recipe()


def test_a_recipe_of_a_matte_or_of_a_sequence(matte):
    plain = sequence_recipe(matte)
    assert (plain.frame, plain.corrections) == (None, {})
    entry = {"frame": 20, "steps": matte["steps"], "backwards": True}
    whole = {"kind": "sss-features sequence", "version": 1, "frame": 12, "matte": matte, "corrections": [entry]}
    found = sequence_recipe(whole)
    assert found.frame == 12
    assert found.corrections[20].backwards
    assert [step.to_dict() for step in found.corrections[20].steps] == matte["steps"]
    for change, said in (
        ({"version": 2}, "version 1, got 2"),
        ({"frame": -1}, "whole number, got -1"),
        ({"corrections": 3}, "must have matte, frame and corrections"),
        ({"corrections": [{**entry, "backwards": 1}]}, "true or false, got 1"),
        ({"corrections": [{**entry, "steps": [{"kind": "wave"}]}]}, "A step of a recipe"),
        ({"matte": {}}, "kind"),
        ({"kind": "other"}, "got 'other'"),
    ):
        with pytest.raises(ParameterError, match=said):
            sequence_recipe({**whole, **change})
    with pytest.raises(ParameterError, match="got list"):
        sequence_recipe([])
