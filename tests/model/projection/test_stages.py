"""Stages kept under their parameters: two a stage, counted once, let go by name."""

from __future__ import annotations

import numpy as np

from sss_model.projection.stages import Stages


def test_two_values_a_stage_are_kept_the_newest_first():
    stages, made = Stages(), []

    def value(key):
        return stages.get("map", key, lambda: made.append(key) or np.zeros(10, np.float32))

    first = value(1)
    value(2)
    assert value(1) is first
    value(3)
    assert stages.newest("map")[0] == 3
    assert value(1) is first
    value(2)
    assert made == [1, 2, 3, 2], "the one used longest ago was forgotten"


def test_bytes_that_two_stages_share_count_once():
    stages, values = Stages(), np.zeros(100, np.float32)
    stages.get("reduction", 1, lambda: values)
    stages.put("filtered", values)
    assert stages.nbytes == 400
    stages.get("reduction", 2, lambda: values.copy())
    assert stages.nbytes == 800
    stages.thin()
    assert stages.nbytes == 800
    stages.drop("filtered", "nothing")
    assert stages.nbytes == 400
    assert stages.newest("filtered") is None
