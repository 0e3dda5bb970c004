"""From a mark to an alpha for each superpixel: the odds of a judge and of a click decoder, and one sparse system.

The judge's log-odds are mixed with those of a plain rule, the regression's and 8 (d- - d+) / (d- + d+) of the geodesic
distances, and drawn to the matte so far by 2 a - 1: a correction should not lose what was right elsewhere. Where the
features are of the model that the click decoder knows, half of the odds are its own, after a box four fifths. With p
their probability and W the likeness of neighbours, the alphas a minimise

    sum_ij W_ij (a_i - a_j)^2 + 0.3 sum_i |2 p_i - 1| (a_i - [p_i > 1/2])^2,    a = 1 or 0 under marks
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.sparse.csgraph import dijkstra

from sss_model.array_types import Doubles
from sss_model.matting.cues import REACH, SURE, SURE_LIKENESS, Marks, Situation, balance, cues, regression
from sss_model.matting.judge import shipped_judge
from sss_model.matting.parts import Parts

_DATA, _HARD = 0.3, 1e6
_INERTIA = 1.0
_ODDS = 6.0
_PLAIN_SCALE, _PLAIN_FIRST, _PLAIN_LATER = 0.6, 0.5, 0.25  # it knows large things that touch the frame better
_DECODED, _BOXED, _SEEN = 0.5, 0.8, 8.0  # the click decoder's share of the odds, after a box, and the most they are
_FEATURE_FALL, _COLOUR_FALL = 6.0, 200.0


def spread(parts: Parts, likely: Doubles) -> Doubles:
    """(K,) in [0, 1]: the alphas where no mark says anything, from the superpixels that `likely` (K,) is sure of.

    By the plain rule alone: the judge was taught with marks.
    """
    inside, outside = np.flatnonzero(likely > SURE), np.flatnonzero(likely < 1 - SURE)
    if not len(inside) or not len(outside):
        return np.full(parts.count, float(len(inside) > 0))
    near, far = (dijkstra(parts.graph, directed=False, indices=side, min_only=True) for side in (inside, outside))
    odds = np.clip(regression(parts, parts.scaled, inside, outside), -_ODDS, _ODDS)
    odds += np.clip(8 * balance(near, far), -_ODDS, _ODDS)
    return relaxed(parts, odds, np.zeros(parts.count, np.int8))


def judged(parts: Parts, now: Situation) -> Doubles:
    """(K,): the log-odds of the shipped judge, weighed, and of the click decoder where it knows the features."""
    found = cues(parts, now)
    odds = weighed(shipped_judge().odds(found), found, now)
    if parts.embedding is None:
        return odds
    seen = parts.embedding.odds(now.marks, now.under, now.keep, now.before, now.boxed)
    share = _BOXED if now.boxed else _DECODED
    return (1 - share) * odds + share * np.clip(seen, -_SEEN, _SEEN)


def weighed(odds: Doubles, found: NDArray[np.float32], now: Situation) -> Doubles:
    """A judge's `odds` (K,) of the cues `found` (K, C), beside the plain rule's and the matte so far."""
    share = _PLAIN_FIRST if now.before is None else _PLAIN_LATER
    mixed: Doubles = (1 - share) * odds + share * _PLAIN_SCALE * plain_odds(found)
    return mixed if now.before is None else mixed + _INERTIA * (2 * now.before - 1)


def plain_odds(found: NDArray[np.float32]) -> Doubles:
    """(K,): the sum of what the features' regression and the reach over them say, without a judge."""
    likeness, reach = found[:, SURE_LIKENESS].astype(np.float64), found[:, REACH].astype(np.float64)
    odds: Doubles = np.clip(4 * likeness, -_ODDS, _ODDS) + np.clip(8 * reach, -_ODDS, _ODDS)
    return odds


def relaxed(parts: Parts, odds: Doubles, marks: Marks) -> Doubles:
    """(K,): the minimum above."""
    p = 1 / (1 + np.exp(-odds))
    alike = np.exp(-_FEATURE_FALL * parts.feature_steps - _COLOUR_FALL * parts.colour_steps**2) * parts.borders
    weight = np.where(marks != 0, _HARD, _DATA * np.abs(2 * p - 1))
    target = np.where(marks != 0, marks > 0, p > 0.5)
    first, second = parts.order[parts.pairs].T
    diagonal = weight + 1e-9
    for ends in parts.pairs.T:
        diagonal += np.bincount(ends, alike, parts.count)
    bands = np.zeros((int(np.abs(first - second).max(initial=0)) + 1, parts.count))
    bands[0, parts.order] = diagonal
    bands[np.abs(first - second), np.minimum(first, second)] = -alike
    right = np.empty(parts.count)
    right[parts.order] = weight * target
    solution = solveh_banded(bands, right, lower=True, overwrite_ab=True, overwrite_b=True, check_finite=False)
    alpha: Doubles = np.clip(solution[parts.order], 0, 1)
    alpha[marks != 0] = marks[marks != 0] > 0
    return alpha
