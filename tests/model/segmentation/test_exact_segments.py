"""The fast way beside the literal pipeline, whole."""

from __future__ import annotations

import exact_segments as exact
import numpy as np
import pytest
from made_scenes import disc_scene
from scipy.optimize import linear_sum_assignment

from sss_model.segmentation import soft_segments


@pytest.mark.slow
def test_layers_are_those_of_the_literal_pipeline():
    image, features, _ = disc_scene(90, 120)
    theirs = exact.exact_segments(image, features, layers=3)
    ours = soft_segments(image, features, layers=3).alphas
    apart = np.abs(ours[..., :, None] - theirs[..., None, :]).mean((0, 1))
    assert apart[linear_sum_assignment(apart)].mean() < 0.01
