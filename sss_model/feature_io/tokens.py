"""A transformer's tokens (N, D) -> its patch grid (h, w, D): class and register tokens lie before the patches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError
from sss_model.feature_io.axis_order import Size, is_grid

PREFIXES = (0, 1, 5, 4, 2, 9, 8, 3, 6, 7)
"""How many tokens may lie before the patches, the likeliest first: none, a class token, that with four registers."""


def is_tokens(shape: tuple[int, ...], size: Size | None) -> bool:
    """Whether an array of `shape` is a list of vectors, and not a picture of `size` that is one pixel high."""
    if len(shape) == 2:
        return True
    return len(shape) == 3 and shape[0] == 1 and shape[1] > 1 and (size is None or size[0] > 1)


def to_grid(array: NDArray[Any], size: Size | None, name: str) -> tuple[NDArray[Any], str]:
    """Tokens (N, D) or (1, N, D) as the patch grid (h, w, D) of a picture, and a phrase that says how.

    Parameters
    ----------
    size : (H, W) of the picture; its proportions decide

    Raises
    ------
    FeatureFileError : no tokens, no picture, or no grid of its proportions has as many patches
    """
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise FeatureFileError(
            f"{name} holds an array of the shape {array.shape}; tokens are (N, D) or (1, N, D).",
            hint="Save one vector for every patch.",
        )
    tokens = array.reshape(-1, array.shape[-1])
    if size is None:
        raise FeatureFileError(
            f"{name} holds {len(tokens)} tokens, whose grid is found by their picture's proportions, and there is "
            "no picture.",
            hint="Put the picture beside it, or give it with --image.",
        )
    found = _grid(len(tokens), size)
    if found is None:
        raise FeatureFileError(
            f"{name} holds {len(tokens)} tokens, which with up to {max(PREFIXES)} before the patches are no grid of "
            f"the proportions of {size[1]} x {size[0]} pixels.",
            hint="Save the patches alone, as (h, w, D).",
        )
    rows, columns, prefix = found
    before = f", {prefix} before them left out" if prefix else ""
    return tokens[prefix:].reshape(rows, columns, -1), f"tokens taken as {rows} x {columns} patches{before}"


def _grid(count: int, size: Size) -> tuple[int, int, int] | None:
    """Rows, columns and tokens before them, of the grid whose cells come closest to squares."""
    best: tuple[float, int, int, int] | None = None
    for prefix in PREFIXES:
        patches = count - prefix
        for rows in range(1, int(patches**0.5 * 8) + 1 if patches > 0 else 0):
            columns, rest = divmod(patches, rows)
            if rest or not is_grid((rows, columns), size):
                continue
            away = abs(float(np.log(size[1] * rows / (size[0] * columns))))
            if best is None or away < best[0] - 1e-9:
                best = away, rows, columns, prefix
    return None if best is None else best[1:]
