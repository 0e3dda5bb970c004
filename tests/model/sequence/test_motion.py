"""Motion between frames that were moved by a known amount."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from made_frames import frame

from sss_model.sequence.motion import motion_between


def texture(height=80, width=120):
    values = np.random.default_rng(3).random((height, width, 3)).astype(np.float32)
    return cv2.GaussianBlur(values, (0, 0), 2)


@pytest.mark.parametrize(("across", "down"), [(0, 0), (4, 0), (-3, 2), (0, -5)])
def test_what_was_moved_is_found_where_it_was(across, down):
    before = texture()
    now = np.roll(before, (down, across), axis=(0, 1))
    motion = motion_between(before, now)
    inner = np.s_[12:-12, 12:-12]
    np.testing.assert_allclose(np.median(motion.offsets[inner], axis=(0, 1)), (-across, -down), atol=0.2)
    assert np.abs(motion.warped(before)[inner] - now[inner]).mean() < 0.02
    assert np.median(motion.trust[inner]) > 0.8


def test_what_appears_or_leaves_is_not_trusted():
    before, _, _ = frame(0)
    now, _, _ = frame(5)
    motion = motion_between(before, now)
    other = np.random.default_rng(8).random(now.shape).astype(np.float32)
    assert motion_between(before, other).trust.mean() < 0.3
    assert motion.trust[:, 80:].mean() > 0.7  # the wall stands still
    still = motion_between(before, before)
    np.testing.assert_allclose(still.trust, 1, atol=0.05)


def test_a_motion_at_another_size_is_as_many_times_as_long():
    motion = motion_between(texture(), np.roll(texture(), 4, axis=1)).resized((160, 240))
    assert motion.trust.shape == (160, 240)
    np.testing.assert_allclose(np.median(motion.offsets[30:-30, 30:-30], axis=(0, 1)), (-8, 0), atol=0.5)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (9, 7), (31, 64)])
def test_frames_too_small_stand_still(size):
    image = np.random.default_rng(0).random((*size, 3)).astype(np.float32)
    motion = motion_between(image, image)
    assert not motion.offsets.any()
    np.testing.assert_allclose(motion.trust, 1)
