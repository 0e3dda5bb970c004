"""From marked superpixels to an alpha for each: regression, geodesic reach, and one sparse system.

Two log-odds are added up, either within [-6, 6]: those of a logistic regression of the features between the marks of
both kinds, and

    8 (d- - d+) / (d- + d+)

of the geodesic distances to the marks, where a step over a border costs its difference of features and of colours.
With p their probability and W the likeness of neighbours, the alphas a minimise

    sum_ij W_ij (a_i - a_j)^2 + 0.3 sum_i |2 p_i - 1| (a_i - [p_i > 1/2])^2,    a = 1 or 0 under marks
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import spsolve

from sss_model.matting.classifier import taught
from sss_model.matting.parts import Doubles, Indices, Parts

Marks = NDArray[np.int8]

_ODDS = 6.0
_REACH = 8.0
_COLOUR_COST, _STEP_COST = 0.5, 0.02
_DATA, _HARD = 0.3, 1e6
_FEATURE_FALL, _COLOUR_FALL = 6.0, 200.0
_SURE = 0.9


def solve(parts: Parts, marks: Marks, before: Doubles | None = None, *, bias: float = 0.0) -> Doubles:
    """(K,) in [0, 1]: the alphas that `marks` (K,) lead to.

    Parameters
    ----------
    before : (K,) an earlier answer, whose sure superpixels teach as marks do
    bias : log-odds that are added everywhere; above 0 takes more
    """
    inside, outside = np.flatnonzero(marks > 0), np.flatnonzero(marks < 0)
    if before is not None:
        free = marks == 0
        inside = np.union1d(inside, np.flatnonzero(free & (before > _SURE)))
        outside = np.union1d(outside, np.flatnonzero(free & (before < 1 - _SURE)))
    elif len(inside):
        outside = np.union1d(outside, _frame_guess(parts, marks, inside))
    if not len(inside):
        return np.zeros(parts.count)
    if not len(outside):
        return np.ones(parts.count)
    odds = _feature_odds(parts, inside, outside) + _reach_odds(parts, inside, outside) + bias
    return _relaxed(parts, odds, marks)


def _feature_odds(parts: Parts, inside: Indices, outside: Indices) -> Doubles:
    rows = np.concatenate([inside, outside])
    targets = np.repeat([1.0, 0.0], [len(inside), len(outside)])
    values = parts.scaled
    classifier = taught(values[rows], targets, parts.shares[rows])
    odds: Doubles = np.clip(classifier.odds(values), -_ODDS, _ODDS)
    return odds


def _reach_odds(parts: Parts, inside: Indices, outside: Indices) -> Doubles:
    cost = parts.feature_steps + _COLOUR_COST * parts.colour_steps + _STEP_COST
    i, j = parts.pairs.T
    graph = sp.csr_matrix((cost, (i, j)), shape=(parts.count, parts.count))
    near, far = (dijkstra(graph, directed=False, indices=side, min_only=True) for side in (inside, outside))
    odds: Doubles = np.clip(_REACH * (far - near) / np.maximum(far + near, 1e-9), -_ODDS, _ODDS)
    return odds


def _frame_guess(parts: Parts, marks: Marks, inside: Indices) -> Indices:
    """Superpixels at the picture's frame that are less like the marks than half of them."""
    frame = np.flatnonzero(parts.frame & (marks == 0))
    values = parts.scaled
    apart = np.linalg.norm(values[frame][:, None] - values[inside], axis=2).min(1) if len(frame) else np.empty(0)
    return frame[(apart >= np.median(apart)) & (apart > 1e-9)] if len(frame) else frame


def _relaxed(parts: Parts, odds: Doubles, marks: Marks) -> Doubles:
    p = 1 / (1 + np.exp(-odds))
    i, j = parts.pairs.T
    alike = np.exp(-_FEATURE_FALL * parts.feature_steps - _COLOUR_FALL * parts.colour_steps**2) * parts.borders
    half = sp.csr_matrix((alike, (i, j)), shape=(parts.count, parts.count))
    W = half + half.T
    weight = np.where(marks != 0, _HARD, _DATA * np.abs(2 * p - 1))
    target = np.where(marks != 0, marks > 0, p > 0.5)
    system = sp.diags(np.asarray(W.sum(1)).ravel() + weight + 1e-9) - W
    alpha: Doubles = np.clip(spsolve(system.tocsc(), weight * target), 0, 1)
    alpha[marks != 0] = marks[marks != 0] > 0
    return alpha
