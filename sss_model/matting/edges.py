"""From superpixels to pixels: a matte at the grid's size at once, and one with solved edges at the picture's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats, Mask
from sss_model.guided_filter import guided_filter
from sss_model.matting.band import solved_band
from sss_model.matting.steps import Step, Stroke
from sss_model.progress import Progress, silent
from sss_model.segmentation.inputs import grid_image
from sss_model.working_grid import WorkingGrid

FINE = 1000  # pixels of the long side up to which edges are solved on the picture itself
BAND = 0.0125  # of the long side, on either side of the border
_CORE = 0.7  # of the half width of a thin part, from which on it is sure
_RADIUS, _EPS = 3, 1e-4  # of the guided filter that shows a matte before its edges are solved
_WINDOW, _FLAT = 5, 1e-5  # of the linear functions of colour that bring solved edges to full size
_STRIPE = 256  # rows at a time
_CLICKED = 1.5  # pixels about a click that are what it said


def quick_alpha(guide: Floats, coarse: Floats, steps: Sequence[Step]) -> Floats:
    """(h, w): the superpixels' alpha `coarse` (h, w), its borders drawn to the edges of `guide` (h, w, 3)."""
    smooth = guided_filter(guide, coarse[..., None], radius=_RADIUS, eps=_EPS)[..., 0]
    alpha: Floats = np.clip(smooth, 0, 1)
    for mask, value in marked(steps, (alpha.shape[0], alpha.shape[1])):
        alpha[mask] = value
    return alpha


def full_alpha(
    image: NDArray[np.floating[Any]],
    coarse: Floats,
    contested: Mask,
    steps: Sequence[Step],
    *,
    progress: Progress | None = None,
) -> Floats:
    """The matte with solved edges.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]
    coarse : (h, w) the superpixels' alpha on the grid
    contested : (h, w) superpixels that marks of both kinds lie on: they are solved throughout
    steps : clicks and strokes, the last one counts
    progress : told between the steps; may raise `Cancelled`

    Returns
    -------
    (H, W) float32 in [0, 1]
    """
    size = (image.shape[0], image.shape[1])
    report = silent(progress)
    fine = np.ascontiguousarray(grid_image(image, min(FINE, max(*size, 8))).numpy())
    height, width = fine.shape[:2]
    alpha = (cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5).astype(np.float32)
    unknown = band_about(alpha > 0.5, BAND * max(height, width))
    unknown |= cv2.resize(contested.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    for mask, value in marked(steps, (height, width)):
        alpha[mask] = value
        unknown &= ~mask
    report.report(0.1, "Edges")
    alpha = solved_band(fine, alpha, unknown, progress=report.part(0.1, 0.7, "Edges"))
    if (height, width) != size:
        alpha = lifted(image, fine, alpha, unknown, report.part(0.7, 0.95, "Full size"))
        for mask, value in marked(steps, size):
            alpha[mask] = value
    report.report(1.0, "Edges")
    return alpha


def lifted_alpha(
    image: NDArray[np.floating[Any]],
    guide: Floats,
    coarse: Floats,
    steps: Sequence[Step],
    *,
    progress: Progress | None = None,
) -> Floats:
    """(H, W): the matte without solved edges, `quick_alpha` brought to full size along the picture's edges."""
    size = (image.shape[0], image.shape[1])
    alpha = quick_alpha(guide, coarse, steps)
    if alpha.shape != size:
        soft = band_about(alpha > 0.5, _RADIUS * 2) | ((alpha > 0.01) & (alpha < 0.99))
        alpha = lifted(image, guide, alpha, soft, silent(progress))
        for mask, value in marked(steps, size):
            alpha[mask] = value
    return alpha


def band_about(inside: Mask, reach: float) -> Mask:
    """(h, w): the pixels within `reach` of the border of `inside`, but for the core of what is thinner than that."""
    unknown = np.zeros(inside.shape, np.bool_)
    if inside.all() or not inside.any():
        return unknown
    size = 2 * int(reach) + 1
    for side in (inside, ~inside):
        depth = cv2.distanceTransform(np.pad(side, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        deepest = cv2.dilate(depth, np.ones((size, size), np.uint8))
        unknown |= side & (depth < np.minimum(reach, np.maximum(_CORE * deepest, 1.5)))
    return unknown


def lifted(image: NDArray[np.floating[Any]], fine: Floats, alpha: Floats, unknown: Mask, progress: Progress) -> Floats:
    """(H, W): `alpha` (h, w) as, about each pixel of the band, a linear function of the colours of `image`."""
    H, W = image.shape[:2]
    h, w = alpha.shape
    slopes, constant = _colour_functions(fine, alpha)
    planes = np.dstack([slopes, constant])
    band = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    grid = WorkingGrid((H, W), (h, w))
    rows, columns = grid.cells()
    result = np.empty((H, W), np.float32)
    for top in range(0, H, _STRIPE):
        stripe = rows[top : top + _STRIPE]
        values = alpha[stripe, columns]
        y, x = np.nonzero(band[stripe, columns])
        models = grid.sample(planes, np.stack([x, y + top], axis=1))
        values[y, x] = (models[:, :3] * image[y + top, x]).sum(1) + models[:, 3]
        result[top : top + _STRIPE] = np.clip(values, 0, 1)
        progress.report((top + len(stripe)) / H)
    return result


def _colour_functions(image: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """The slopes (h, w, 3) and constants (h, w) of `alpha` as linear functions of colour over windows, smoothed."""

    def mean(values: NDArray[Any]) -> NDArray[Any]:
        blurred: NDArray[Any] = cv2.blur(values, (_WINDOW, _WINDOW), borderType=cv2.BORDER_REFLECT)
        return blurred

    colours, a = image.astype(np.float64), alpha.astype(np.float64)
    mu, m = mean(colours), mean(a)
    S = np.empty((*alpha.shape, 3, 3))
    for row in range(3):
        for column in range(3):
            S[..., row, column] = mean(colours[..., row] * colours[..., column]) - mu[..., row] * mu[..., column]
        S[..., row, row] += _FLAT
    covariance = np.stack([mean(colours[..., c] * a) - mu[..., c] * m for c in range(3)], axis=-1)
    slopes = np.linalg.solve(S, covariance[..., None])[..., 0]
    constant = m - (slopes * mu).sum(-1)
    return mean(slopes).astype(np.float32), mean(constant).astype(np.float32)


def marked(steps: Sequence[Step], size: tuple[int, int]) -> list[tuple[Mask, float]]:
    """What each click and stroke said of pixels of a picture of `size`, in order: their mask (h, w), and 1 or 0."""
    found = []
    for step in steps:
        if not isinstance(step, Stroke):
            continue
        brush = Stroke(step.points, step.keep, min(step.radius, _CLICKED / max(size))) if step.click else step
        found.append((brush.mask(size), float(step.keep)))
    return found
