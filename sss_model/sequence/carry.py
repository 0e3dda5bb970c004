"""A matte carried from frame to frame: by what its thing looks like, by where it moves, and by corrections.

Of each superpixel of a frame three log-odds are added up: those of the features by what the corrections taught, those
by what the last frame taught, either at half weight, and that of the matte of the last frame as it moved,

    trust log(m / (1 - m)),    clipped at 4

The superpixels that this is sure of then mark the frame as clicks would, and the matte is solved from them. Where
things stood still or were followed well, the alpha is half that of the last frame as it moved, so that borders do not
flicker; elsewhere it is this frame's alone, so that nothing trails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sss_model.matting.edges import full_alpha
from sss_model.matting.editor import MatteEditor
from sss_model.matting.find import thing_of
from sss_model.matting.parts import GRID, Doubles, Parts
from sss_model.matting.recipe import Thing
from sss_model.matting.solve import spread
from sss_model.matting.state import State, after
from sss_model.matting.steps import Step
from sss_model.progress import Progress
from sss_model.segmentation.inputs import grid_image
from sss_model.segmentation.superpixels import means
from sss_model.sequence.motion import Motion, motion_between

Floats = NDArray[np.float32]

MOTION_ODDS, FEATURE_ODDS = 4.0, 6.0
STEADY = 0.5


@dataclass(frozen=True, eq=False)
class Carried:
    """What a frame hands on to the next one.

    Attributes
    ----------
    guide : (h, w, 3) float32, the frame on the grid
    coarse : (h, w) float32, the matte there before its edges were solved
    alpha : (H, W) float32, the matte
    taught : what corrections taught; None where they hold nothing or everything
    recent : what this frame teaches
    """

    guide: Floats
    coarse: Floats
    alpha: Floats
    taught: Thing | None
    recent: Thing | None


def begin(editor: MatteEditor, progress: Progress | None = None) -> Carried:
    """The frame that a user made a matte of, by `editor`."""
    image, parts, state = np.asarray(editor.image, np.float32), editor.parts, editor.state
    alpha, coarse = _solved(image, parts, state, editor.steps, progress)
    thing = thing_of(parts, state.alpha)
    return Carried(frame_guide(image), coarse, alpha, thing, thing)


def carry(
    before: Carried, image: Floats, parts: Parts, steps: Sequence[Step] = (), progress: Progress | None = None
) -> Carried:
    """The frame `image` (H, W, 3) with superpixels `parts`, next to `before`, with the corrections `steps` to it."""
    guide = frame_guide(image)
    motion = motion_between(before.guide, guide)
    state = State(
        _followed(before, parts, motion), np.zeros(parts.count, np.int8), np.zeros(parts.count, np.bool_), True
    )
    for step in steps:
        state = after(parts, state, step)
    alpha, coarse = _solved(image, parts, state, steps, progress)
    recent = thing_of(parts, state.alpha)
    if steps:
        return Carried(guide, coarse, alpha, recent, recent)
    return Carried(guide, coarse, steadied(alpha, before.alpha, motion), before.taught, recent or before.recent)


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


def _followed(before: Carried, parts: Parts, motion: Motion) -> Doubles:
    """(K,) the alphas of the superpixels from the frame before."""
    trust = means(parts.labels, motion.trust[..., None].astype(np.float64))[:, 0]
    seen = np.stack([motion.trust, motion.trust * motion.warped(before.coarse)], axis=-1).astype(np.float64)
    weight, moved = means(parts.labels, seen).T
    m = np.clip(moved / np.maximum(weight, 1e-9), 1e-3, 1 - 1e-3)
    odds = trust * np.clip(np.log(m / (1 - m)), -MOTION_ODDS, MOTION_ODDS)
    things = [thing for thing in (before.taught, before.recent) if thing is not None]
    for thing in things:
        odds += np.clip(thing.classifier.odds(parts.features), -FEATURE_ODDS, FEATURE_ODDS) / len(things)
    likely = 1 / (1 + np.exp(-odds))
    return spread(parts, likely)


def _solved(
    image: Floats, parts: Parts, state: State, steps: Sequence[Step], progress: Progress | None
) -> tuple[Floats, Floats]:
    """The matte at the frame's size, and on the grid before its edges were solved."""
    coarse = state.alpha.astype(np.float32)[parts.labels]
    return full_alpha(image, coarse, state.contested[parts.labels], steps, progress=progress), coarse
