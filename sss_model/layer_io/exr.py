"""OpenEXR with named layers: the picture in R, G, B, A, each layer in name.R, name.G, name.B, name.A; linear light.

One part, because several programs read only the first of a multi-part file, and four channels a layer, because a single
extra channel loses its name in some. Colours are premultiplied, as the format asks: added up, layers that have the
image's own colours and whose alphas sum to 1 give the picture back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from sss_model.files.export import ExportError
from sss_model.files.names import channel_words
from sss_model.layer_io.layers import Floats, Layers
from sss_model.storage.atomic_write import replacing

Channels = dict[str, NDArray[Any]]


def write_exr(path: Path, layers: Layers) -> None:
    """Write `layers` as the EXR file `path`: half floats, lossless compression.

    The layers' full names are in the header as JSON, `sss_layers`, by their names as channels (`channel_words`).

    Raises `ExportError` where the file cannot be written.
    """
    words = channel_words(layers.names)
    channels = picture_channels(layers.image)
    opaque = np.ones(layers.image.shape[:2], np.float16)
    channels["A"] = opaque
    linear = linear_light(layers.image)
    for k, word in enumerate(words):
        alpha = layers.alphas[..., k]
        colour = linear if layers.colours is None else linear_light(layers.colour(k))
        for c, letter in enumerate("RGB"):
            channels[f"{word}.{letter}"] = (colour[..., c] * alpha).astype(np.float16)
        channels[f"{word}.A"] = alpha.astype(np.float16)
    names = dict(zip(words, layers.names, strict=True))
    save(path, channels, {"sss_layers": json.dumps(names)})


def picture_channels(image: Floats) -> Channels:
    """R, G, B of the sRGB `image` (H, W, 3) as half floats in linear light."""
    linear = linear_light(image).astype(np.float16)
    return {letter: np.ascontiguousarray(linear[..., c]) for c, letter in enumerate("RGB")}


def linear_light(image: Floats) -> Floats:
    """sRGB values in [0, 1] as linear light (IEC 61966-2-1)."""
    curve = ((image + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear: Floats = np.where(image <= 0.04045, image / np.float32(12.92), curve).astype(np.float32)
    return linear


def save(path: Path, channels: Channels, attributes: dict[str, str]) -> None:
    """Write `channels` (H, W) with the texts `attributes` in the header; whole or not at all."""
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **attributes}
    copied = dict(channels)  # the package replaces the arrays of the dictionary that it is given
    with replacing(path, ExportError) as temporary, OpenEXR.File(header, copied) as file:
        file.write(str(temporary))
