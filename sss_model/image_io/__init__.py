"""Photographs <-> arrays. The one place that knows formats, EXIF, alpha and bit depth.

Read: JPEG, PNG, TIFF, WebP, AVIF, JPEG 2000, GIF, BMP, PNM, TGA, PSD and a few more, of 1 to 32 bits a channel or
float, grey, palette, RGB or CMYK. EXIF's orientation is applied, transparency is laid over white, of an animation the
first frame counts. Colours are sRGB: embedded profiles are converted, OpenEXR's linear light is encoded. Written: PNG.

16-bit colour keeps its 16 bits in PNG and TIFF; 16-bit grey with alpha is read with 8.
"""

from sss_model.image_io.pixel_values import Image, Picture, image_from_array, to_picture
from sss_model.image_io.read import (
    IMAGE_SUFFIXES,
    Photograph,
    decoding_bytes,
    image_size,
    read_image,
    read_photograph,
    read_reduced,
    read_text,
    read_thumbnail,
    read_to_fit,
)
from sss_model.image_io.write import write_picture

__all__ = [
    "IMAGE_SUFFIXES",
    "Image",
    "Photograph",
    "Picture",
    "decoding_bytes",
    "image_from_array",
    "image_size",
    "read_image",
    "read_photograph",
    "read_reduced",
    "read_text",
    "read_thumbnail",
    "read_to_fit",
    "to_picture",
    "write_picture",
]
