"""Arrays without NaN and infinity: one such value, and every window, mean and component that it touches is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError

_BLOCK = 2**22  # values


def check_finite_values(array: NDArray[Any], name: str) -> None:
    """Raise `ParameterError`, with the argument's `name`, where the float `array` holds NaN or infinity.

    A block's sum is finite only if its values are, and is taken several times as fast as a look at each.
    """
    rows = max(1, _BLOCK * len(array) // max(array.size, 1))
    for start in range(0, len(array), rows):
        block = array[start : start + rows]
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.sum(block, dtype=np.float64 if block.dtype == np.float64 else np.float32)
        if not np.isfinite(total) and not np.isfinite(block).all():
            raise ParameterError(f"{name} must be finite, but holds NaN or infinity.")
