"""A matte carried through frames: it follows, takes corrections, does not trail, and does not flicker."""

from __future__ import annotations

import numpy as np
import pytest
from made_frames import frame, iou

from sss_model.matting import MatteEditor, cut_parts, stroke_at
from sss_model.sequence import Carried, begin, carry, load_state, save_state
from sss_model.sequence.carrying import STEADY, steadied
from sss_model.sequence.motion import Motion


@pytest.fixture(scope="module")
def held():
    """The first frame's state, after a click on the disc."""
    image, features, mask = frame(0)
    editor = MatteEditor(image, features)
    editor.click(24, 36)
    state = begin(editor)
    np.testing.assert_array_equal(state.alpha, editor.alpha)
    assert iou(state.alpha, mask) > 0.9
    return state


def test_the_matte_goes_with_its_thing(held):
    for number in range(1, 7):
        image, features, mask = frame(number)
        held = carry(held, image, cut_parts(image, features))
        assert iou(held.alpha, mask) > 0.88, number
    gone = frame(0)[2] & ~frame(6)[2]
    assert held.alpha[gone].mean() < 0.02  # no trail


def test_features_alone_find_what_motion_lost(held):
    image, features, mask = frame(12)  # 36 pixels further, as over a gap
    assert iou(carry(held, image, cut_parts(image, features)).alpha, mask) > 0.85


def test_a_correction_counts_from_its_frame_on(held):
    image, features, _ = frame(1)
    parts = cut_parts(image, features)
    step = stroke_at([(80, 10), (80, 60)], True, 5, image.shape[:2])
    corrected = carry(held, image, parts, [step])
    assert corrected.alpha[35, 80] == 1
    assert corrected.taught is not held.taught
    plain = carry(held, image, parts)
    assert plain.alpha[35, 80] < 0.1
    assert plain.taught is held.taught
    image, features, _ = frame(2)
    parts = cut_parts(image, features)
    assert carry(corrected, image, parts).alpha[35, 80] > 0.5
    assert carry(plain, image, parts).alpha[35, 80] < 0.1


def test_a_drop_takes_out_what_is_like_the_thing_and_leaves_the_thing(held):
    """Without a mark that keeps; of a matte that was given it takes out the whole thing under it."""
    image, features, _ = frame(1)
    features[20:52, 36:60] += np.array([1, 1, -1, -1, 0, 0], np.float32)  # something beside the disc that is like it
    spilt = Carried(held.guide, held.coarse.copy(), held.alpha.copy(), held.taught)
    for matte in (spilt.coarse, spilt.alpha):
        matte[20:52, 36:60] = 1
    step = stroke_at([(52, 36)], False, 2, image.shape[:2], click=True)
    alpha = carry(spilt, image, cut_parts(image, features), [step]).alpha
    assert alpha[36, 52] == 0
    assert alpha[36, 27] == 1


def test_where_nothing_is_trusted_nothing_is_mixed():
    rng = np.random.default_rng(1)
    alpha, last = rng.random((2, 20, 30)).astype(np.float32)
    still = np.zeros((20, 30, 2), np.float32)
    np.testing.assert_array_equal(steadied(alpha, last, Motion(still, np.zeros((20, 30), np.float32))), alpha)
    mixed = steadied(alpha, last, Motion(still, np.ones((20, 30), np.float32)))
    np.testing.assert_allclose(mixed, (1 - STEADY) * alpha + STEADY * last, atol=1e-6)


def test_a_state_is_read_as_it_was(held, tmp_path):
    path = tmp_path / "shot-sequence.npz"
    save_state(path, "made", 3, held)
    index, read = load_state(path, "made")
    assert index == 3
    assert isinstance(read, Carried)
    image, features, _ = frame(1)
    parts = cut_parts(image, features)
    np.testing.assert_array_equal(carry(read, image, parts).alpha, carry(held, image, parts).alpha)
    assert load_state(path, "made otherwise") is None
    path.write_bytes(path.read_bytes()[:500])
    assert load_state(path, "made") is None
    assert load_state(tmp_path / "none.npz", "made") is None


def test_nothing_is_carried_where_nothing_was_taken(tmp_path):
    image, features, _ = frame(0)
    state = begin(MatteEditor(image, features))
    assert state.taught is None
    save_state(tmp_path / "a.npz", "made", 0, state)
    _, read = load_state(tmp_path / "a.npz", "made")
    assert read.taught is None
    image, features, _ = frame(1)
    assert carry(read, image, cut_parts(image, features)).alpha.max() == 0
