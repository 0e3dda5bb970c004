"""Arrays of real numbers, without NaN, infinity, or values whose squares are more than float32 holds.

One such value, and every window, mean and component that it touches is lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError

LARGEST = 1e15  # sums of squares of a thousand such numbers fit into float32
_BLOCK = 2**22  # values


def check_array(array: object, name: str, axes: int | None = None) -> None:
    """Raise `ParameterError`, with the argument's `name`, unless it is a numpy array of real numbers.

    Parameters
    ----------
    axes : how many it has to have, none of them empty; None takes any
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        came = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ParameterError(f"{name} must be a numpy array of real numbers, got {came}.")
    if axes is not None and (array.ndim != axes or not array.size):
        raise ParameterError(f"{name} must have {axes} axes, none of them empty; got shape {array.shape}.")


def check_finite_values(array: NDArray[Any], name: str, largest: float = LARGEST) -> None:
    """Raise `ParameterError`, with the argument's `name`, where the array holds NaN or values beyond ±`largest`.

    A block's least and greatest are taken several times as fast as a look at each value.
    """
    rows = max(1, _BLOCK * len(array) // max(array.size, 1))
    for start in range(0, len(array), rows):
        block = array[start : start + rows]
        if not block.size:
            continue
        low, high = float(block.min()), float(block.max())
        if -largest <= low and high <= largest:  # NaN fails as well
            continue
        if not np.isfinite(block).all():
            raise ParameterError(f"{name} must be finite, but holds NaN or infinity.")
        raise ParameterError(f"{name} must lie within ±{largest:g}, but reaches {max(low, high, key=abs):g}.")
