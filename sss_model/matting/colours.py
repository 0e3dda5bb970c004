"""What the colours near a border say: which pixels belong to the matte, where either side has colours of its own.

Superpixels join leaves and wires with what is between them; pixels' colours tell these apart. The picture is cut into
tiles, and each has a histogram of Lab colours of what the superpixels take about it, and of what they leave. With P the
share of a colour that is taken, both sides of equal weight, a pixel's log-odds are

    trust log P / (1 - P)  +  1.5 (2 a - 1)  +  100 depth  -  37.5 distance

with `a` the superpixels' alpha, `depth` how deep within their border a pixel lies, and `distance` how far without, in
parts of the long side. `trust` is how far 2 P - 1 lies on the right side of 0, on the average of the side that tells
less: 0 where both have the same colours.
"""

from __future__ import annotations

import cv2
import numpy as np

from sss_model.array_types import Floats, Indices, Mask

_BINS = (16, 24, 24)
_LEAST, _RANGE = (0.0, -60.0, -60.0), (100.0, 120.0, 120.0)  # of L, a and b
_TILE = 0.2  # of the long side
_FLOOR = 0.02  # of a tile: a side of fewer pixels tells less
_RARE = 2e-4  # of a tile: what counts as much for either side
_SURE = 4.0  # log-odds of a colour, at most
_OWN = 1.5  # of what the superpixels say: less takes shadows, more leaves leaves
_SPECK = np.ones((2, 2), np.uint8)  # what holds no such square is noise
_INSIDE, _OUTSIDE = 0.02, 0.08  # how far from the border colours are asked, of the long side
_INERTIA_INSIDE, _INERTIA_OUTSIDE = 100.0, 37.5


def colour_odds(image: Floats, coarse: Floats) -> tuple[Floats, Mask]:
    """Colours' log-odds where all odds agree with them, and where they speak against the superpixels near the border.

    Parameters
    ----------
    image : (h, w, 3) float32 RGB in [0, 1]
    coarse : (h, w) float32 in [0, 1], the superpixels' alpha

    Returns
    -------
    (h, w) float32; (h, w) bool
    """
    inside = coarse > 0.5
    if inside.all() or not inside.any():
        return 2 * coarse - 1, np.zeros(coarse.shape, np.bool_)
    long = max(coarse.shape)
    depth, away = (cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, 5) / long for side in (inside, ~inside))
    odds = _OWN * (2 * coarse - 1) + _INERTIA_INSIDE * depth - _INERTIA_OUTSIDE * away
    asked = (depth < _INSIDE) & (away < _OUTSIDE)
    told = np.zeros_like(odds)
    told[asked] = _told(image, coarse, asked)
    odds += told
    against = asked & ((odds > 0) != inside)
    return np.where((told > 0) == (odds > 0), told, 0), _connected(against, inside)


def _connected(against: Mask, inside: Mask) -> Mask:
    """What speaks against the superpixels, but for specks and for what would be added and touches the matte nowhere."""
    squares = cv2.erode(against.astype(np.uint8), _SPECK, anchor=(0, 0))
    kept = cv2.dilate(squares, _SPECK, anchor=(1, 1)).astype(np.bool_)
    _, groups = cv2.connectedComponents((kept | inside).astype(np.uint8), connectivity=8)
    joined = np.zeros(int(groups.max()) + 1, np.bool_)
    joined[groups[inside]] = True
    result: Mask = kept & (inside | joined[groups])
    return result


def _told(image: Floats, coarse: Floats, asked: Mask) -> Floats:
    """(n,): the trusted log-odds of the colours at the pixels `asked`, between the tiles about them."""
    h, w = coarse.shape
    tiles = tuple(max(1, round(side / (_TILE * max(h, w)))) for side in (h, w))
    codes = _codes(image)
    table = _table(codes, coarse, tiles)
    y, x = np.nonzero(asked)
    places = [np.clip((at + 0.5) * n / side - 0.5, 0, n - 1) for at, n, side in zip((y, x), tiles, (h, w), strict=True)]
    first = [at.astype(np.intp) for at in places]
    second = [np.minimum(at + 1, n - 1) for at, n in zip(first, tiles, strict=True)]
    (fy, fx), own = ((at - low).astype(np.float32) for at, low in zip(places, first, strict=True)), codes[asked]
    top, bottom = (
        (1 - fx) * table[row * tiles[1] + first[1], own] + fx * table[row * tiles[1] + second[1], own]
        for row in (first[0], second[0])
    )
    told: Floats = (1 - fy) * top + fy * bottom
    return told


def _codes(image: Floats) -> Indices:
    """(h, w): the bin of each pixel's colour."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2Lab)
    code = np.zeros(image.shape[:2], np.intp)
    for channel, bins, least, span in zip(cv2.split(lab), _BINS, _LEAST, _RANGE, strict=True):
        code = code * bins + np.clip((channel - least) * (bins / span), 0, bins - 1).astype(np.intp)
    return code


def _table(codes: Indices, coarse: Floats, tiles: tuple[int, ...]) -> Floats:
    """(tiles, bins): what each colour says about each tile."""
    (h, w), (rows, columns) = codes.shape, tiles
    bins = int(np.prod(_BINS))
    at = ((np.arange(h) * rows // h)[:, None] * columns + np.arange(w) * columns // w) * bins + codes
    area = h * w / (rows * columns)
    certainty = 2 * coarse.ravel() - 1
    sides, weights = [], []
    for side in (certainty, -certainty):
        counts = np.bincount(at.ravel(), np.maximum(side, 0), rows * columns * bins).astype(np.float32)
        counts = _blurred(counts.reshape(rows, columns, *_BINS)).reshape(rows * columns, bins) / area
        weights.append(counts / np.maximum(counts.sum(1, keepdims=True), 1e-9))
        sides.append(counts / np.maximum(counts.sum(1, keepdims=True), _FLOOR))
    taken, left = sides
    share = (taken + _RARE) / (taken + left + 2 * _RARE)
    lean = 2 * share - 1
    trust = np.clip(np.minimum((weights[0] * lean).sum(1), -(weights[1] * lean).sum(1)), 0, 1)
    odds: Floats = trust[:, None] * np.clip(np.log((share + 0.01) / (1.01 - share)), -_SURE, _SURE)
    return odds


def _blurred(counts: Floats) -> Floats:
    """`counts` shared with the tiles beside (a third each) and the bins beside (a quarter)."""
    for axis, share in enumerate((1 / 3, 1 / 3, 0.25, 0.25, 0.25)):
        if counts.shape[axis] > 1:
            moved = np.zeros_like(counts)
            low, high = ((slice(None),) * axis + (at,) for at in (slice(None, -1), slice(1, None)))
            moved[high] += counts[low]
            moved[low] += counts[high]
            counts = (1 - 2 * share) * counts + share * moved
    return counts
