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

from sss_model.array_types import Floats
from sss_model.files.export import ExportError
from sss_model.files.names import channel_words
from sss_model.image_io import Plate
from sss_model.layer_io.layers import Layers
from sss_model.storage.atomic_write import replacing

Channels = dict[str, NDArray[Any]]
_LARGEST_HALF = 65504
_SAME = 1 / 1024  # of a colour: that of the picture itself


def write_exr(path: Path, layers: Layers) -> None:
    """Write `layers` as the EXR file `path`: half floats, lossless compression.

    The layers' full names are in the header as JSON, `sss_layers`, by their names as channels (`channel_words`).

    Raises `ExportError` where the file cannot be written.
    """
    words = channel_words(layers.names)
    channels = picture_channels(layers)
    kind = channels["R"].dtype
    channels["A"] = np.ones(layers.image.shape[:2], kind)
    for k, word in enumerate(words):
        alpha = layers.alphas[..., k]
        colour = linear_colours(layers, k)
        for c, letter in enumerate("RGB"):
            channels[f"{word}.{letter}"] = (colour[..., c] * alpha).astype(kind)
        channels[f"{word}.A"] = alpha.astype(kind)
    names = dict(zip(words, layers.names, strict=True))
    save(path, channels, {"sss_layers": json.dumps(names)}, layers.plate)


def picture_channels(layers: Layers) -> Channels:
    """R, G, B of the layers' picture in linear light: half floats, or floats where these hold too little."""
    linear = linear_colours(layers)
    kind = np.float16 if np.abs(linear).max() < _LARGEST_HALF else np.float32
    return {letter: np.ascontiguousarray(linear[..., c], kind) for c, letter in enumerate("RGB")}


def linear_colours(layers: Layers, index: int | None = None) -> Floats:
    """(H, W, 3) linear light of the picture, or of layer `index`: the plate's own wherever the image is shown."""
    colour = layers.image if index is None or layers.colours is None else layers.colour(index)
    plate = layers.plate
    if plate is None or plate.linear is None:
        return linear_light(colour)
    if colour is layers.image:
        return plate.linear
    same = np.abs(colour - layers.image).max(axis=2, keepdims=True) < _SAME
    return np.asarray(np.where(same, plate.linear, plate.view.light(colour)), np.float32)


def linear_light(image: Floats) -> Floats:
    """sRGB values in [0, 1] as linear light (IEC 61966-2-1)."""
    curve = ((image + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear: Floats = np.where(image <= 0.04045, image / np.float32(12.92), curve).astype(np.float32)
    return linear


def save(path: Path, channels: Channels, attributes: dict[str, str], plate: Plate | None = None) -> None:
    """Write `channels` (H, W) with the texts `attributes` in the header; whole or not at all.

    With the `plate` that they were made from they lie in its windows.
    """
    header: dict[str, Any] = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **attributes}
    copied = dict(channels)  # the package replaces the arrays of the dictionary that it is given
    if plate is not None:
        left, top = plate.data[0] - plate.shown[0], plate.data[1] - plate.shown[1]
        right, bottom = plate.data[2] - plate.shown[0] + 1, plate.data[3] - plate.shown[1] + 1
        copied = {name: np.ascontiguousarray(pixels[top:bottom, left:right]) for name, pixels in channels.items()}
        for name, window in (("dataWindow", plate.data), ("displayWindow", plate.display)):
            header[name] = (np.array(window[:2], np.int32), np.array(window[2:], np.int32))
    with replacing(path, ExportError) as temporary, OpenEXR.File(header, copied) as file:
        file.write(str(temporary))
