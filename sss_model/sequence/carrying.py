"""A matte carried from frame to frame: by what its thing looks like, by where it moves, and by corrections.

Of each superpixel of a frame two log-odds are added up: those of its features by what the corrections taught, at 0.4 of
their weight, and that of the matte of the last frame as it moved,

    trust log(m / (1 - m)),    clipped at 6

and neighbours that are alike are drawn together, as under a user's marks. Where things stood still or were followed
well, the alpha is for the most part that of the last frame as it moved, so that borders neither flicker nor creep;
elsewhere it is this frame's alone, so that nothing trails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sss_model.array_types import Floats
from sss_model.matting.edges import full_alpha
from sss_model.matting.editor import MatteEditor
from sss_model.matting.find import thing_of
from sss_model.matting.parts import GRID, Parts
from sss_model.matting.recipe import Thing
from sss_model.matting.solve import relaxed
from sss_model.matting.state import State, after
from sss_model.matting.steps import Step
from sss_model.progress import Progress
from sss_model.segmentation.inputs import grid_image
from sss_model.segmentation.superpixels import means
from sss_model.sequence.motion import Motion, motion_between

# measured over 40 frames of three sequences from the true matte of the first
MOTION_ODDS, FEATURE_ODDS, FEATURE_SHARE = 6.0, 6.0, 0.4
STEADY = 0.8  # the share of the last frame where the motion is trusted


@dataclass(frozen=True, eq=False)
class Carried:
    """What a frame hands on to the next one.

    Attributes
    ----------
    guide : (h, w, 3) float32, the frame on the grid
    coarse : (h, w) float32, the matte there before its edges were solved
    alpha : (H, W) float32, the matte
    taught : what corrections taught; None where they hold nothing or everything
    """

    guide: Floats
    coarse: Floats
    alpha: Floats
    taught: Thing | None


def begin(editor: MatteEditor, progress: Progress | None = None) -> Carried:
    """The frame that a user made a matte of, by `editor`."""
    image, parts, state = np.asarray(editor.image, np.float32), editor.parts, editor.state
    alpha, coarse = _solved(image, parts, state, editor.steps, progress)
    return Carried(frame_guide(image), coarse, alpha, thing_of(parts, state.alpha))


def carry(
    before: Carried, image: Floats, parts: Parts, steps: Sequence[Step] = (), progress: Progress | None = None
) -> Carried:
    """The frame `image` (H, W, 3) with superpixels `parts`, next to `before`, with the corrections `steps` to it."""
    guide = frame_guide(image)
    motion = motion_between(before.guide, guide)
    state = _followed(before, parts, motion)
    for step in steps:
        state = after(parts, state, step)
    alpha, coarse = _solved(image, parts, state, steps, progress)
    if steps:
        return Carried(guide, coarse, alpha, thing_of(parts, state.alpha))
    coarse, alpha = (steadied(now, last, motion) for now, last in ((coarse, before.coarse), (alpha, before.alpha)))
    return Carried(guide, coarse, alpha, before.taught)


def followed(before: Carried, image: Floats, parts: Parts) -> State:
    """The matte of the superpixels of the frame `image` (H, W, 3) next to `before`, which corrections begin with."""
    return _followed(before, parts, motion_between(before.guide, frame_guide(image)))


def steadied(alpha: Floats, last: Floats, motion: Motion) -> Floats:
    """`alpha` (H, W) mixed with that of the `last` frame as it moved, where the motion is trusted."""
    full = motion.resized((alpha.shape[0], alpha.shape[1]))
    share = STEADY * full.trust
    mixed: Floats = np.clip(alpha + share * (full.warped(last) - alpha), 0, 1).astype(np.float32)
    return mixed


def frame_guide(image: Floats) -> Floats:
    """The frame on the grid of superpixels."""
    guide: Floats = np.ascontiguousarray(grid_image(image, GRID).numpy())
    return guide


def _followed(before: Carried, parts: Parts, motion: Motion) -> State:
    """The alphas of the superpixels from the frame before."""
    trust = means(parts.labels, motion.trust[..., None].astype(np.float64))[:, 0]
    seen = np.stack([motion.trust, motion.trust * motion.warped(before.coarse)], axis=-1).astype(np.float64)
    weight, moved = means(parts.labels, seen).T
    m = np.clip(moved / np.maximum(weight, 1e-9), 1e-3, 1 - 1e-3)
    odds = trust * np.clip(np.log(m / (1 - m)), -MOTION_ODDS, MOTION_ODDS)
    if before.taught is not None:
        features = before.taught.classifier.odds(parts.features)
        odds += FEATURE_SHARE * np.clip(features, -FEATURE_ODDS, FEATURE_ODDS)
    unmarked = np.zeros(parts.count, np.int8)
    return State(relaxed(parts, odds, unmarked), unmarked, np.zeros(parts.count, np.bool_), True, carried=True)


def _solved(
    image: Floats, parts: Parts, state: State, steps: Sequence[Step], progress: Progress | None
) -> tuple[Floats, Floats]:
    """The matte at the frame's size, and on the grid before its edges were solved."""
    coarse = state.alpha.astype(np.float32)[parts.labels]
    return full_alpha(image, coarse, state.contested[parts.labels], steps, progress=progress), coarse
