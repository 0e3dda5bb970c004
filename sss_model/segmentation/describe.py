"""Layers in words: where each lies and which colour one sees there, such as 'left, dark green'."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import AnyFloats, Floats

_SAMPLES = 20_000  # pixels that are looked at
_WIDE = 0.25  # standard deviation of places in [0, 1] that covers the side: evenly spread ones have 0.289
_EDGE = 0.09  # from the middle to either side, beyond which a layer lies there
_HUES = ((15, "red"), (45, "orange"), (70, "yellow"), (160, "green"), (195, "cyan"), (255, "blue"), (310, "purple"),
         (345, "pink"), (361, "red"))  # fmt: skip
_GREYS = ("black", "dark grey", "grey", "light grey", "white")
_SHADES = ("dark ", "", "light ")
WORDS = (*_GREYS, *(f"{shade}{hue}" for _, hue in _HUES[:-1] for shade in _SHADES), "brown", "dark brown", "beige")
"""Every colour that `colour_words` knows."""


def describe_layers(image: AnyFloats, alphas: NDArray[Any]) -> tuple[str, ...]:
    """A name for each layer by its place and colour, each another one.

    Parameters
    ----------
    image : (H, W, 3) RGB in [0, 1]
    alphas : (H, W, N) of any type; only how they compare counts

    Examples
    --------
    >>> image = np.zeros((20, 40, 3))
    >>> image[:, :20, 1] = 0.35
    >>> right = np.zeros((20, 40)); right[:, 20:] = 1
    >>> describe_layers(image, np.dstack([1 - right, right]))
    ('left, dark green', 'right, black')
    """
    height, width, count = alphas.shape
    step = max(1, int((height * width / _SAMPLES) ** 0.5))
    part = slice(step // 2, None, step)
    rows, columns = np.arange(height)[part], np.arange(width)[part]
    colours = colour_words(image[part, part].reshape(-1, 3))
    y, x = (grid.ravel() for grid in np.meshgrid((rows + 0.5) / height, (columns + 0.5) / width, indexing="ij"))
    names: list[str] = []
    for layer in range(count):
        weights = alphas[part, part, layer].astype(np.float64).ravel()
        names.append(f"{_place(x, y, weights)}, {_colour(colours, weights)}" if weights.any() else "nothing")
    return tuple(
        name if name not in names[:place] else f"{name} {names[:place].count(name) + 1}"
        for place, name in enumerate(names)
    )


def colour_words(colours: AnyFloats) -> NDArray[np.intp]:
    """Which of `WORDS` each of `colours` (P, 3), sRGB in [0, 1], is called: (P,) places in it."""
    red, green, blue = (colours[:, k].astype(np.float32) for k in range(3))
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    chroma = high - low
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    hue = _hue(red, green, blue, high, chroma)
    names = np.digitize(light, (0.12, 0.35, 0.65, 0.87))  # of greys
    coloured = (chroma > 0.1) & (chroma > 0.22 * high)
    place = np.searchsorted([limit for limit, _ in _HUES], hue, side="right") % (len(_HUES) - 1)
    shade = np.where(high < 0.55, 0, np.where(low > 0.42, 2, 1))
    pure = len(_GREYS) + place * len(_SHADES) + shade
    names = np.where(coloured, pure, names)
    brown = coloured & (hue < 45) & (hue >= 10) & (light < 0.5) & (chroma < 0.55)
    names = np.where(brown, np.where(light < 0.25, WORDS.index("dark brown"), WORDS.index("brown")), names)
    beige = (chroma > 0.07) & (chroma < 0.3) & (hue >= 15) & (hue < 60) & (light >= 0.62)
    return np.where(beige, WORDS.index("beige"), names)


def _hue(red: Floats, green: Floats, blue: Floats, high: Floats, chroma: Floats) -> Floats:
    """Degrees, 0 for red, 120 for green."""
    span = np.where(chroma > 0, chroma, 1)
    of_red, of_green, of_blue = (green - blue) / span % 6, (blue - red) / span + 2, (red - green) / span + 4
    hue: Floats = 60 * np.where(high == red, of_red, np.where(high == green, of_green, of_blue))
    return hue


def _place(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> str:
    """Where the mean of `weights` lies; a side that they cover is not named."""
    total = weights.sum()
    words = []
    for values, (first, last) in ((y, ("top", "bottom")), (x, ("left", "right"))):
        mean = float(values @ weights / total)
        spread = float(np.sqrt((values - mean) ** 2 @ weights / total))
        if abs(mean - 0.5) > _EDGE and spread < _WIDE + 0.02:
            words.append(first if mean < 0.5 else last)
    if words:
        return " ".join(words)
    wide = min(float(np.sqrt((values - values @ weights / total) ** 2 @ weights / total)) for values in (x, y))
    return "all over" if wide > _WIDE else "middle"


def _colour(colours: NDArray[np.intp], weights: NDArray[np.float64]) -> str:
    """The word that most of the weight votes for."""
    return WORDS[int(np.bincount(colours, weights, minlength=len(WORDS)).argmax())]
