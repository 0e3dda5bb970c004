"""Regions of one picture laid over another: borders that are exact, and neighbours that no photograph shows.

Simple Copy-Paste (Ghiasi et al. 2021): where few pictures have labels, pasted regions give many more pairs of labels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sss_model.datasets.dataset import Example
from sss_model.datasets.pair_sampling import VOID

MOST_AREA = 0.4  # of the picture that is pasted onto: a larger region would hide it
_SOFTNESS = 0.7  # pixels: standard deviation of the seam
_MOST_REGIONS = 2


def paste_regions(
    example: Example, donor: Example, rng: np.random.Generator, *, min_area: int = 64, same_labels: bool = True
) -> Example:
    """`example` with one or two regions of `donor` laid over it at random places.

    Parameters
    ----------
    example, donor : pictures of any two sizes
    min_area : smaller regions of the donor stay where they are, pixels; so do those over 0.4 of the example
    same_labels : whether a label means the same in both; else what is pasted gets labels of its own

    Returns
    -------
    Example; the one that was given where the donor has no region that fits
    """
    numbers, areas = np.unique(donor.regions[donor.labels != VOID], return_counts=True)
    fit = numbers[(areas >= min_area) & (areas <= MOST_AREA * example.labels.size)]
    for number in rng.permutation(fit)[: rng.integers(1, _MOST_REGIONS + 1)]:
        mask = (donor.regions == number) & (donor.labels != VOID)
        label = int(donor.labels[mask][0])
        example = _paste(example, donor.picture, mask, label if same_labels else int(example.labels.max()) + 1, rng)
    return example


def _paste(
    example: Example, picture: Image.Image, mask: NDArray[np.bool_], label: int, rng: np.random.Generator
) -> Example:
    """`example` with the pixels of `picture` in `mask` somewhere upon it, as a region of its own."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    height, width = example.labels.shape
    y, x = _place(bottom - top, height, rng), _place(right - left, width, rng)
    seen = np.s_[max(0, -y) : height - y, max(0, -x) : width - x]  # of the region's box, what the example can hold
    box = mask[top:bottom, left:right][seen]
    under = np.s_[max(0, y) : max(0, y) + box.shape[0], max(0, x) : max(0, x) + box.shape[1]]
    labels, regions = example.labels.copy(), example.regions.copy()
    labels[under][box] = label
    regions[under][box] = int(regions.max()) + 1
    soft = np.zeros((height, width), np.uint8)
    soft[under][box] = 255
    alpha = Image.fromarray(soft).filter(ImageFilter.GaussianBlur(_SOFTNESS))
    result = example.picture.copy()
    shifted = picture.crop((left - x, top - y, left - x + width, top - y + height))
    result.paste(shifted, (0, 0), alpha)
    return Example(example.name, result, labels, regions)


def _place(length: int, available: int, rng: np.random.Generator) -> int:
    """Where a stretch of `length` begins: inside where it fits, else so that it covers all there is."""
    spare = available - length
    return int(rng.integers(min(spare, 0), max(spare, 0) + 1))
