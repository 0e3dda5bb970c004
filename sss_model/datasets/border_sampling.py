"""Pixels near label borders: pairs that an edge AUC compares, and windows that training draws from.

A border runs between two neighbouring pixels of different labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Labels
from sss_model.datasets.pair_sampling import UNKNOWN, VOID, Samples
from sss_model.params import SamplingParams

REFERENCE_SIDE = 480  # the long side at which the distances of edge pairs are stated
BORDER_DISTANCE = (3.0, 12.0)  # pixels from a label border at that side
PAIR_DISTANCE = (4.0, 16.0)  # pixels from one to the other
_FEWEST_PAIRS = 20  # of each kind: fewer say nothing


@dataclass(frozen=True)
class EdgePairs:
    """Pairs of pixels near a label border: `first`, `second` (P, 2) int64, x then y; `same` (P,), whether one label."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]


def choose_edge_pairs(labels: Labels, rng: np.random.Generator, *, pairs: int = 1000) -> EdgePairs | None:
    """Up to `pairs` pairs of one label and as many of two, all pixels near a border between two labels.

    Pixels lie 3 to 12 px from a border and 4 to 16 px from each other where the picture's long side is 480 px, and in
    proportion elsewhere. Void has no border and is never a pixel of a pair. None where there are fewer than 20 of
    either kind.
    """
    unit = max(labels.shape) / REFERENCE_SIDE
    edge, _ = label_boundaries(labels, both_sides=True)
    if not edge.any():
        return None
    distance = _distance_to(edge)
    near = (labels != VOID) & (distance >= BORDER_DISTANCE[0] * unit) & (distance <= BORDER_DISTANCE[1] * unit)
    places = np.argwhere(near)
    if not len(places):
        return None
    least, most = (reach * unit for reach in PAIR_DISTANCE)
    firsts, seconds = [], []
    for _ in range(8):
        first = places[rng.integers(len(places), size=8 * pairs)]
        reach = np.sqrt(rng.uniform(least**2, most**2, len(first)))
        angle = rng.uniform(0, 2 * np.pi, len(first))
        offset = np.rint(np.stack([reach * np.sin(angle), reach * np.cos(angle)], 1)).astype(np.int64)
        apart = np.hypot(*offset.T)
        second = first + offset
        fits = (apart >= least) & (apart <= most) & ((second >= 0) & (second < labels.shape)).all(1)
        fits[fits] = near[tuple(second[fits].T)]
        firsts.append(first[fits])
        seconds.append(second[fits])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    same = labels[tuple(first.T)] == labels[tuple(second.T)]
    count = min(pairs, int(same.sum()), int((~same).sum()))
    if count < _FEWEST_PAIRS:
        return None
    chosen = np.concatenate([np.flatnonzero(same)[:count], np.flatnonzero(~same)[:count]])
    return EdgePairs(first[chosen, ::-1].copy(), second[chosen, ::-1].copy(), same[chosen])


def label_boundaries(
    labels: Labels, *, both_sides: bool = False, void: bool = False
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels (H, W) beside another label to the right or below, or on either side of it, and those that are void.

    Parameters
    ----------
    void : whether void has borders too
    """
    edge = np.zeros(labels.shape, bool)
    unknown = labels == VOID
    for ahead, behind in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        differs = labels[ahead] != labels[behind]
        if not void:
            differs &= (labels[ahead] != VOID) & (labels[behind] != VOID)
        edge[behind] |= differs
        if both_sides:
            edge[ahead] |= differs
    return edge, unknown


MARGIN = 1.5  # pixels: nearer to a border, a label may be off by as much
_FEWEST_OF_A_LABEL = 4  # pixels in a window
_TRIES = 4  # windows looked at for each that is wanted


def draw_windows(
    labels: Labels, regions: Labels, params: SamplingParams, rng: np.random.Generator, *, void: bool = False
) -> Samples:
    """Up to `params.border_windows` samplings, each of the pixels within `params.border_radius` of one border pixel.

    Every label of a window gives as many of its `params.border_pixels` pixels as any other, none nearer than 1.5 px to
    a border. There are fewer windows, or none, where a picture has few borders.

    Parameters
    ----------
    labels : (H, W), `VOID` (-1) where there is none
    regions : (H, W) region of each pixel; one of `UNKNOWN` (-2) is never drawn
    void : whether void counts as one more label, a negative to all others

    Examples
    --------
    >>> labels = np.repeat([[4, 9]], 20, axis=1).repeat(40, axis=0).astype(np.int32)
    >>> samples = draw_windows(labels, labels, SamplingParams(border_windows=3), np.random.default_rng(0))
    >>> samples.points.shape, samples.labels.shape
    ((3, 64, 2), (3, 64))
    """
    count, pixels, radius = params.border_windows, params.border_pixels, params.border_radius
    none = np.empty((0, pixels), np.int64)
    nothing = Samples(np.empty((0, pixels, 2), np.int64), none, none)
    edge, _ = label_boundaries(labels, both_sides=True, void=void)
    if not count or not edge.any():
        return nothing
    usable = (_distance_to(edge) >= MARGIN) & ((labels != VOID) | (regions != UNKNOWN))
    if not void:
        usable &= labels != VOID
    centres = np.argwhere(edge)
    windows: list[tuple[NDArray[np.int64], ...]] = []
    for y, x in centres[rng.integers(len(centres), size=_TRIES * count)]:
        if len(windows) == count:
            break
        top, left = max(0, y - radius), max(0, x - radius)
        part = np.s_[top : y + radius + 1, left : x + radius + 1]
        rows, columns = np.nonzero(usable[part])
        inside = (rows + top - y) ** 2 + (columns + left - x) ** 2 <= radius**2
        rows, columns = rows[inside] + top, columns[inside] + left
        own = labels[rows, columns]
        kinds, sizes = np.unique(own, return_counts=True)
        kinds = kinds[sizes >= _FEWEST_OF_A_LABEL]
        if len(kinds) < 2:
            continue
        each = [len(share) for share in np.array_split(np.arange(pixels), len(kinds))]
        chosen = np.concatenate(
            [rng.choice(np.flatnonzero(own == kind), n) for kind, n in zip(kinds, each, strict=True)]
        )
        rows, columns = rows[chosen], columns[chosen]
        parts = np.where(own[chosen] == VOID, VOID, regions[rows, columns]).astype(np.int64)
        windows.append((np.stack([columns, rows], 1), own[chosen].astype(np.int64), parts))
    if not windows:
        return nothing
    return Samples(*(np.stack(drawn) for drawn in zip(*windows, strict=True)))


def _distance_to(edge: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Pixels from a border itself, which runs between two pixels of `edge`; 0.5 on them."""
    from scipy.ndimage import distance_transform_edt

    distance: NDArray[np.float64] = distance_transform_edt(~edge) + 0.5
    return distance
