"""Click probe: how much of a thing a linear classifier of the features finds from a few clicks of a simulated user.

What features are for, measured without the rest of the program. The user clicks into the middle of the thing, then,
each time, where the answer is wrong in the widest place, and says truly what is there. A click marks the cells about it
that belong to what was clicked. After every click a logistic regression of the features is fitted: the thing's clicks
against the rest's, each side of equal weight.

Nobody has said yet what the rest is when the first click has come. So half of the cells on the picture's border, those
whose features are farther from the clicks on the thing than the other half, count as rest: all of that side's weight
until the user has clicked there, half of it from then on. Things that cover most of the border are found worse by it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import AnyFloats, Mask
from sss_model.datasets.pair_sampling import UNKNOWN

CLICKS = 5
REACH = 0.008  # of the long side: how far from a click cells are marked
SMALLEST, LARGEST = 0.005, 0.9  # share of the picture that a thing may cover
_PENALTY = 1e-3  # of the squared weights, for features whose mean squared length is 1


def click_probe(features: AnyFloats, thing: Mask, counted: Mask | None = None) -> list[float]:
    """Intersection over union of `thing` and the answer, after each of `CLICKS` clicks.

    Parameters
    ----------
    features : (H, W, C) floating
    thing : (H, W) bool, true somewhere
    counted : (H, W) bool, where it is known what is there; clicks and IoU keep to it. None: everywhere

    Examples
    --------
    >>> thing = np.zeros((20, 30), bool)
    >>> thing[5:15, 8:20] = True
    >>> click_probe(np.dstack([thing, ~thing]).astype(np.float32), thing)
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    counted = np.ones(thing.shape, bool) if counted is None else counted
    thing = thing & counted
    height, width = thing.shape
    values = features.reshape(height * width, -1).astype(np.float32)
    values = values - values.mean(0)
    values /= max(float(np.sqrt(np.square(values).sum(1).mean())), 1e-12)
    rim = np.ones(thing.shape, bool)
    rim[1:-1, 1:-1] = False
    border = np.flatnonzero(rim)
    rows, columns = np.ogrid[:height, :width]
    marked, on_thing, answer = np.zeros(thing.shape, bool), np.zeros(thing.shape, bool), np.zeros(thing.shape, bool)
    overlaps: list[float] = []
    for _ in range(CLICKS):
        place = _widest((answer != thing) & counted & ~marked)
        if place is not None:
            near = (rows - place[0]) ** 2 + (columns - place[1]) ** 2 <= (REACH * max(height, width)) ** 2
            near[place] = True
            near &= (thing == thing[place]) & counted
            marked |= near
            on_thing |= near & thing
            positive, negative = np.flatnonzero(on_thing), np.flatnonzero(marked & ~on_thing)
            score = _fitted(values, positive, negative, _far_half(values, border, positive))
            answer = (score > 0).reshape(thing.shape)
        both = np.count_nonzero(answer & thing)
        overlaps.append(float(both / np.count_nonzero((answer & counted) | thing)))
    return overlaps


def probe_objects(
    features: AnyFloats, regions: NDArray[np.int32], numbers: list[int], *, most: int
) -> tuple[float, float] | None:
    """Mean IoU over a picture's things after the first and after the last click; None where it has none of fit size.

    Parameters
    ----------
    features : (H, W, C)
    regions : (H, W) region of each of those cells; `UNKNOWN` is not counted
    numbers : the regions that are things, the largest first
    most : at most so many of them
    """
    sizes = {number: np.count_nonzero(regions == number) for number in numbers}
    fit = [number for number, size in sizes.items() if SMALLEST * regions.size <= size <= LARGEST * regions.size]
    if not fit or most < 1:
        return None
    found = np.array([click_probe(features, regions == number, regions != UNKNOWN) for number in fit[:most]])
    return float(found[:, 0].mean()), float(found[:, -1].mean())


def _widest(wrong: Mask) -> tuple[int, int] | None:
    """Where the largest disc fits into `wrong`, row and column; outside of the picture nothing is wrong."""
    from scipy.ndimage import distance_transform_edt

    if not wrong.any():
        return None
    distance = distance_transform_edt(np.pad(wrong, 1))[1:-1, 1:-1]
    row, column = divmod(int(distance.argmax()), wrong.shape[1])
    return row, column


def _far_half(values: NDArray[np.float32], border: NDArray[np.intp], clicked: NDArray[np.intp]) -> NDArray[np.intp]:
    """The half of the border's cells that are farther than the others from the nearest of the clicked ones."""
    from scipy.spatial.distance import cdist

    apart = cdist(values[border], values[clicked]).min(1)
    far: NDArray[np.intp] = border[apart >= np.median(apart)]
    return far


def _fitted(
    values: NDArray[np.float32], positive: NDArray[np.intp], negative: NDArray[np.intp], guessed: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Log-odds of every cell by a logistic regression with a penalty on squared weights."""
    from scipy.optimize import minimize
    from scipy.special import expit

    share = 0.25 if len(negative) else 0.5
    groups = [(positive, 1.0, 0.5), (guessed, -1.0, share), (negative, -1.0, 0.5 - share)]
    groups = [group for group in groups if len(group[0])]
    chosen = np.concatenate([cells for cells, _, _ in groups])
    side = np.concatenate([np.full(len(cells), sign) for cells, sign, _ in groups])
    weight = np.concatenate([np.full(len(cells), total / len(cells)) for cells, _, total in groups])
    known = np.column_stack([values[chosen], np.ones(len(chosen))]).astype(np.float64)

    def cost(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = side * (known @ line)
        slope = -(weight * side * expit(-margin)) @ known
        slope[:-1] += _PENALTY * line[:-1]
        return float(weight @ np.logaddexp(0, -margin) + _PENALTY / 2 * (line[:-1] @ line[:-1])), slope

    line = minimize(cost, np.zeros(known.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    odds: NDArray[np.float32] = values @ line[:-1].astype(np.float32) + np.float32(line[-1])
    return odds
