"""Layers that stay the same from frame to frame: their names, order, colours and Cryptomatte ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sss_model.array_types import Doubles, Floats, Indices
from sss_model.filtering.resize import resize
from sss_model.segmentation.segments import SoftSegments
from sss_model.segmentation.upsample import upsample_layers
from sss_model.sequence.carrying import STEADY
from sss_model.sequence.motion import Motion, motion_between

_LIKENESS = 1.0  # the weight of features beside that of motion
_FOLLOWED = 0.5  # how fast a layer's mean feature follows what it looks like


@dataclass(frozen=True, eq=False)
class LayerTracks:
    """The layers of a frame, to be found again in the next one.

    Attributes
    ----------
    guide : (h, w, 3) float32, the frame on the working grid
    alphas : (h, w, N) float32 of sum 1, the layers there
    features : (N, D) float64, the mean feature of each; of one that is gone, its last one
    """

    guide: Floats
    alphas: Floats
    features: Doubles

    def lifted(self, image: Floats) -> Floats:
        """(H, W, N) float32 in [0, 1] of sum 1: the layers at the size of the frame `image` (H, W, 3)."""
        if image.shape[:2] == self.alphas.shape[:2]:
            return self.alphas
        return upsample_layers(self.alphas, self.guide, image)


def begin_tracks(image: Floats, segments: SoftSegments) -> LayerTracks:
    """The layers of the first frame, the largest first."""
    order = np.argsort(-segments.shares, kind="stable")
    alphas = np.ascontiguousarray(segments.grid_alphas[..., order])
    return LayerTracks(_guide(image, segments), alphas, _mean_features(segments, alphas))


def follow(before: LayerTracks, image: Floats, segments: SoftSegments) -> LayerTracks:
    """The layers of the next frame `image` (H, W, 3), in the same order.

    Each component of the frame goes to the layer that most of it was part of before, as it moved, or that its features
    are nearest to; the less the motion is trusted, the more the features count. A layer that nothing goes to is empty.

    Parameters
    ----------
    segments : of the frame, in any grouping
    """
    guide = _guide(image, segments)
    motion = motion_between(before.guide, guide)
    used, groups = np.unique(_layer_of_components(before, segments, motion), return_inverse=True)
    alphas = np.zeros(before.alphas.shape, np.float32)
    alphas[..., used] = segments.grouped(groups).grid_alphas
    alphas += STEADY * motion.trust[..., None] * (motion.warped(before.alphas) - alphas)
    features = before.features.copy()
    features[used] += _FOLLOWED * (_mean_features(segments, alphas[..., used]) - features[used])
    return LayerTracks(guide, alphas, features)


def tracks_of(image: Floats, segments: SoftSegments) -> LayerTracks:
    """The layers of a frame in the order that they have."""
    return LayerTracks(_guide(image, segments), segments.grid_alphas, _mean_features(segments, segments.grid_alphas))


def matching_layers(before: LayerTracks, image: Floats, segments: SoftSegments) -> Indices:
    """(K,) for each component of the frame `image` (H, W, 3) the layer of `before` that it goes to, as in `follow`."""
    return _layer_of_components(before, segments, motion_between(before.guide, _guide(image, segments)))


def _layer_of_components(before: LayerTracks, segments: SoftSegments, motion: Motion) -> Indices:
    components = np.clip(segments.components, 0, 1).astype(np.float64)
    sizes = np.maximum(components.sum(axis=(0, 1)), 1e-9)
    trust = motion.trust.astype(np.float64)
    moved = motion.warped(before.alphas) * trust[..., None]
    share = np.einsum("hwk,hwn->kn", components, moved) / sizes[:, None]
    trusted = np.einsum("hwk,hw->k", components, trust) / sizes
    apart = np.square(segments.component_features[:, None] - before.features).sum(axis=2)
    scale = np.maximum(np.median(apart), 1e-12)
    likeness = np.exp(-apart / scale)
    likeness /= np.maximum(likeness.sum(axis=1, keepdims=True), 1e-12)
    score = share + _LIKENESS * (1 - trusted[:, None]) * likeness + 1e-3 * likeness
    layers: Indices = score.argmax(axis=1)
    return layers


def _guide(image: Floats, segments: SoftSegments) -> Floats:
    size = (segments.grid_alphas.shape[0], segments.grid_alphas.shape[1])
    return np.clip(resize(image, size), 0, 1).astype(np.float32)


def _mean_features(segments: SoftSegments, alphas: Floats) -> Doubles:
    """(N, D) the mean features of the layers `alphas` (h, w, N), by the components that they are made of."""
    components = np.clip(segments.components, 0, 1).astype(np.float64)
    weight = np.einsum("hwk,hwn->nk", components, alphas.astype(np.float64))
    means: Doubles = weight @ segments.component_features / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    return means
