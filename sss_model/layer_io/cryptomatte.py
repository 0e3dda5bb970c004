"""Cryptomatte: an EXR whose channels say for every pixel which layers cover it and how much (Friedman and Jones 2015).

A layer's id is the hash of its name, its bits read as a float32; pixels list their ids by falling coverage, two to each
set of four channels. What picks ids off such a file is in every compositing program, and takes only exact floats: no
halves, no lossy compression, no window smaller than the picture.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats
from sss_model.errors import ParameterError
from sss_model.layer_io.exr import Channels, picture_channels, save
from sss_model.layer_io.layers import Layers

TITLE = "SoftSegments"  # begins the channels' names: SoftSegments00.R and so on
_WORD = 0xFFFFFFFF
_ROWS = 2**20  # pixels that are sorted at once


def write_cryptomatte(path: Path, layers: Layers) -> None:
    """Write the alphas of `layers` as the Cryptomatte `path`, the picture with them in R, G, B.

    There are as many levels as layers meet at any pixel, so every alpha is exact.

    Raises
    ------
    ParameterError : two names have one hash
    ExportError : the file cannot be written
    """
    ids = {name: layer_id(name) for name in layers.names}
    if len(set(ids.values())) < len(ids):
        raise ParameterError(f"Two of the names {', '.join(ids)} have one hash.", hint="Change one of them.")
    key = f"cryptomatte/{murmur3(TITLE.encode()):08x}"[: len("cryptomatte/") + 7]
    attributes = {
        f"{key}/name": TITLE,
        f"{key}/hash": "MurmurHash3_32",
        f"{key}/conversion": "uint32_to_float32",
        f"{key}/manifest": json.dumps({name: f"{number:08x}" for name, number in ids.items()}, ensure_ascii=False),
    }
    floats = np.array(list(ids.values()), np.uint32).view(np.float32)
    save(path, picture_channels(layers) | ranked(layers.alphas, floats), attributes, layers.plate)


def ranked(alphas: Floats, ids: NDArray[np.float32]) -> Channels:
    """Channels of the layers at each pixel by falling coverage: id and coverage in R and G, the next in B and A.

    Parameters
    ----------
    alphas : (H, W, N) float32 in [0, 1]
    ids : (N,) float32; a level without a layer has id and coverage 0
    """
    height, width, count = alphas.shape
    most = max(int(np.count_nonzero(alphas[y] > 0, axis=1).max()) for y in range(height))
    sets = max(1, -(-most // 2))
    pairs = np.zeros((4 * sets, height, width), np.float32)
    for y in range(0, height, max(1, _ROWS // width)):
        block = np.clip(alphas[y : y + max(1, _ROWS // width)], 0, 1)
        order = np.argsort(-block, axis=2, kind="stable")[..., : 2 * sets]
        for level in range(min(2 * sets, count)):
            coverage = np.take_along_axis(block, order[..., level, None], axis=2)[..., 0]
            pairs[2 * level, y : y + len(block)] = np.where(coverage > 0, ids[order[..., level]], 0)
            pairs[2 * level + 1, y : y + len(block)] = coverage
    names = [f"{TITLE}{number:02d}.{letter}" for number in range(sets) for letter in "RGBA"]
    return dict(zip(names, pairs, strict=True))


def layer_id(name: str) -> int:
    """The hash of `name` such that its bits are an ordinary float32: neither zero, denormal, infinite nor NaN."""
    number = murmur3(name.encode())
    exponent = number >> 23 & 0xFF
    return number ^ 1 << 23 if exponent in (0, 0xFF) else number


def murmur3(data: bytes) -> int:
    """MurmurHash3_x86_32 of `data` with seed 0."""
    state = 0
    for place in range(0, len(data) - len(data) % 4, 4):
        state ^= _mixed(int.from_bytes(data[place : place + 4], "little"))
        state = (_rotated(state, 13) * 5 + 0xE6546B64) & _WORD
    rest = data[len(data) - len(data) % 4 :]
    if rest:
        state ^= _mixed(int.from_bytes(rest, "little"))
    state ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = ((state ^ state >> shift) * factor) & _WORD
    return state ^ state >> 16


def _mixed(block: int) -> int:
    return _rotated(block * 0xCC9E2D51 & _WORD, 15) * 0x1B873593 & _WORD


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) & _WORD
