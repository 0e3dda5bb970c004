"""Edges of a matte: the closed form (Levin, Lischinski and Weiss 2008) solved in a band about its border.

With L the matting Laplacian of `segmentation.affinities` and the pixels outside of the band as they are,

    L_uu a_u = -L_uk a_k

for the band's pixels u, by conjugate gradients. In pictures of more than `FINE` pixels a side the band is solved on a
smaller picture; what comes to full size there is, about each pixel, alpha as a linear function of colour, which is the
closed form's own model.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from sss_model.array_types import Floats, Mask
from sss_model.progress import Progress, silent
from sss_model.segmentation.affinities import OFFSETS, matting_laplacian

EPS = 1e-7
FINE = 1000  # pixels of the long side up to which the band is solved on the picture itself
_TILE = 128
_MARGIN = 2  # pixels of a tile's surroundings that its rows of the Laplacian depend on
_STEPS, _CLOSE = 300, 1e-4
_REPORT = 10  # steps between two reports
_COLOURS, _SMOOTH = 2, 1e-5  # of the linear functions that lift the band: the window's radius, and its eps


def solved_band(image: Floats, alpha: Floats, unknown: Mask, *, progress: Progress | None = None) -> Floats:
    """`alpha` with its values at the `unknown` pixels solved from those at the others.

    Parameters
    ----------
    image : (h, w, 3) float32 RGB in [0, 1]
    alpha : (h, w) float32 in [0, 1]; at unknown pixels the value to start with
    unknown : (h, w)
    progress : told every few steps; may raise `Cancelled`

    Returns
    -------
    (h, w) float32 in [0, 1]
    """
    steps, result = silent(progress), alpha.copy()
    count = int(unknown.sum())
    if count == 0 or count == unknown.size:
        return result
    system = _rows(image, unknown, steps.part(0.0, 0.4))
    flat = alpha.ravel().astype(np.float64)
    places = np.flatnonzero(unknown)
    known = flat.copy()
    known[places] = 0
    matrix = system[:, places]
    result.ravel()[places] = _conjugate_gradients(matrix, -(system @ known), flat[places], steps.part(0.4, 1.0))
    return np.clip(result, 0, 1, out=result)


def _rows(image: Floats, unknown: Mask, progress: Progress) -> sp.csr_matrix:
    """The rows of the matting Laplacian of the `unknown` pixels, (U, h w), computed tile by tile."""
    h, w = unknown.shape
    rows, columns, values = [], [], []
    numbers = np.cumsum(unknown.ravel()) - 1
    tops = range(0, h, _TILE)
    for top in tops:
        for left in range(0, w, _TILE):
            if not unknown[top : top + _TILE, left : left + _TILE].any():
                continue
            y0, x0 = max(top - _MARGIN, 0), max(left - _MARGIN, 0)
            tile = image[y0 : top + _TILE + _MARGIN, x0 : left + _TILE + _MARGIN]
            weights = matting_laplacian(torch.from_numpy(np.ascontiguousarray(tile)), eps=EPS).weights.numpy()
            y, x = np.nonzero(unknown[top : top + _TILE, left : left + _TILE])
            y, x = y + top, x + left
            dy, dx = (np.array(part)[:, None] for part in zip(*OFFSETS, strict=True))
            inside = (y + dy >= 0) & (y + dy < h) & (x + dx >= 0) & (x + dx < w)
            rows.append(np.broadcast_to(numbers[y * w + x], inside.shape)[inside])
            columns.append(((y + dy) * w + x + dx)[inside])
            values.append(weights[:, y - y0, x - x0][inside])
        progress.report(min(top + _TILE, h) / h)
    data = np.concatenate(values).astype(np.float64), (np.concatenate(rows), np.concatenate(columns))
    return sp.csr_matrix(data, shape=(int(unknown.sum()), h * w))


def _conjugate_gradients(
    A: sp.csr_matrix, b: NDArray[np.float64], x: NDArray[np.float64], progress: Progress
) -> NDArray[np.float64]:
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
