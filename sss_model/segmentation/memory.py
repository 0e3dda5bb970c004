"""How much memory segments of a picture take, before they are computed."""

from __future__ import annotations

from sss_model.segmentation.working_grid import grid_size

_GRID_BYTES = 3000  # a pixel of the grid: 130 vectors before and 100 after the last step, and the sparse matrices
_NODES_BYTES = 200 * 2**20  # distances and affinities of all pairs of 2500 superpixels
_FLOAT = 4
_COEFFICIENTS = 4  # of a layer's linear function of colour


def forecast(shape: tuple[int, ...], *, layers: int = 5, grid: int | None = None) -> int:
    """About the most bytes that `soft_segments` takes for an image of `shape` (H, W, ...), beside image and features.

    Parameters
    ----------
    layers, grid : as for `soft_segments`
    """
    height, width = grid_size(shape, grid)
    full = shape[0] * shape[1] * layers * _FLOAT
    interpolated = 2 * height * shape[1] * layers * _COEFFICIENTS * _FLOAT if (height, width) != shape[:2] else 0
    kept = height * width * 600
    return max(height * width * _GRID_BYTES + _NODES_BYTES, kept + full + interpolated)
