"""What speaks for and against each superpixel: distances to marks in features, colours and place, and what they teach.

All of them are ratios, or measured in the picture's own spread, so that they mean the same whatever the features are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from sss_model.array_types import Doubles, Indices
from sss_model.matting.classifier import taught
from sss_model.matting.parts import Parts

Marks = NDArray[np.int8]

SURE = 0.9  # an alpha that teaches as marks do
SURE_LIKENESS, REACH = 1, 3  # columns
_ODDS = 8.0
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Situation:
    """A mark, and what was there before.

    Attributes
    ----------
    marks : (K,) int8: 1 where a mark said to keep, -1 to drop, 0 elsewhere; the last one included
    before : (K,) float64 in [0, 1], the matte so far; None: there is none
    under : the superpixels of the last mark
    keep : what it said
    boxed : whether a box says where the rest begins, so that the frame need not be guessed to be the rest
    """

    marks: Marks
    before: Doubles | None
    under: Indices
    keep: bool
    boxed: bool = False


@dataclass(frozen=True, eq=False)
class _Sides:
    """Superpixels that stand for the thing and for the rest: marks and guesses, and with what the matte is sure of."""

    inside: Indices
    outside: Indices
    sure_inside: Indices
    sure_outside: Indices


def cues(parts: Parts, now: Situation) -> NDArray[np.float32]:
    """(K, C) float32: a row for each superpixel; `packaging/train_matting.py` learns from these columns."""
    sides = _sides(parts, now)
    before, sign = now.before, 1.0 if now.keep else -1.0
    values, colours, spread = parts.reduced, parts.colours, np.sqrt(parts.features.shape[1])
    likeness = regression(parts, values, sides.inside, sides.outside)
    sure = likeness if before is None else regression(parts, values, sides.sure_inside, sides.sure_outside)
    colour = regression(parts, parts.colour_terms, sides.sure_inside, sides.sure_outside)
    walk = partial(dijkstra, parts.graph, directed=False, min_only=True)
    near, far = walk(indices=sides.inside), walk(indices=sides.outside)
    reach = balance(near, far)
    colour_walk = partial(dijkstra, parts.colour_graph, directed=False, min_only=True)
    colour_reach = balance(colour_walk(indices=sides.inside), colour_walk(indices=sides.outside))
    height, width = parts.size
    places = parts.places * np.array([height, width]) / max(height, width)
    place_in, place_out = _nearest(places, sides.inside), _nearest(places, sides.outside)
    feature_in, feature_out = (_nearest(values, side) / spread for side in (sides.inside, sides.outside))
    colour_in, colour_out = (4 * _nearest(colours, side) for side in (sides.inside, sides.outside))
    barrier_in, barrier_out = (np.log(parts.barriers(side) + 0.02) for side in (sides.inside, sides.outside))
    last, last_reach, last_feature = near, reach, feature_in
    if before is not None:
        against = np.flatnonzero(now.marks == (-1 if now.keep else 1))
        last = walk(indices=now.under)
        last_reach = balance(last, walk(indices=against) if len(against) else far)
        last_feature = _nearest(values, now.under) / spread
    usual = float(np.median(near)) + 1e-6
    columns = [
        likeness / 4, sure / 4, colour / 4, reach, colour_reach, np.log(near / usual + 0.05),
        np.log(last / usual + 0.05), last_reach * sign, last_feature, np.log(place_in + 0.02),
        (place_out - place_in) / (place_out + place_in + 1e-6),
        feature_in, feature_out, feature_out - feature_in, colour_in, colour_out, colour_out - colour_in,
        barrier_in, barrier_out - barrier_in, parts.frame, 0.5 if before is None else before, before is not None,
        np.log(len(sides.inside) + 1), np.log((now.marks < 0).sum() + 1), sign, now.boxed,
        np.log(parts.shares @ (likeness > 0) + 0.01), np.log(parts.shares @ (sure > 0) + 0.01),
    ]  # fmt: skip
    return np.stack([np.broadcast_to(column, parts.count) for column in columns], axis=1).astype(np.float32)


def _sides(parts: Parts, now: Situation) -> _Sides:
    """Who stands for what. The rest is guessed at the frame, where that is less like the marks than half of it."""
    free = now.marks == 0
    inside, dropped = np.flatnonzero(now.marks > 0), np.flatnonzero(now.marks < 0)
    sure_inside = inside if now.before is None else np.union1d(inside, np.flatnonzero(free & (now.before > SURE)))
    if not len(sure_inside):
        sure_inside = now.under
    if not len(inside):
        inside = sure_inside
    apart = _nearest(parts.reduced, inside)
    outside = dropped
    if not now.boxed:
        frame = np.flatnonzero(parts.frame & free)
        unlike = apart[frame] >= np.median(apart[frame]) if len(frame) else np.zeros(0, np.bool_)
        outside = np.union1d(dropped, frame[unlike & (apart[frame] > _TINY)])
    if not len(outside):
        outside = np.array([int(np.argmax(apart))])
    sure_outside = outside
    if now.before is not None:
        sure_outside = np.union1d(dropped, np.flatnonzero(free & (now.before < 1 - SURE)))
    return _Sides(inside, outside, sure_inside, sure_outside if len(sure_outside) else outside)


def regression(parts: Parts, values: Doubles, inside: Indices, outside: Indices) -> Doubles:
    """(K,): the log-odds that a logistic regression of `values` (K, C) learns from either side."""
    rows = np.concatenate([inside, outside])
    targets = np.repeat([1.0, 0.0], [len(inside), len(outside)])
    odds: Doubles = np.clip(taught(values[rows], targets, parts.shares[rows]).odds(values), -_ODDS, _ODDS)
    return odds


def balance(near: Doubles, far: Doubles) -> Doubles:
    balance: Doubles = (far - near) / np.maximum(far + near, _TINY)
    return balance


def _nearest(values: Doubles, chosen: Indices) -> Doubles:
    """(K,): from each of `values` (K, C) to the nearest of those `chosen`."""
    others = values[chosen]
    squares = values @ (-2 * others.T)  # thousands by thousands after a box: one array of that size is enough
    squares += (others**2).sum(1)
    least = squares.min(1) + (values**2).sum(1)
    nearest: Doubles = np.sqrt(np.maximum(least, 0))
    return nearest
