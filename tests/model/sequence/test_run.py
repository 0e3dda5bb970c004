"""A recipe's matte in every frame: what is kept of it between changes, and a frame's editor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_frames import frame

from sss_model.matting import MatteEditor, cut_parts, stroke_at
from sss_model.sequence import Chain, FrameEditor, SequenceMatte, carry, sequence_recipe
from sss_model.sequence.plan import Correction

COUNT = 5


class Made:
    """Frames out of nothing, numbered from 10."""

    name, rate, notes = "made", None, []

    def __init__(self):
        self.numbers = list(range(10, 10 + COUNT))

    def read(self, index):
        return frame(index)[0]


class Memory(dict):
    """A store that forgets nothing, and says what it was asked to keep."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def get(self, name, frame):
        return super().get((name, frame))

    def put(self, name, frame, state):
        assert (name, frame) not in self
        self[name, frame] = state
        self.kept.append(frame)


@pytest.fixture(scope="module")
def recipe():
    image, features, _ = frame(1)
    editor = MatteEditor(image, features)
    editor.click(27, 36)
    whole = {"kind": "sss-features sequence", "version": 1, "frame": 11, "matte": editor.recipe(), "corrections": []}
    return sequence_recipe(whole)


def made(recipe, store=None):
    return SequenceMatte(Made(), recipe, lambda index, image, progress: frame(index)[1], store)


def corrected(recipe, number, backwards):
    step = stroke_at([(80, 10), (80, 60)], True, 5, (72, 96))
    return replace(recipe, corrections={number: Correction((step,), backwards)})


def test_only_what_a_correction_changes_is_made_again(recipe):
    store = Memory()
    run = made(recipe, store)
    first = {k: run.alpha(run.chain.state(k)) for k in run.chain.order}
    assert sorted(store.kept) == [0, 1, 2, 3, 4]
    for backwards, anew in ((False, [3, 4]), (True, [2])):
        store.kept.clear()
        run = made(corrected(recipe, 13, backwards), store)
        now = {k: run.alpha(run.chain.state(k)) for k in run.chain.order}
        assert sorted(store.kept) == anew
        np.testing.assert_array_equal(now[0], first[0])
        assert np.abs(now[4] - first[4]).max() > 0.5
        plain = made(corrected(recipe, 13, backwards))
        for k in plain.chain.order:  # the same without a store
            np.testing.assert_array_equal(plain.alpha(plain.chain.state(k)), now[k])


def test_what_is_done_at_the_end_needs_no_frame_again(recipe):
    store = Memory()
    run = made(recipe, store)
    alpha = run.alpha(run.chain.state(2))
    store.kept.clear()
    other = made(replace(recipe, matte={**recipe.matte, "matte": {**recipe.matte["matte"], "invert": True}}), store)
    np.testing.assert_allclose(other.alpha(other.chain.state(2)), 1 - alpha, atol=1e-6)
    assert store.kept == []


def test_a_frames_editor_corrects_as_carrying_does(recipe):
    run = made(recipe)
    state, before = run.chain.state(3), run.chain.before(3)
    image, features, _ = frame(3)
    parts = cut_parts(image, features)
    editor = FrameEditor(image, parts, before, lambda: state.alpha)
    np.testing.assert_array_equal(editor.alpha, state.alpha)
    assert editor.quick.shape == parts.size
    step = stroke_at([(80, 10), (80, 60)], True, 5, (72, 96))
    alpha = editor.stroke([(80, 10), (80, 60)], True, 5)
    np.testing.assert_array_equal(alpha, carry(before, image, parts, [step]).alpha)
    np.testing.assert_array_equal(editor.undo(), state.alpha)


def test_names_say_what_a_state_is_made_of():
    def chain(content=str):
        return Chain(6, 0, {3: False}, lambda *_: "", content=content)

    one, same, other = chain(), chain(), chain(lambda frame: f"{frame}{'!' * (frame == 3)}")
    assert [one.name(k) for k in range(6)] == [same.name(k) for k in range(6)]
    assert [one.name(k) == other.name(k) for k in range(6)] == [True] * 3 + [False] * 3
    assert one.name_before(0) == ""
    assert one.name_before(4) == one.name(3)
    one.skip(4)
    assert one.name_before(5) == one.name(3)
