"""Colours in an embedded ICC profile -> sRGB: Adobe RGB, Display P3, grey and CMYK profiles.

littleCMS converts them: 8-bit colours and inks by way of Pillow; grey and deeper colours, which keep their depth, in
float by way of imagecodecs. A profile that changes no colour by more than one level of 8 bits is sRGB itself: its
picture keeps the file's values.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from sss_model.image_io.light import REC709, adapted_to_xyz
from sss_model.image_io.pixel_values import srgb_encoded, unit_range

_INPUT_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
_ROWS = 2**22  # pixels that are converted at once
_SAME = 1  # levels of 8 bits
ADOBE_RGB = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290)  # Adobe RGB (1998), 4.3.1
_D50 = (0.3457, 0.3585)
# sRGB's primaries adapted to D50, the profile connection space's white (IEC 61966-2-1 and ICC.1:2022, annex E)
_SRGB_TO_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)


class ProfileConversion:
    """From the colours of one profile to sRGB.

    Attributes
    ----------
    space : GRAY, RGB or CMYK
    name : how the profile describes itself
    """

    def __init__(self, icc: bytes) -> None:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        self.space = profile.profile.xcolor_space.strip()
        self.name = " ".join(ImageCms.getProfileDescription(profile).split()) or "an unnamed profile"
        self._icc = icc
        self._transform = ImageCms.buildTransform(
            profile, ImageCms.createProfile("sRGB"), _INPUT_MODES[self.space], "RGB", ImageCms.Intent.PERCEPTUAL
        )

    def changes_colours(self) -> bool:
        """Whether any colour of a coarse grid comes out other than as it went in."""
        if self.space == "CMYK":
            return True
        steps = np.linspace(0, 255, 256 if self.space == "GRAY" else 9).astype(np.uint8)
        axes = [steps] if self.space == "GRAY" else [steps] * 3
        colours = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(1, -1, len(axes))
        return bool(np.abs(self._converted(colours).astype(int) - colours).max() > _SAME)

    def convert(self, samples: NDArray[Any]) -> NDArray[Any]:
        """`samples` (H, W) or (H, W, C), alpha last, as sRGB (H, W, 3 or 4): uint8 from uint8, float32 from deeper.

        Samples of another number of channels than the profile's come back as they are.
        """
        planes = samples if samples.ndim == 3 else samples[..., None]
        channels = {"GRAY": 1, "RGB": 3, "CMYK": 4}[self.space]
        if planes.shape[2] not in (channels, channels + 1):
            return samples
        colours, alpha = planes[..., :channels], planes[..., channels:]
        converted = self._converted(colours)
        if alpha.shape[2] == 0:
            return converted
        if converted.dtype != alpha.dtype:
            converted, alpha = unit_range(converted), unit_range(alpha)
        return np.concatenate([converted, alpha], axis=2)

    def _converted(self, colours: NDArray[Any]) -> NDArray[Any]:
        if self.space == "GRAY" and colours.dtype == np.uint8:  # in 8 bits a grey curve is reduced to a few points
            table = self._in_float(np.linspace(0, 1, 256, dtype=np.float32)[None, :, None])[0]
            levels: NDArray[np.uint8] = (table * 255 + 0.5).astype(np.uint8)[colours[..., 0]]
            return levels
        if colours.dtype != np.uint8 and self.space != "CMYK":
            return self._in_float(unit_range(colours))
        return self._in_eight_bits(
            colours if colours.dtype == np.uint8 else (unit_range(colours) * 255 + 0.5).astype(np.uint8)
        )

    def _in_float(self, colours: NDArray[np.float32]) -> NDArray[np.float32]:
        import imagecodecs

        grey = self.space == "GRAY"
        converted = imagecodecs.cms_transform(
            np.ascontiguousarray(colours[..., 0] if grey else colours), self._icc, imagecodecs.cms_profile("srgb"),
            colorspace="gray" if grey else "rgb", outcolorspace="rgb", outdtype=np.float32,
            intent=ImageCms.Intent.PERCEPTUAL,
        )  # fmt: skip
        return np.clip(converted, 0, 1, out=converted)

    def _in_eight_bits(self, colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = colours.shape[:2]
        result = np.empty((height, width, 3), np.uint8)
        rows = max(1, _ROWS // width)
        for y in range(0, height, rows):
            block = np.ascontiguousarray(colours[y : y + rows])
            picture = Image.frombytes(_INPUT_MODES[self.space], (width, len(block)), block.tobytes())
            result[y : y + rows] = np.asarray(ImageCms.applyTransform(picture, self._transform))
        return result


def find_conversion(icc: Any) -> ProfileConversion | None:
    """How colours with the embedded profile `icc` become sRGB; None where they are, or nothing sensible is embedded."""
    if not isinstance(icc, bytes) or len(icc) < 128:
        return None
    try:
        conversion = ProfileConversion(icc)
        return conversion if conversion.changes_colours() else None
    except Exception:  # a damaged profile can raise anything, and the picture is whole without it
        return None


def convert(samples: NDArray[Any], conversion: ProfileConversion | None) -> tuple[NDArray[Any], str]:
    """`samples` as sRGB by `conversion`, and a phrase that says so; as they are, and "", without one that fits them."""
    converted = samples if conversion is None else conversion.convert(samples)
    if conversion is None or converted is samples:
        return samples, ""
    return converted, f"converted from {conversion.name} to sRGB"


def rgb_profile(name: str, chromaticities: tuple[float, ...], gamma: float) -> bytes:
    """An ICC profile of RGB colours (ICC.1:2022, 8.3.2), of which a file says no more than these numbers.

    Parameters
    ----------
    chromaticities : x and y of red, green, blue and white
    gamma : light is the value to this power; 0 for sRGB's own curve
    """
    is_srgb = np.allclose(chromaticities, REC709, atol=1e-3)
    columns = (_SRGB_TO_XYZ if is_srgb else adapted_to_xyz(np.array(chromaticities), _D50)).T
    srgb = [round(number * 65536) for number in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)]
    curve = struct.pack(">4s4xHxx", b"para", 0 if gamma else 3)
    curve += struct.pack(">i", round(gamma * 65536)) if gamma else struct.pack(">5i", *srgb)
    text = name.encode("ascii", "replace")
    tags = {b"desc": struct.pack(">4s4xI", b"desc", len(text) + 1) + text + bytes(79), b"cprt": b"text" + bytes(5)}
    for letter, xyz in zip("rgb", columns, strict=True):
        tags[f"{letter}XYZ".encode()] = struct.pack(">4s4x3i", b"XYZ ", *(round(v * 65536) for v in xyz))
        tags[f"{letter}TRC".encode()] = curve
    tags[b"wtpt"] = struct.pack(">4s4x3i", b"XYZ ", 63190, 65536, 54061)
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, content in tags.items():
        table += struct.pack(">4sII", tag, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    size = start + len(data)
    head = struct.pack(">I4sI4s4s4s12x4s", size, b"", 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061).ljust(60, b"\0") + table + data


def lab_to_srgb(samples: NDArray[Any], *, offset: bool) -> NDArray[np.float32]:
    """CIE Lab of D50 (H, W, 3) as whole numbers -> sRGB in [0, 1].

    Parameters
    ----------
    offset : whether a and b are stored with 128 added, as in ICC's and Photoshop's Lab; else with their sign
    """
    bits = samples.dtype.itemsize * 8
    result = np.empty(samples.shape, np.float32)
    to_srgb = np.linalg.inv(_SRGB_TO_XYZ)
    white = _SRGB_TO_XYZ.sum(axis=1)
    for y in range(len(samples)):
        row = samples[y].astype(np.float64)
        lightness = row[..., 0] * (100 / (2**bits - 1))
        a, b = ((row[..., i] / 2 ** (bits - 8)) - 128 if offset else _signed(row[..., i], bits) for i in (1, 2))
        f = (lightness + 16) / 116
        roots = np.stack([f + a / 500, f, f - b / 200], axis=-1)
        xyz = np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29)) * white
        result[y] = srgb_encoded(np.clip(xyz @ to_srgb.T, 0, 1).astype(np.float32))
    return result


def _signed(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    return np.asarray(np.where(values >= 2 ** (bits - 1), values - 2**bits, values) / 2 ** (bits - 8))
