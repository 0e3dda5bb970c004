"""Edges of a matte: the closed form (Levin, Lischinski and Weiss 2008) solved in a band about its border.

With L the matting Laplacian of `segmentation.affinities` and the pixels outside of the band as they are,

    (L_uu + Q) a_u = -L_uk a_k + Q t

for the band's pixels u, by conjugate gradients. Q is 0, or _PULL |2 p - 1| where `colours` tells the probability p of a
pixel, t being 1 where p > 1/2. In pictures of more than `edges.FINE` pixels a side the band is solved on a smaller
picture; what comes to full size there is, about each pixel, alpha as a linear function of colour, which is the closed
form's own model.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import numpy as np
import scipy.sparse as sp
import torch

from sss_model.array_types import Doubles, Floats, Labels, Mask
from sss_model.progress import Progress, silent
from sss_model.segmentation.affinities import CENTRE, OFFSETS, whitened_colours

EPS = 1e-5
_PULL = 0.05
_WINDOWS = 10000  # at a time: so few that torch wakes no other threads
_STEPS, _CLOSE = 300, 1e-3
_REPORT = 10  # steps between two reports


def solved_band(
    image: Floats,
    alpha: Floats,
    unknown: Mask,
    *,
    odds: Floats | None = None,
    progress: Progress | None = None,
) -> Floats:
    """`alpha` with its values at the `unknown` pixels solved from those at the others.

    Parameters
    ----------
    image : (h, w, 3) float32 RGB in [0, 1]
    alpha : (h, w) float32 in [0, 1]; at unknown pixels the value to start with
    unknown : (h, w)
    odds : (h, w) log-odds of alpha that pull at unknown pixels; None: nothing does
    progress : told every few steps; may raise `Cancelled`

    Returns
    -------
    (h, w) float32 in [0, 1]
    """
    steps, result = silent(progress), alpha.copy()
    count = int(unknown.sum())
    if count == 0 or count == unknown.size:
        return result
    places = np.flatnonzero(unknown)
    weights, numbers = _weights(image, unknown, steps.part(0.0, 0.4))
    A, b = _system(weights, numbers, alpha, unknown)
    if odds is not None:
        told = odds.ravel()[places].astype(np.float64)
        pull = _PULL * np.abs(np.tanh(told / 2))  # |2 p - 1|
        A, b = (A + sp.diags(pull)).tocsr(), b + pull * (told > 0)
    start = alpha.ravel()[places].astype(np.float64)
    result.ravel()[places] = _conjugate_gradients(A, b, start, steps.part(0.4, 1.0))
    return np.clip(result, 0, 1, out=result)


def _weights(image: Floats, unknown: Mask, progress: Progress) -> tuple[Floats, Labels]:
    """The rows (25, U) of the matting Laplacian of the `unknown` pixels, and these pixels' numbers (h w); U elsewhere.

    Only windows with such a pixel are looked at, some at a time.
    """
    h, w = unknown.shape
    places = list(product(range(min(3, h)), range(min(3, w))))
    rows, columns = h - min(3, h) + 1, w - min(3, w) + 1
    touched = np.any([unknown[y : y + rows, x : x + columns] for y, x in places], axis=0)
    tops = np.flatnonzero(np.pad(touched, ((0, h - rows), (0, w - columns))))
    count = int(unknown.sum())
    numbers = np.full(h * w, count, np.int32)
    numbers[unknown.ravel()] = np.arange(count)
    planes = np.ascontiguousarray(image.reshape(-1, 3).T)
    weights = np.zeros((len(OFFSETS), count + 1), np.float32)  # the last column takes what no one asks for
    for first in range(0, len(tops), _WINDOWS):
        pixels = [tops[first : first + _WINDOWS] + y * w + x for y, x in places]
        z = [whitened.numpy() for whitened in whitened_colours([torch.from_numpy(planes[:, at]) for at in pixels], EPS)]
        rows_of = [numbers[at] for at in pixels]
        for a, b in combinations_with_replacement(range(len(places)), 2):
            if a != b:
                affinity = (np.einsum("cn,cn->n", z[a], z[b]) + 1) / len(places)
                dy, dx = (to - source for source, to in zip(places[a], places[b], strict=True))
                weights[OFFSETS.index((dy, dx))][rows_of[a]] -= affinity
                weights[OFFSETS.index((-dy, -dx))][rows_of[b]] -= affinity
        progress.report(min(first + _WINDOWS, len(tops)) / len(tops))
    weights[CENTRE] = -weights.sum(0)
    return weights[:, :count], numbers


def _system(weights: Floats, numbers: Labels, alpha: Floats, unknown: Mask) -> tuple[sp.csr_matrix, Doubles]:
    """L_uu (U, U), and -L_uk a_k (U,)."""
    count, width = weights.shape[1], unknown.shape[1]
    shifts = np.array([dy * width + dx for dy, dx in OFFSETS])
    near = np.clip(np.flatnonzero(unknown)[:, None] + shifts, 0, unknown.size - 1)  # weights beyond the frame are 0
    values = np.ascontiguousarray(weights.T, np.float64)
    known = np.where(unknown, 0, alpha).ravel().astype(np.float64)
    b = -np.einsum("uo,uo->u", values, known[near])
    columns = numbers[near]
    joined = (columns < count) & (values != 0)
    starts = np.concatenate([[0], np.cumsum(joined.sum(1))])
    return sp.csr_matrix((values[joined], columns[joined], starts), shape=(count, count)), b


def _conjugate_gradients(A: sp.csr_matrix, b: Doubles, x: Doubles, progress: Progress) -> Doubles:
    """The solution of A x = b, with A's diagonal for a preconditioner."""
    scale = 1 / np.maximum(A.diagonal(), 1e-12)
    x = x.copy()
    residual = b - A @ x
    z = scale * residual
    p, rz = z.copy(), float(residual @ z)
    goal = _CLOSE**2 * max(float(b @ (scale * b)), 1e-30)
    for step in range(_STEPS):
        if rz <= goal:
            break
        Ap = A @ p
        rate = rz / max(float(p @ Ap), 1e-300)
        x += rate * p
        residual -= rate * Ap
        z = scale * residual
        rz, before = float(residual @ z), rz
        p = z + rz / before * p
        if step % _REPORT == 0:
            progress.report(step / _STEPS)
    return x
