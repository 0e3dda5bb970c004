"""Layers and mattes as pictures: flat colours, colours over grey, and the ways to look at a matte. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Colour = tuple[int, int, int]
Place = tuple[int, int, float, int]

HIDDEN: Colour = (119, 119, 119)
"""Where a layer is that does not show: the grey around pictures."""

_COLOUR_SHARE = 0.5
_LIT, _DIMMED = 0.8, 0.12  # of the layer under the cursor, and of the others beside it
_RED = (224, 40, 40)
_TINT = (0, 158, 115)  # of what a click would take
_CELLS = 40  # of a checkerboard along the long side
_LIGHT, _DARK = 204, 153


def flat_colours(alphas: Bytes, colours: Sequence[Colour], shown: Sequence[int]) -> Bytes:
    """(h, w, 3): each layer's colour by its alpha; those that are not `shown` are grey.

    Parameters
    ----------
    alphas : (h, w, N), of sum 255
    """
    table = np.array([colours[k] if k in shown else HIDDEN for k in range(alphas.shape[2])], np.float32) / 255
    return _rounded(alphas.astype(np.float32) @ table)


def colours_over(alphas: Bytes, colours: Sequence[Colour], shown: Sequence[int], lit: int | None = None) -> Bytes:
    """(h, w, 4) with straight alpha: each layer's colour by its alpha, to be laid over the photograph in grey.

    Parameters
    ----------
    alphas : (h, w, N), of sum 255
    lit : the layer that stands out from the others; None: all alike
    """
    weights = np.zeros(alphas.shape[2], np.float32)
    weights[list(shown)] = _COLOUR_SHARE if lit is None else _DIMMED
    if lit is not None:
        weights[lit] = _LIT
    weighted = np.concatenate([np.array(colours, np.float32).reshape(-1, 3), np.ones((len(weights), 1), np.float32)], 1)
    mixed = alphas.astype(np.float32) @ (weighted * weights[:, None] / 255)
    strength = mixed[..., 3:]
    mixed[..., :3] /= np.maximum(strength, 1e-6)
    mixed[..., 3:] *= 255
    return _rounded(mixed)


def matte_picture(
    matte: Bytes,
    photo: Bytes,
    view: str,
    *,
    colour: Colour = (0, 0, 0),
    backdrop: Bytes | None = None,
    place: Place | None = None,
) -> Bytes:
    """(h, w, 3): `matte` (h, w) seen in one of several ways.

    Parameters
    ----------
    photo : (h, w, 3), the photograph, or what is to be seen where the matte is
    view : one of `ALPHA_VIEWS`: the matte itself, red over what it leaves out, or something behind what it takes
    colour : of the view colour
    backdrop : (h, w, 3) of the view picture; without one it is black
    place : (x, y, pitch, long side) of a part of a picture: where it begins, how many of the picture's pixels one of
        its own is, and how long the picture is, so that a checkerboard goes on; None: it is the whole
    """
    if view == "grey":
        return np.repeat(matte[..., None], 3, axis=2)
    if view == "red":
        return blended(photo, _even(matte, _RED), 128 + matte // 2)
    if view == "checkerboard":
        return blended(photo, checkerboard(matte.shape, place), matte)
    if view == "picture" and backdrop is not None:
        return blended(photo, backdrop, matte)
    behind = {"white": (255, 255, 255), "colour": colour}.get(view, (0, 0, 0))
    return blended(photo, _even(matte, behind), matte)


def tinted(matte: Bytes) -> Bytes:
    """(h, w, 4) with straight alpha: what `matte` (h, w) takes in a tint, outlined, to be laid over a picture."""
    inside = matte > 127
    rim = np.zeros(inside.shape, np.bool_)
    rim[1:] |= inside[1:] != inside[:-1]
    rim[:, 1:] |= inside[:, 1:] != inside[:, :-1]
    picture = np.empty((*matte.shape, 4), np.uint8)
    picture[..., :3] = _TINT
    picture[..., 3] = np.where(rim, 255, matte // 5 * 2)
    return picture


def checkerboard(size: tuple[int, ...], place: Place | None = None) -> Bytes:
    """(h, w, 1): the two greys that stand for nothing; `place` as for `matte_picture`."""
    left, top, pitch, long = place or (0, 0, 1.0, max(size))
    cell = max(long / _CELLS, 1.0)
    rows = ((np.arange(size[0]) * pitch + top) // cell).astype(np.intp)
    columns = ((np.arange(size[1]) * pitch + left) // cell).astype(np.intp)
    return np.where((rows[:, None] + columns) % 2, _LIGHT, _DARK).astype(np.uint8)[..., None]


def blended(front: Bytes, behind: Bytes, alpha: Bytes) -> Bytes:
    """`front` by `alpha` (h, w) over `behind`, to the nearest."""
    a = alpha[..., None].astype(np.uint16)
    mixed: Bytes = ((front * a + behind * (255 - a) + 127) // 255).astype(np.uint8)
    return mixed


def in_grey(picture: Bytes) -> Bytes:
    """(h, w, 3): `picture` in grey, weighted as Rec. 601 weighs sRGB values."""
    grey = (picture @ np.array([77, 150, 29], np.uint32) + 128) >> 8
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def _even(like: Bytes, colour: Colour) -> Bytes:
    return np.broadcast_to(np.array(colour, np.uint8), (*like.shape, 3))


def _rounded(values: NDArray[np.floating[Any]]) -> Bytes:
    return (values + np.float32(0.5)).astype(np.uint8)
