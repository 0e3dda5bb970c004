"""The plan for an image: which pieces the backbone sees at a time, and what they overlap, by the memory there is.

Bands are rows of one segment's output, computed from their input and the segment's halo: exact. Tiles are for
backbones that cannot be cut (`segments_of` is None): squares of the image that overlap by a margin smaller than the
network's view, so that features near their seams differ a little from the untiled ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sss_model import budget
from sss_model.inference.segments import Segment

WASTE = 0.25  # the share of rows computed twice above which more memory is taken
SPARE = 1.5  # what libraries allocate beyond the tensors
OVERLAP = 128  # pixels by which tiles reach over their seams
TILE_CELL_BYTES = 4096  # activations of an uncut backbone, bytes a pixel, where nothing better is known


@dataclass(frozen=True)
class Band:
    """Output rows first..last-1, and the input rows from..to-1 that they are computed from."""

    first: int
    last: int
    source: tuple[int, int]


def bands_of(height: int, segment: Segment, rows: int) -> list[Band]:
    """Bands of at most `rows` output rows over an input of `height` rows, a multiple of the segment's ratio."""
    total = height // segment.ratio
    count = -(-total // max(rows, 1))
    rows = -(-total // count)  # of even height
    bands = []
    for first in range(0, total, rows):
        bands.append(band_of(first, min(first + rows, total), segment, height))
    return bands


def band_of(first: int, last: int, segment: Segment, height: int) -> Band:
    """The band of output rows first..last-1 over an input of `height` rows."""
    above = max(first * segment.ratio - segment.halo, 0)
    below = min(last * segment.ratio + segment.halo, height)
    return Band(first, last, (above, below))


def halves_of(band: Band, segment: Segment, height: int) -> list[Band]:
    """`band` split in two, or itself where it is one row."""
    if band.last - band.first < 2:
        return [band]
    middle = (band.first + band.last) // 2
    return [band_of(band.first, middle, segment, height), band_of(middle, band.last, segment, height)]


def band_rows(segment: Segment, height: int, width: int, stride: int, tile: int, free: int, number: int = 4) -> int:
    """Output rows of a band for an input map (height, width) whose cells are `stride` pixels apart.

    Parameters
    ----------
    tile : pixels that the user asks for; 0 chooses
    free : bytes at hand
    number : bytes of a number
    """
    total = height // segment.ratio
    if tile:
        return min(max(tile // (stride * segment.ratio), 1), total)
    row = held_bytes(segment, width, number)
    if row * height <= budget.current.band:
        return total
    rows = int(budget.current.band / row) - 2 * segment.halo
    wanted = int(2 * segment.halo / WASTE)
    if rows < wanted:
        rows = min(wanted, int(free * budget.current.band_share / row) - 2 * segment.halo)
    return min(max(rows // segment.ratio, 1), total)


def held_bytes(segment: Segment, width: int, number: int = 4) -> float:
    """Bytes held at the segment's peak for one row of an input of `width` cells."""
    return segment.held * width * number * SPARE


@dataclass(frozen=True)
class OverlappingTile:
    """A square of the image: what is kept of it (top, left, bottom, right), and what the network sees for that."""

    kept: tuple[int, int, int, int]
    seen: tuple[int, int, int, int]


def tiles_of(size: tuple[int, int], side: int, overlap: int, multiple: int) -> Iterator[OverlappingTile]:
    """Tiles over an image of `size`, their edges on multiples of `multiple`, each seeing `overlap` pixels more."""
    side = max(side // multiple, 1) * multiple
    overlap = -(-overlap // multiple) * multiple
    height, width = size
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            above, before = max(top - overlap, 0), max(left - overlap, 0)
            below, after = min(bottom + overlap, height), min(right + overlap, width)
            yield OverlappingTile((top, left, bottom, right), (above, before, below, after))


def tile_side(size: tuple[int, int], tile: int, free: int, tileable: bool) -> int:
    """Side of the tiles for a backbone that cannot be cut; 0 sees the image whole."""
    if not tileable:
        return 0
    if tile:
        return tile if tile < max(size) else 0
    room = free * budget.current.band_share
    if size[0] * size[1] * TILE_CELL_BYTES <= room:
        return 0
    return max(int((room / TILE_CELL_BYTES) ** 0.5) - 2 * OVERLAP, 256)


def memory_words(count: int) -> str:
    """`count` bytes as a person reads them."""
    return f"about {max(round(count / 1e8), 1) / 10:.1f} GB of memory"
