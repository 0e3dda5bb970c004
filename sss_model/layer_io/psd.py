"""Photoshop documents: the picture at the bottom, above it one masked pixel layer for each layer.

A layer is its colours over the whole picture and, apart from them, a mask with its alphas. Colours under alpha 0 would
vanish from transparent pixels; so a mask can be painted on, and nothing is lost. Layers that are laid over each other
with alphas that sum to 1 leave gaps at soft borders: the picture below them closes these, and hiding it shows the rest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import ColorMode, Compression
from psd_tools.psd import PSD
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResources

from sss_model.errors import ParameterError
from sss_model.files.export import ExportError
from sss_model.layer_io.layers import Layers, picture_name, whole_alphas, whole_numbers
from sss_model.storage.atomic_write import replacing

LARGEST_SIDE = 30_000  # of a PSD; larger documents have another format


def write_psd(path: Path, layers: Layers) -> None:
    """Write `layers` as the 8-bit RGB document `path`, layer 1 on top.

    Raises
    ------
    ParameterError : the picture is larger than a PSD can be
    ExportError : the file cannot be written
    """
    height, width = layers.image.shape[:2]
    if max(height, width) > LARGEST_SIDE:
        raise ParameterError(f"A PSD has at most {LARGEST_SIDE} pixels a side; the picture is {width} x {height}.")
    picture = whole_numbers(layers.image, 255)
    record = _document(picture)
    document = PSDImage(record)
    document.create_pixel_layer(Image.fromarray(picture), name=picture_name(layers.names))
    alphas = whole_alphas(layers.alphas, 255)
    for k in reversed(range(len(layers.names))):
        colour = picture if layers.colours is None else whole_numbers(layers.colour(k), 255)
        layer = document.create_pixel_layer(Image.fromarray(colour), name=f"layer-{k + 1}")
        layer.name = layers.names[k]  # the setter takes names of any script, the argument does not
        layer.create_mask(Image.fromarray(np.ascontiguousarray(alphas[..., k])))
    with replacing(path, ExportError) as temporary, open(temporary, "xb") as file:
        record.write(file)


def _document(picture: NDArray[np.uint8]) -> PSD:
    """A document without layers whose merged image, all that many viewers show, is `picture`.

    `write_psd` writes the record: `PSDImage.save` would merge the layers anew, 9 s at 12 Mpx, to get this picture.
    """
    height, width = picture.shape[:2]
    header = FileHeader(version=1, channels=3, height=height, width=width, depth=8, color_mode=ColorMode.RGB)
    merged = ImageData(compression=Compression.RLE)
    merged.set_data([np.ascontiguousarray(picture[..., c]).tobytes() for c in range(3)], header)
    return PSD(header=header, image_data=merged, image_resources=ImageResources.new())
