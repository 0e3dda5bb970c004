"""Colours that a file names by code points (ITU-T H.273), as AVIF, HEIC, PNG's cICP and JPEG XL do -> sRGB.

PQ and HLG are light on a scale on which 1 is diffuse white, 203 cd/m2 (ITU-R BT.2408); highlights roll off above it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.image_io.colour_profile import convert, find_conversion, rgb_profile
from sss_model.image_io.decoded import Decoded
from sss_model.image_io.light import REC709, shown, to_rec709
from sss_model.image_io.pixel_values import unit_range
from sss_model.params import ReadParams

P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.3290)
BT2020 = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.3290)
DCI_P3 = (*P3[:6], 0.314, 0.351)
PRIMARIES = {1: ("BT.709", REC709), 9: ("BT.2020", BT2020), 11: ("DCI-P3", DCI_P3), 12: ("Display P3", P3)}
LINEAR, PQ, HLG = 8, 16, 18
_GAMMAS = {4: 2.2, 5: 2.8, 17: 2.6}  # the others are shown as sRGB's curve, as browsers do
_WHITE = 203.0  # cd/m2


class Codes(NamedTuple):
    """Colour primaries and transfer characteristics."""

    primaries: int
    transfer: int


def decoded(samples: NDArray[Any], codes: Codes, params: ReadParams, chromaticities: Any = None) -> Decoded:
    """`samples` (H, W) or (H, W, C), straight alpha last, of the colours that `codes` name, as sRGB.

    Parameters
    ----------
    samples : unsigned integers over their whole range, or floats in [0, 1]
    chromaticities : x and y of red, green, blue and white, where a file has its own
    """
    name, known = PRIMARIES.get(codes.primaries, PRIMARIES[1])
    primaries, name = (known, name) if chromaticities is None else (chromaticities, "its own primaries")
    planes = samples if samples.ndim == 3 else samples[..., None]
    count = 3 if planes.shape[2] >= 3 else 1
    if codes.transfer not in (LINEAR, PQ, HLG):
        if codes.transfer not in _GAMMAS and to_rec709(primaries) is None:
            return Decoded(samples)
        profile = rgb_profile(name, primaries, _GAMMAS.get(codes.transfer, 0))
        return coloured(samples, profile, grey=True)
    light = light_of(unit_range(planes[..., :count]), codes.transfer)
    matrix = to_rec709(primaries) if count == 3 else None
    colours, said, *_ = shown(light, params, matrix=matrix)
    if planes.shape[2] > count:
        colours = np.concatenate([colours, unit_range(planes[..., count:])], axis=2)
    what = {LINEAR: "linear light", PQ: "PQ", HLG: "HLG"}[codes.transfer]
    return Decoded(colours, (f"{what} of {name} tone-mapped to sRGB", *said))


def coloured(samples: NDArray[Any], profile: bytes | None, *, grey: bool = False) -> Decoded:
    """`samples` of the colours of the ICC `profile` as sRGB; `grey` ones also where the profile is of RGB."""
    conversion = find_conversion(profile)
    if conversion is None:
        return Decoded(samples)
    planes = samples if samples.ndim == 3 else samples[..., None]
    if grey and conversion.space == "RGB" and planes.shape[2] <= 2:
        planes = np.concatenate([np.repeat(planes[..., :1], 3, axis=2), planes[..., 1:]], axis=2)
        samples = planes
    converted, said = convert(samples, conversion)
    return Decoded(converted, (said,) if said else ())


def light_of(values: NDArray[np.float32], transfer: int) -> NDArray[np.float32]:
    """Linear light, 1 for diffuse white, of coded `values` (H, W, C) in [0, 1]."""
    if transfer == PQ:  # SMPTE ST 2084
        root = np.power(values, np.float32(32 / 2523))
        light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return np.asarray(np.power(light, np.float32(16384 / 2610)) * np.float32(10000 / _WHITE), np.float32)
    if transfer == HLG:  # ITU-R BT.2100, for a display of 1000 cd/m2, whose system gamma is 1.2
        upper = (np.exp((values - 0.55991073) / 0.17883277) + 0.28466892) / 12
        scene = np.where(values <= 0.5, values * values / 3, upper).astype(np.float32)
        weights = np.array([0.2627, 0.678, 0.0593], np.float32) if scene.shape[2] == 3 else np.ones(1, np.float32)
        luminance = np.maximum(scene @ weights, np.float32(1e-9))[..., None]
        return np.asarray(scene * luminance ** np.float32(0.2) * np.float32(1000 / _WHITE), np.float32)
    return values.copy()
