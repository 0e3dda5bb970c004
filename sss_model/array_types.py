"""The arrays that pass between functions, by what they hold; each function says the shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyFloats = NDArray[np.floating[Any]]  # features and images as they come: float16, float32 or float64
Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Indices = NDArray[np.intp]
Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]
Picture = NDArray[np.uint8]
