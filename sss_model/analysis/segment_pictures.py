"""Layers for the eye: in colours over the picture in grey, and several methods side by side, as in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sss_model.array_types import Floats, Picture
from sss_model.errors import ImageError
from sss_model.layer_io.labels import ALPHABET
from sss_model.storage.atomic_write import replacing

_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as image programs weigh sRGB values
_COLOUR_SHARE = 0.5
_PANEL, _GAP, _CAPTION = 320, 8, 18


def layer_overlay(image: Floats, alphas: Floats, colours: Sequence[tuple[int, int, int]] = ()) -> Picture:
    """(H, W, 3) uint8: each layer's colour by its alpha, half over `image` (H, W, 3) in grey.

    Colours are RGB 0 to 255, of the first layers; the others have those of `ALPHABET`.
    """
    count = alphas.shape[2]
    rows = [*colours, *np.take(ALPHABET, np.arange(len(colours), count), axis=0, mode="wrap")][:count]
    grey = (image @ _GREY)[..., None] * np.float32(255)
    mixed = (1 - _COLOUR_SHARE) * grey + _COLOUR_SHARE * (alphas @ np.asarray(rows, np.float32))
    picture: Picture = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return picture


def write_comparison(path: Path, panels: Sequence[tuple[str, Picture]]) -> None:
    """Write pictures (H, W, 3) uint8 beside each other with their titles, as one PNG, whole or not at all.

    Raises `ImageError` where the file cannot be written.
    """
    pictures = [Image.fromarray(picture) for _, picture in panels]
    for picture in pictures:
        picture.thumbnail((_PANEL, _PANEL))
    width = sum(picture.width for picture in pictures) + _GAP * (len(pictures) - 1)
    figure = Image.new("RGB", (width, max(picture.height for picture in pictures) + _CAPTION), "white")
    pen, x = ImageDraw.Draw(figure), 0
    for (title, _), picture in zip(panels, pictures, strict=True):
        pen.text((x + 2, 3), title, fill="black")
        figure.paste(picture, (x, _CAPTION))
        x += picture.width + _GAP
    with replacing(path, ImageError) as temporary:
        figure.save(temporary, "PNG")
