"""Photographs <-> arrays. The one place that knows formats, EXIF, alpha and bit depth.

`decode.DECODERS` lists what is read, a row a format: of 1 to 32 bits a channel or float, grey, palette, RGB or CMYK,
camera raw and linear light. EXIF's orientation is applied, transparency is laid over white, or over black in linear
light, of an animation or stack one page counts. Colours are sRGB: other profiles are converted, linear light is
encoded, highlights roll off. `Photograph.conversion` names what was done. Written: PNG.
"""

from sss_model.image_io.decoded import Plate
from sss_model.image_io.pixel_values import image_from_array, to_picture, upright
from sss_model.image_io.read import (
    IMAGE_SUFFIXES,
    Choices,
    Photograph,
    choices_in,
    decoding_bytes,
    image_size,
    looks_like_picture,
    read_image,
    read_photograph,
    read_reduced,
    read_text,
    read_thumbnail,
    read_to_fit,
    stored_orientation,
)
from sss_model.image_io.write import write_picture

__all__ = [
    "IMAGE_SUFFIXES",
    "Choices",
    "Photograph",
    "Plate",
    "choices_in",
    "decoding_bytes",
    "image_from_array",
    "image_size",
    "looks_like_picture",
    "read_image",
    "read_photograph",
    "read_reduced",
    "read_text",
    "read_thumbnail",
    "read_to_fit",
    "stored_orientation",
    "to_picture",
    "upright",
    "write_picture",
]
