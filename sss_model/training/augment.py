"""How a training image varies: a window of any scale, mirrored, in other light. Labels follow by nearest pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sss_model.datasets.dataset import Example
from sss_model.training.params import AugmentParams

_GREY = np.array([0.299, 0.587, 0.114], np.float32)


def augment(example: Example, params: AugmentParams, rng: np.random.Generator) -> Example:
    """A random variation of `example`, its sides at most `params.crop`."""
    picture = example.picture
    longest = max(picture.size)
    reduce = min(1.0, params.longest / longest) if params.longest else 1.0
    scale = reduce * np.exp(rng.uniform(np.log(params.scale_low), np.log(params.scale_high)))
    limit = params.crop or 1 << 30
    size = tuple(max(1, min(limit, round(side * scale))) for side in picture.size)
    window = tuple(min(float(side), wanted / scale) for side, wanted in zip(picture.size, size, strict=True))
    left, top = (rng.uniform(0, side - part) for side, part in zip(picture.size, window, strict=True))
    picture = picture.resize(size, Image.Resampling.BILINEAR, (left, top, left + window[0], top + window[1]))
    columns = _nearest(left, window[0], size[0], example.labels.shape[1])
    rows = _nearest(top, window[1], size[1], example.labels.shape[0])
    if rng.random() < params.mirror:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        columns = columns[::-1]
    if rng.random() < params.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if params.colour > 0 or params.grey > 0:
        picture = _recolour(picture, params, rng)
    at = np.ix_(rows, columns)
    return Example(example.name, picture, example.labels[at], example.regions[at])


def _nearest(start: float, length: float, count: int, available: int) -> NDArray[np.int64]:
    """Pixel indices nearest to `count` samples of the stretch start..start + length."""
    places = np.floor(start + (np.arange(count) + 0.5) * (length / count)).astype(np.int64)
    nearest: NDArray[np.int64] = np.clip(places, 0, available - 1)
    return nearest


def _recolour(picture: Image.Image, params: AugmentParams, rng: np.random.Generator) -> Image.Image:
    """Random brightness, contrast, saturation, tint and gamma, each up to `params.colour`; or no colour at all."""
    values = np.asarray(picture, np.float32) / 255
    strength = params.colour
    saturation, contrast, brightness = rng.uniform(1 - strength, 1 + strength, 3).astype(np.float32)
    tint = rng.uniform(1 - strength / 4, 1 + strength / 4, 3).astype(np.float32)
    gamma = float(np.exp(rng.uniform(-strength, strength)))
    if rng.random() < params.grey:
        saturation = np.float32(0)
    grey = values @ _GREY
    values = grey[..., None] + saturation * (values - grey[..., None])
    values = grey.mean() + contrast * (values - grey.mean())
    values = np.clip(values * brightness * tint, 0, 1) ** gamma
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def to_array(picture: Image.Image) -> NDArray[np.float32]:
    """`picture` as (3, H, W) float32 RGB in [0, 1], channel-first for the network."""
    return np.ascontiguousarray(np.asarray(picture, np.float32).transpose(2, 0, 1)) / np.float32(255)


def shrink(example: Example, longest: int) -> Example:
    """`example` with its longest side at most `longest`."""
    width, height = example.picture.size
    factor = longest / max(width, height)
    if factor >= 1:
        return example
    size = max(1, round(width * factor)), max(1, round(height * factor))
    at = np.ix_(_nearest(0, height, size[1], height), _nearest(0, width, size[0], width))
    return Example(
        example.name, example.picture.resize(size, Image.Resampling.BILINEAR), example.labels[at], example.regions[at]
    )
