"""Which axis of an array is which, and patch grids brought to their picture's size.

    HWD   (H, W, D)   features of every pixel
    DHW   (D, H, W)   the same, channels first
    hwD   (h, w, D)   one feature vector a patch: a grid smaller than the picture, of its shape
    Dhw   (D, h, w)   the same, channels first

With a picture its size decides: full-size orders first, then grids whose cells are square, to within one cell, and
at least 2 pixels wide; a grid with its channels first has more channels than rows and columns. Without a picture the
channel axis is the one shorter than both others, and a grid stays as it is. Where this leaves none or more than one,
the file must be opened with its picture or its axis order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError, ParameterError
from sss_model.feature_io.memory_order import channel_last

AXIS_ORDERS = ("HWD", "DHW", "hwD", "Dhw")
TOKENS = "tokens"  # (N, D) or (1, N, D), of which the picture's proportions tell the grid
SMALLEST_PATCH = 2  # pixels; below it, a picture of another size is likelier than a grid
Size = tuple[int, int]

_GIVE = "Say which axis order it has, by --layout or by Open as… in the window: HWD, DHW, hwD (a patch grid) or Dhw."


def decide_axis_order(shape: tuple[int, ...], size: Size | None, declared: str | None, name: str) -> str:
    """The axis order of an array of `shape`, one of `AXIS_ORDERS`.

    Parameters
    ----------
    size : (H, W) of its picture; None without one
    declared : what the file itself says; counts where it agrees with the picture
    name : begins the sentences of the errors

    Raises
    ------
    FeatureFileError : no axis order fits, or several do
    """
    if size is None:
        return declared or _by_shape(shape, name)
    full = [axis_order for axis_order in ("HWD", "DHW") if rows_columns(shape, axis_order) == size]
    fitting = full or [
        axis_order
        for axis_order in ("hwD", "Dhw")
        if is_grid(rows_columns(shape, axis_order), size) and _enough_channels(shape, axis_order)
    ]
    for wanted in (declared, {"HWD": "hwD", "DHW": "Dhw"}.get(declared or "")):
        if wanted in fitting:
            return str(wanted)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise FeatureFileError(
            f"{name} has the shape {shape}, which for {size[0]} x {size[1]} pixels can be {' or '.join(fitting)}.",
            hint=_GIVE,
        )
    raise _misfit(shape, size, name)


def check_axis_order(shape: tuple[int, ...], size: Size | None, axis_order: str, name: str) -> None:
    """Raise `FeatureFileError` unless an array of `shape` in the `axis_order` asked for fits a picture of `size`."""
    if axis_order not in AXIS_ORDERS:
        raise ParameterError(f"axis_order must be one of {', '.join(AXIS_ORDERS)}; got {axis_order!r}.")
    grid = rows_columns(shape, axis_order)
    if size is None:
        return
    fits = grid == size if axis_order in ("HWD", "DHW") else grid[0] <= size[0] and grid[1] <= size[1]
    if not fits:
        raise _misfit(shape, size, name)


def check_rows_first(shape: tuple[int, ...], size: Size | None, axis_order: str, name: str) -> None:
    """Raise `FeatureFileError` where columns might as well come before rows in an array of `shape` whose axes may be
    reversed: channels come first, and the picture of `size` fits both ways or there is none."""
    if not axis_order.startswith("D"):
        return
    rows, columns = rows_columns(shape, axis_order)
    turned = (columns, rows)
    if size is None or turned == size or (axis_order == "Dhw" and is_grid(turned, size)):
        raise FeatureFileError(
            f"{name} holds an array of the shape {shape} and does not say whether rows or columns come first.",
            hint="Save it with MATLAB's or Octave's own save -v7; or say DHW, by --layout or by Open as… in the "
            "window, if rows come first.",
        )


def rows_columns(shape: tuple[int, ...], axis_order: str) -> Size:
    """The two axes of `shape` that are rows and columns."""
    return (shape[1], shape[2]) if axis_order.startswith("D") else (shape[0], shape[1])


def is_grid(grid: Size, size: Size) -> bool:
    """Whether `grid` has one cell a square patch of a picture of `size`, cut off or padded at the far borders."""
    # A patch of side s gives between H / s - 1 and H / s + 1 rows: is there an s for both axes?
    low = max(length / (cells + 1) for length, cells in zip(size, grid, strict=True))
    high = min(length / (cells - 1) if cells > 1 else np.inf for length, cells in zip(size, grid, strict=True))
    return low < high and high > SMALLEST_PATCH


def to_channel_last(array: NDArray[Any], axis_order: str) -> NDArray[np.float32]:
    """`array` as (H, W, D) or (h, w, D) float32, C-contiguous, in memory."""
    if axis_order.startswith("D"):
        array = np.moveaxis(array, 0, -1)
    with np.errstate(over="ignore"):
        result = channel_last(array)
    return result if result.flags.writeable else result.copy()  # a memory-mapped file


def upsample_grid(grid: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """A patch grid (h, w, D) at its picture's `size`: bilinear, cells centred in their patches, (H, W, D) float32."""
    above, below, down = _neighbours(grid.shape[0], size[0])
    left, right, across = _neighbours(grid.shape[1], size[1])
    wide = grid[:, left] + (grid[:, right] - grid[:, left]) * across[:, None]
    result = np.empty((*size, grid.shape[2]), np.float32)
    for y in range(size[0]):
        np.subtract(wide[below[y]], wide[above[y]], out=result[y])
        result[y] *= down[y]
        result[y] += wide[above[y]]
    return result


def _neighbours(cells: int, pixels: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For every pixel of an axis the cells before and after it, and how far it lies between their centres."""
    position = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    before = position.astype(np.intp)
    return before, np.minimum(before + 1, cells - 1), (position - before).astype(np.float32)


def _by_shape(shape: tuple[int, ...], name: str) -> str:
    a, b, c = shape
    if c < min(a, b):
        return "HWD"
    if a < min(b, c):
        return "DHW"
    raise FeatureFileError(
        f"{name} has the shape {shape}, from which the channels cannot be told from rows and columns.",
        hint="Open it with its picture beside it. " + _GIVE,
    )


def _enough_channels(shape: tuple[int, ...], axis_order: str) -> bool:
    """Whether a grid has enough channels: 3, or with channels first as many as rows and columns."""
    return shape[0] >= max(shape[1:]) if axis_order == "Dhw" else shape[2] >= 3


def _misfit(shape: tuple[int, ...], size: Size, name: str) -> FeatureFileError:
    height, width = size
    turned = (width, height) in (rows_columns(shape, "HWD"), rows_columns(shape, "DHW"))
    return FeatureFileError(
        f"{name} has the shape {shape}, which does not fit its picture of {height} x {width} pixels: expected "
        f"({height}, {width}, D), (D, {height}, {width}) or a patch grid (h, w, D) of the picture's proportions.",
        hint="Rows and columns seem exchanged; was the picture turned, by EXIF say, after they were computed?"
        if turned
        else "Open it with the picture that it was computed from, at the same size.",
    )
