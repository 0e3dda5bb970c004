"""From superpixels to pixels: a matte at the grid's size at once, and one with solved edges at the picture's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats, Mask
from sss_model.matting.band import solved_band
from sss_model.matting.colours import colour_odds
from sss_model.matting.steps import Step, Stroke
from sss_model.progress import Progress, silent
from sss_model.segmentation.inputs import LEAST_GRID, grid_image
from sss_model.working_grid import WorkingGrid

FINE = 1000  # pixels of the long side up to which edges are solved on the picture itself
BAND = 0.0125  # of the long side, on either side of the border
_RIM = np.ones((5, 5), np.uint8)  # about what colours say against the superpixels
_CORE = 0.7  # of the half width of a thin part, from which on it is sure
_RADIUS, _EPS = 3, 1e-4  # of the guided filter that shows a matte before its edges are solved
_STEADY = 0.01  # of alpha: what changes less is not filtered
_WINDOW, _FLAT = 2, 1e-5  # radius and eps of the linear functions of colour that bring solved edges to full size
_STRIPE = 256  # rows at a time
_CLICKED = 1.5  # pixels about a click that are what it said


def quick_alpha(guide: Floats, coarse: Floats, steps: Sequence[Step]) -> Floats:
    """(h, w): the superpixels' alpha `coarse` (h, w), its borders drawn to the edges of `guide` (h, w, 3).

    A guided filter (He, Sun and Tang 2013) where alpha changes, and nothing elsewhere.
    """
    window = np.ones((4 * _RADIUS + 1, 4 * _RADIUS + 1), np.uint8)  # of all that the filter would see
    changing = cv2.dilate(coarse, window) - cv2.erode(coarse, window) > _STEADY
    alpha = coarse.copy()
    slopes = colour_functions(guide, coarse, changing, _RADIUS, _EPS)[changing]
    alpha[changing] = np.clip((slopes[:, :3] * guide[changing]).sum(1) + slopes[:, 3], 0, 1)
    for mask, value in marked(steps, (alpha.shape[0], alpha.shape[1])):
        alpha[mask] = value
    return alpha


def fine_image(image: NDArray[np.floating[Any]]) -> Floats:
    """The picture at the size that edges are solved at, `FINE` pixels a side at most."""
    return np.ascontiguousarray(grid_image(image, min(FINE, max(*image.shape[:2], LEAST_GRID))).numpy())


def full_alpha(
    image: NDArray[np.floating[Any]],
    coarse: Floats,
    contested: Mask,
    steps: Sequence[Step],
    *,
    fine: Floats | None = None,
    progress: Progress | None = None,
) -> Floats:
    """The matte with solved edges.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]
    coarse : (h, w) the superpixels' alpha on the grid
    contested : (h, w) superpixels that marks of both kinds lie on: they are solved throughout
    steps : clicks and strokes, the last one counts
    fine : what `fine_image` gives, where it is there already
    progress : told between the steps; may raise `Cancelled`

    Returns
    -------
    (H, W) float32 in [0, 1]
    """
    size = (image.shape[0], image.shape[1])
    report = silent(progress)
    fine = fine_image(image) if fine is None else fine
    height, width = fine.shape[:2]
    shown = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    alpha = (shown > 0.5).astype(np.float32)
    odds, against = colour_odds(fine, shown)
    unknown = band_about(alpha > 0.5, BAND * max(height, width))
    unknown |= cv2.dilate(against.astype(np.uint8), _RIM) > 0
    unknown |= cv2.resize(contested.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    for mask, value in marked(steps, (height, width)):
        alpha[mask] = value
        unknown &= ~mask
    report.report(0.1, "Edges")
    alpha = solved_band(fine, alpha, unknown, odds=odds, progress=report.part(0.1, 0.7, "Edges"))
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
    near = cv2.dilate(unknown.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
    planes = colour_functions(fine, alpha, near, _WINDOW, _FLAT)
    band = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8))
    grid = WorkingGrid((H, W), (h, w))
    rows, columns = grid.cells()
    result = np.empty((H, W), np.float32)
    for top in range(0, H, _STRIPE):
        stripe = rows[top : top + _STRIPE, 0]
        values = alpha[stripe].take(columns[0], axis=1)
        y, x = np.nonzero(band[stripe].take(columns[0], axis=1))
        models = grid.sample(planes, np.stack([x, y + top], axis=1))
        values[y, x] = (models[:, :3] * image[y + top, x]).sum(1) + models[:, 3]
        result[top : top + _STRIPE] = np.clip(values, 0, 1)
        progress.report((top + len(stripe)) / H)
    return result


def colour_functions(image: Floats, alpha: Floats, where: Mask, radius: int, eps: float) -> Floats:
    """(h, w, 4): slopes and constant of `alpha` as linear functions of colour over windows, averaged; at `where` only.

    In float64: the windows' covariances are differences of nearly equal numbers.
    """
    planes = np.zeros((*alpha.shape, 4), np.float32)
    seen = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if not len(seen[0]):
        return planes
    box = tuple(slice(max(int(at[0]) - 2 * radius, 0), int(at[-1]) + 2 * radius + 1) for at in seen)
    size = 2 * radius + 1, 2 * radius + 1

    def mean(values: NDArray[Any]) -> NDArray[Any]:
        blurred: NDArray[Any] = cv2.blur(values, size, borderType=cv2.BORDER_REFLECT)
        return blurred

    fitted = cv2.dilate(where[box].astype(np.uint8), np.ones(size, np.uint8)).astype(np.bool_)
    colours, a = image[box].astype(np.float64), alpha[box].astype(np.float64)
    turned = colours[..., [1, 2, 0]]
    mu, m = mean(colours)[fitted], mean(a)[fitted][:, None]
    squares = mean(colours * colours)[fitted] - mu * mu + eps
    products = mean(colours * turned)[fitted] - mu * mu[:, [1, 2, 0]]  # rg, gb, br
    covariance = mean(colours * a[..., None])[fitted] - mu * m
    S = np.stack([squares[:, 0], products[:, 0], products[:, 2], products[:, 0], squares[:, 1], products[:, 1],
                  products[:, 2], products[:, 1], squares[:, 2]], axis=1).reshape(-1, 3, 3)  # fmt: skip
    slopes = np.linalg.solve(S, covariance[..., None])[..., 0]
    own = np.zeros((*fitted.shape, 4))
    own[fitted] = np.concatenate([slopes, m - (slopes * mu).sum(1, keepdims=True)], axis=1)
    planes[box] = mean(own)
    return planes


def marked(steps: Sequence[Step], size: tuple[int, int]) -> list[tuple[Mask, float]]:
    """What each click and stroke said of pixels of a picture of `size`, in order: their mask (h, w), and 1 or 0."""
    found = []
    for step in steps:
        if not isinstance(step, Stroke):
            continue
        brush = Stroke(step.points, step.keep, min(step.radius, _CLICKED / max(size))) if step.click else step
        found.append((brush.mask(size), float(step.keep)))
    return found
