"""Which values of deep samples become black and white: microscopes and scanners seldom fill the numbers' range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.image_io.decoded import Decoded
from sss_model.params import ReadParams

_FEW = 0.1  # of the numbers' range: data that fill less are stretched
Range = tuple[float, float]


def ranged(samples: NDArray[Any], params: ReadParams, told: Range | None = None) -> Decoded:
    """Deep `samples` (H, W) or (H, W, C), alpha last, over a display range; 8 bits and floats in [0, 1] as they are.

    Parameters
    ----------
    told : what the file says should be black and white
    """
    planes = samples if samples.ndim == 3 else samples[..., None]
    colours = planes[..., : 3 if planes.shape[2] >= 3 else 1]
    found = _range(colours, params, told)
    if found is None:
        return Decoded(samples)
    (low, high), why = found
    scaled = _scaled(colours, low, high)
    if planes.shape[2] > colours.shape[2]:
        from sss_model.image_io.pixel_values import unit_range

        scaled = np.concatenate([scaled, unit_range(planes[..., colours.shape[2] :])], axis=2)
    return Decoded(scaled, (f"values {low:g} to {high:g} ({why}) shown from black to white",))


def _range(colours: NDArray[Any], params: ReadParams, told: Range | None) -> tuple[Range, str] | None:
    kind, size = colours.dtype.kind, colours.dtype.itemsize
    if params.display_range == "full" and kind == "u":
        return None
    if told is not None and told[1] > told[0] and params.display_range == "auto":
        whole = kind == "u" and told == (0, np.iinfo(colours.dtype).max)
        return None if whole else (told, "the file's display range")
    if kind == "u" and (size == 1 or params.display_range == "auto"):
        top = np.iinfo(colours.dtype).max
        if size == 1 or int(colours.max()) > _FEW * top:
            return None
    low, high = data_range(colours)
    if kind == "f" and params.display_range != "data":
        outside = float(np.count_nonzero((colours < 0) | (colours > 1))) / colours.size
        if outside <= _FEW:
            return None
    return ((low, high), "the data's range") if high > low else None


def data_range(values: NDArray[Any]) -> Range:
    """The least and the greatest finite value."""
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        values = finite if finite.size else np.zeros(1, np.float32)
    return float(values.min()), float(values.max())


def _scaled(colours: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    result = np.empty(colours.shape, np.float32)
    for y in range(len(colours)):
        result[y] = np.clip((colours[y].astype(np.float64) - low) / (high - low), 0, 1)
    return result
