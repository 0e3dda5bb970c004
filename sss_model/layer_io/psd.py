"""Photoshop documents: the picture at the bottom, above it one masked pixel layer for each layer.

A layer is its colours over the whole picture and, apart from them, a mask with its alphas. Colours under alpha 0 would
vanish from transparent pixels; so a mask can be painted on, and nothing is lost. Layers that are laid over each other
with alphas that sum to 1 leave gaps at soft borders: the picture below them closes these, and hiding it shows the rest.
Of a cut-out the picture is hidden, so that the document opens showing what was cut out.

A picture of more than 8 bits gives a 16-bit document. Its layers lie where Photoshop writes them, in the block Lr16;
their channels are run-length coded, for with prediction Krita reads other values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from psd_tools import PSDImage
from psd_tools.constants import ChannelID, ColorMode, Compression, Resource, Tag
from psd_tools.psd import PSD
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResource, ImageResources
from psd_tools.psd.layer_and_mask import LayerInfo
from psd_tools.psd.tagged_blocks import TaggedBlocks

from sss_model.array_types import Floats, Picture
from sss_model.errors import ParameterError
from sss_model.files.export import ExportError
from sss_model.layer_io.layers import Layers, picture_name, whole_alphas, whole_numbers
from sss_model.storage.atomic_write import replacing

LARGEST_SIDE = 30_000  # of a PSD; larger documents have another format
_EIGHT_BIT = 0.01  # by which colours of 8 bits may miss whole numbers


def write_psd(path: Path, layers: Layers, *, cut_out: bool = False) -> None:
    """Write `layers` as the RGB document `path`, layer 1 on top, with 16 bits where the picture has more than 8.

    Parameters
    ----------
    cut_out : whether the one layer is what was cut out: the picture is hidden then, and viewers show no more of it

    Raises
    ------
    ParameterError : the picture is larger than a PSD can be
    ExportError : the file cannot be written
    """
    height, width = layers.image.shape[:2]
    if max(height, width) > LARGEST_SIDE:
        raise ParameterError(f"A PSD has at most {LARGEST_SIDE} pixels a side; the picture is {width} x {height}.")
    picture = whole_numbers(layers.image, 255)
    deep = not _is_of(picture, layers.image)
    largest, kind = (65535, ">u2") if deep else (255, "u1")
    record = _document(_merged(layers, largest, cut_out=cut_out).astype(kind))
    document = PSDImage(record)
    document.create_pixel_layer(Image.fromarray(picture), name=picture_name(layers.names)).visible = not cut_out
    alphas = whole_alphas(layers.alphas, 255)
    for k in reversed(range(len(layers.names))):
        colour = picture if layers.colours is None else whole_numbers(layers.colour(k), 255)
        layer = document.create_pixel_layer(Image.fromarray(colour), name=f"layer-{k + 1}")
        layer.name = layers.names[k]  # the setter takes names of any script, the argument does not
        layer.create_mask(Image.fromarray(np.ascontiguousarray(alphas[..., k])))
    if deep:
        _deepen(record, layers)
    if cut_out:
        _layer_info(record).layer_count *= -1  # below 0: the merged picture's fourth channel is its alpha
    with replacing(path, ExportError) as temporary, open(temporary, "xb") as file:
        record.write(file)


def _is_of(picture: Picture, image: Floats) -> bool:
    """Whether `image` (H, W, 3) in [0, 1] holds no more than the 8 bits of `picture`."""
    return bool(np.abs(image * np.float32(255) - picture).max() < _EIGHT_BIT)


def _merged(layers: Layers, largest: int, *, cut_out: bool) -> NDArray[Any]:
    """(H, W, 3): what viewers show that know no layers; of a cut-out (H, W, 4), on white, as Photoshop has it."""
    if not cut_out:
        return whole_numbers(layers.image, largest)
    alpha = layers.alphas[..., :1]
    return whole_numbers(np.concatenate([layers.colour(0) * alpha + (1 - alpha), alpha], axis=2), largest)


def _document(merged: NDArray[Any]) -> PSD:
    """A document without layers whose merged image (H, W, 3 or 4), all that many viewers show, is `merged`.

    `write_psd` writes the record: `PSDImage.save` would merge the layers anew, 9 s at 12 Mpx, to get this picture.
    """
    height, width, channels = merged.shape
    depth = 8 * merged.dtype.itemsize
    header = FileHeader(version=1, channels=channels, height=height, width=width, depth=depth, color_mode=ColorMode.RGB)
    data = ImageData(compression=Compression.RLE)
    data.set_data([np.ascontiguousarray(merged[..., c]).tobytes() for c in range(channels)], header)
    return PSD(header=header, image_data=data, image_resources=ImageResources.new())


def _deepen(record: PSD, layers: Layers) -> None:
    """Give the layers of `record`, made with 8 bits, their 16 bits, and put them where those of such documents lie."""
    height, width = layers.image.shape[:2]
    info, alphas = _layer_info(record), whole_alphas(layers.alphas, 65535)
    for place, (described, channels) in enumerate(zip(info.layer_records, info.channel_image_data, strict=True)):
        k = len(layers.names) - place  # the picture lies at the bottom
        colour = whole_numbers(layers.image if place == 0 else layers.colour(k), 65535)
        of_channel = {c: colour[..., c] for c in range(3)}
        of_channel[int(ChannelID.TRANSPARENCY_MASK)] = np.full((height, width), 65535, np.uint16)
        if place:
            of_channel[int(ChannelID.USER_LAYER_MASK)] = alphas[..., k]
        for channel, data in zip(described.channel_info, channels, strict=True):
            values = np.ascontiguousarray(of_channel[int(channel.id)], ">u2")
            data.set_data(values.tobytes(), width, height, 16)
    record.image_resources[Resource.ICC_PROFILE] = ImageResource(key=Resource.ICC_PROFILE, data=_srgb())
    blocks = TaggedBlocks()
    blocks.set_data(Tag.LAYER_16, info.layer_count, info.layer_records, info.channel_image_data)
    record.layer_and_mask_information.tagged_blocks = blocks
    record.layer_and_mask_information.layer_info = LayerInfo()


def _srgb() -> bytes:
    """The profile that says what the numbers are: without one Krita takes those of 16 bits for linear light."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = (2000).to_bytes(2, "big") + bytes([0, 1, 0, 1, 0, 0, 0, 0, 0, 0])  # always of the same day
    return bytes(profile)


def _layer_info(record: PSD) -> LayerInfo:
    """Where the layers of `record` are: in the block of 16-bit ones, or where those of 8 bits lie."""
    blocks = record.layer_and_mask_information.tagged_blocks
    deep = blocks.get_data(Tag.LAYER_16) if blocks is not None else None
    info = deep or record.layer_and_mask_information.layer_info
    return info if info is not None else LayerInfo()
