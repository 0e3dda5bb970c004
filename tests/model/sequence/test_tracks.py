"""Layers of a frame that go to those of another one."""

from __future__ import annotations

import numpy as np
from made_frames import frame, iou

from sss_model.segmentation import soft_segments
from sss_model.sequence.tracks import matching_layers, tracks_of


def test_components_go_to_the_layer_that_is_the_same_thing():
    image, features, mask = frame(0)
    segments = soft_segments(image, features, layers=2, grid=96, device="cpu")
    disc = int(segments.grid_alphas[mask].mean(axis=0).argmax())
    assert iou(segments.grid_alphas[..., disc], mask) > 0.8
    image, features, mask = frame(4)
    later = soft_segments(image, features, layers=5, grid=96, device="cpu")
    layers = matching_layers(tracks_of(frame(0)[0], segments), image, later)
    assert layers.shape == (later.components.shape[2],)
    assert set(layers.tolist()) == {0, 1}
    taken = later.components[..., layers == disc].sum(axis=2)
    assert iou(np.clip(taken, 0, 1), mask) > 0.8
