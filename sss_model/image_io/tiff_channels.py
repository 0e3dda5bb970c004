"""What microscopes' programs write into TIFFs: display ranges, and channels with colours of their own."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.image_io.decoded import Decoded
from sss_model.image_io.display_range import Range, data_range, ranged
from sss_model.params import ReadParams

_LEAST, _MOST = 280, 281  # MinSampleValue, MaxSampleValue
_LEAST_OF_ANY, _MOST_OF_ANY = 340, 341
# ImageJ's order
_CHANNEL_COLOURS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0))


def display_range(series: Any, key: Any) -> Range | None:
    """The values that the file says are black and white: ImageJ's, OME's or the tags'; None where it says nothing."""
    ours = _imagej(series)
    if "min" in ours and "max" in ours:
        return _as_range(ours["min"], ours["max"])
    bits = re.search(r'<(?:\w+:)?Pixels\b[^>]*\bSignificantBits="(\d{1,2})"', _ome(series))
    if bits and 1 <= int(bits[1]) < 8 * (key.dtype.itemsize if key.dtype is not None else 1):
        return 0.0, float(2 ** int(bits[1]) - 1)
    for least, most in ((_LEAST, _MOST), (_LEAST_OF_ANY, _MOST_OF_ANY)):
        if most in key.tags and key.bitspersample > 8:
            low = key.tags[least].value if least in key.tags else 0
            return _as_range(_first(low), _first(key.tags[most].value))
    return None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple | list) and value else value


def _as_range(low: Any, high: Any) -> Range | None:
    try:
        found = float(low), float(high)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() and found[1] > found[0] else None


def _imagej(series: Any) -> dict[str, Any]:
    try:
        return series.keyframe.parent.imagej_metadata or {}
    except Exception:  # damaged; the picture is whole without it
        return {}


def _ome(series: Any) -> str:
    text = series.keyframe.parent.ome_metadata
    return text if isinstance(text, str) else ""


def composite(channels: NDArray[Any], series: Any, params: ReadParams) -> Decoded:
    """Channels (H, W, N) laid over one another in their colours, each over its display range."""
    count = channels.shape[2]
    colours = _colours(series, count)
    told = _ranges(series, count)
    whole = None if told else display_range(series, series.keyframe)
    separate = [ranged(channels[..., k : k + 1], params, told[k] if told else whole) for k in range(count)]
    stretched = [found.said for found in separate]
    if not told and whole is None and not all(stretched):  # one channel may be darker than another
        separate = [Decoded(channels[..., k : k + 1]) for k in range(count)]
    result = np.zeros((*channels.shape[:2], 3), np.float32)
    for found, colour in zip(separate, colours, strict=True):
        values = _unit(found.samples)
        result += values * np.asarray(colour, np.float32)
    said = f"{count} channels laid over one another"
    if any(found.said for found in separate):
        said += ", each over its display range"
    return Decoded(np.clip(result, 0, 1), (said,))


def _unit(values: NDArray[Any]) -> NDArray[np.float32]:
    if values.dtype.kind == "f":
        return np.asarray(values, np.float32)
    if values.dtype.kind == "u":
        return np.asarray(values / np.float32(np.iinfo(values.dtype).max), np.float32)
    low, high = data_range(values)
    return np.asarray((values - low) / max(high - low, 1e-9), np.float32)


def _ranges(series: Any, count: int) -> list[Range] | None:
    """ImageJ's display range of each channel."""
    given = _imagej(series).get("Ranges")
    if not isinstance(given, tuple | list) or len(given) < 2 * count:
        return None
    found = [_as_range(given[2 * k], given[2 * k + 1]) for k in range(count)]
    known = [one for one in found if one is not None]
    return known if len(known) == count else None


def _colours(series: Any, count: int) -> list[tuple[float, ...]]:
    """Red, green and blue of each channel: OME's, ImageJ's tables' last, or its usual ones."""
    usual = [tuple(float(part) for part in colour) for colour in _CHANNEL_COLOURS[:count]]
    named = [_ome_colour(text) for text in re.findall(r"<(?:\w+:)?Channel\b[^>]*>", _ome(series))[:count]]
    if len(named) == count and any(named):
        return [given or default for given, default in zip(named, usual, strict=True)]
    tables = _imagej(series).get("LUTs")
    if isinstance(tables, list) and len(tables) >= count:
        return [
            tuple(float(part) / 255 for part in np.asarray(table).reshape(3, -1)[:, -1]) for table in tables[:count]
        ]
    return usual


def _ome_colour(text: str) -> tuple[float, ...] | None:
    found = re.search(r'\bColor="(-?\d{1,10})"', text)
    if found is None:
        return None
    number = int(found[1]) & 0xFFFFFFFF  # red, green, blue, alpha
    return tuple((number >> shift & 0xFF) / 255 for shift in (24, 16, 8))
