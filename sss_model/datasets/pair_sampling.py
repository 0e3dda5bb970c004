"""Which pixels of an image are compared: P_inst regions, P_pix pixels in each, several times over.

Supplement, section 1: "we first randomly sample P_inst number of instances, then for each instance, we randomly sample
P_pix number of pixels within each instance label mask ... we repeat the sampling 10 times per image".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import DatasetError
from sss_model.params import SamplingParams

VOID = -1
UNKNOWN = -2
"""In region maps: a void pixel that is never drawn, since it may belong to a thing beside it."""


@dataclass(frozen=True)
class Samples:
    """Pixels drawn from one image: `points` (S, P, 2) int64, x then y; `labels` (S, P) int64, `VOID` for none.

    `parts` (S, P) int64 are the regions that the pixels lie in, `VOID` outside of any.
    """

    points: NDArray[np.int64]
    labels: NDArray[np.int64]
    parts: NDArray[np.int64]


@dataclass(frozen=True)
class Regions:
    """The regions of one image: flat pixel indices, and the label and the number of each."""

    width: int
    pixels: list[NDArray[np.int64]]
    labels: NDArray[np.int64]
    numbers: NDArray[np.int64]

    @property
    def distinct(self) -> int:
        """Number of different labels, void counted as one."""
        return len(np.unique(self.labels))


def find_regions(
    labels: NDArray[np.int32], regions: NDArray[np.int32], *, min_area: int = 1, void: str = "needed"
) -> Regions:
    """The regions of an image that are large enough to draw from.

    Parameters
    ----------
    labels : (H, W) category of each pixel, `VOID` (-1) where there is none
    regions : (H, W) region of each pixel, at least 0; a region's pixels share one label. Where `labels` is void,
        `UNKNOWN` (-2) leaves a pixel out
    min_area : smaller regions are dropped, pixels
    void : `needed` adds the void pixels as one more region where there is a single label, `always` does so everywhere,
        `never` nowhere

    Returns
    -------
    Regions; the void one, if any, is the last

    Examples
    --------
    >>> labels = np.array([[4, 4, 4, 9, 9, -1]], np.int32)
    >>> regions = find_regions(labels, labels)
    >>> regions.labels.tolist(), [len(pixels) for pixels in regions.pixels]
    ([4, 9], [3, 2])
    """
    flat = np.where(labels.ravel() == VOID, np.where(regions.ravel() == UNKNOWN, UNKNOWN, VOID), regions.ravel())
    order = np.argsort(flat, kind="stable")
    numbers, starts = np.unique(flat[order], return_index=True)
    pixels_of = dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True))
    void_pixels = pixels_of.pop(VOID, order[:0])
    pixels_of.pop(UNKNOWN, None)
    large = {number: piece for number, piece in pixels_of.items() if len(piece) >= min_area}
    region_labels = [int(labels.flat[piece[0]]) for piece in large.values()]
    take_void = void == "always" or (void == "needed" and len(set(region_labels)) == 1)
    if take_void and len(void_pixels) >= min_area:
        large[VOID] = void_pixels
        region_labels.append(VOID)
    return Regions(
        labels.shape[1],
        [piece.astype(np.int64) for piece in large.values()],
        np.array(region_labels, np.int64),
        np.array(list(large), np.int64),
    )


def draw(regions: Regions, params: SamplingParams, rng: np.random.Generator) -> Samples:
    """Draw `params.samplings` times: different regions, at least two labels among them, pixels with replacement.

    Raises
    ------
    DatasetError : the image has fewer than two labels to compare, or only void

    Examples
    --------
    >>> labels = np.array([[4, 4, 4, 9, 9, -1]], np.int32)
    >>> samples = draw(find_regions(labels, labels), SamplingParams(pixels=100), np.random.default_rng(0))
    >>> samples.points.shape, samples.labels.shape  # ten samplings of two regions
    ((10, 200, 2), (10, 200))
    """
    label_numbers = np.unique(regions.labels[regions.labels != VOID])
    if regions.distinct < 2 or not len(label_numbers):
        raise DatasetError(
            f"An image needs two labels to compare; this one has {regions.distinct} of at least the minimum area."
        )
    points, labels, parts = [], [], []
    for _ in range(params.samplings):
        chosen = _choose(regions.labels, params.instances, rng)
        flat = np.concatenate([rng.choice(regions.pixels[k], params.pixels) for k in chosen])
        points.append(np.stack([flat % regions.width, flat // regions.width], 1))
        labels.append(np.repeat(regions.labels[chosen], params.pixels))
        parts.append(np.repeat(regions.numbers[chosen], params.pixels))
    return Samples(np.stack(points), np.stack(labels), np.stack(parts))


def _choose(labels: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """`count` regions, or all where there are fewer, of at least two labels."""
    chosen = rng.permutation(len(labels))[:count]
    if np.all(labels[chosen] == labels[chosen[0]]):
        others = np.flatnonzero(labels != labels[chosen[0]])
        chosen[-1] = rng.choice(others)
    return chosen


@dataclass(frozen=True)
class Probe:
    """Pixels at which an image is judged: `points` (P, 2) int64, x then y, and the label of each, (P,) int64."""

    points: NDArray[np.int64]
    labels: NDArray[np.int64]


def choose_probe(
    labels: NDArray[np.int32], rng: np.random.Generator, *, regions: int = 8, pixels: int = 80, min_area: int = 64
) -> Probe | None:
    """Up to `regions` labels of an image, `pixels` of each, none twice, or all where there are fewer; void is left out.

    Returns None where fewer than two labels have `min_area` pixels.
    """
    flat = labels.ravel()
    kinds, counts = np.unique(flat[flat != VOID], return_counts=True)
    kinds = kinds[counts >= min_area]
    if len(kinds) < 2:
        return None
    chosen = rng.permutation(kinds)[:regions]
    drawn = []
    for kind in chosen:
        own = np.flatnonzero(flat == kind)
        drawn.append(rng.choice(own, min(pixels, len(own)), replace=False))
    places = np.concatenate(drawn)
    points = np.stack([places % labels.shape[1], places // labels.shape[1]], 1).astype(np.int64)
    return Probe(points, flat[places].astype(np.int64))
