"""OpenRaster: a zip with one PNG a layer, stack.xml about them, and the merged picture, all that most viewers show.

The type comes first and uncompressed, so that its word stands at a known place in the file. As in the PSD, the picture
lies at the bottom: alphas that sum to 1 leave gaps where layers are laid over each other.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sss_model.files.export import ExportError
from sss_model.layer_io.layers import Layers, picture_name, whole_alphas, whole_numbers
from sss_model.storage.atomic_write import replacing

_THUMBNAIL = 256  # pixels of the longer side, as the format has it
_COMPRESSION = 4


def write_ora(path: Path, layers: Layers) -> None:
    """Write `layers` as the OpenRaster file `path`: 8-bit sRGB, straight alpha, layer 1 on top.

    Raises `ExportError` where the file cannot be written.
    """
    picture = whole_numbers(layers.image, 255)
    with replacing(path, ExportError) as temporary, zipfile.ZipFile(temporary, "x", zipfile.ZIP_STORED) as archive:
        _add(archive, "mimetype", b"image/openraster")
        _add(archive, "stack.xml", _stack(layers), compressed=True)
        for k, samples in enumerate(_rasters(layers)):
            _add(archive, f"data/layer{k}.png", _png(samples))
        _add(archive, f"data/layer{len(layers.names)}.png", _png(picture))
        _add(archive, "mergedimage.png", _png(picture))
        small = Image.fromarray(picture)
        small.thumbnail((_THUMBNAIL, _THUMBNAIL))
        _add(archive, "Thumbnails/thumbnail.png", _png(np.asarray(small)))


def _rasters(layers: Layers) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 4) of each layer."""
    alphas = whole_alphas(layers.alphas, 255)
    for k in range(len(layers.names)):
        yield np.dstack([whole_numbers(layers.colour(k), 255), alphas[..., k]])


def _stack(layers: Layers) -> bytes:
    """The list of layers, from the top down."""
    height, width = layers.image.shape[:2]
    root = ElementTree.Element("image", version="0.0.3", w=str(width), h=str(height))
    stack = ElementTree.SubElement(root, "stack")
    for k, name in enumerate((*layers.names, picture_name(layers.names))):
        place = {"src": f"data/layer{k}.png", "x": "0", "y": "0"}
        look = {"opacity": "1.0", "visibility": "visible", "composite-op": "svg:src-over"}
        ElementTree.SubElement(stack, "layer", {"name": name, **place, **look})
    return bytes(ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True))


def _png(samples: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(samples).save(file, format="PNG", compress_level=_COMPRESSION)
    return file.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes, *, compressed: bool = False) -> None:
    """Add a file of a fixed date, so that the same layers give the same bytes."""
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    archive.writestr(zipfile.ZipInfo(name), data, compress_type=kind)
