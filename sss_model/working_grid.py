"""The working grid: the network sees a picture at the size that it was trained for, and features live at that size.

In a photograph of 12 megapixels an object is larger than the network's view, and its features are slow *and* worse. So
the picture is resized to a grid with a given long side; features, filter, components and clusters are computed there,
and `filtering.lift` brings what is shown or exported to full size along the picture's own edges.

The features of several scales of the picture may be averaged on the grid: coarse ones know what a thing is, fine ones
where it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import AnyFloats
from sss_model.errors import ParameterError
from sss_model.extractor import ExtractionResult, FeatureExtractor, check_image
from sss_model.filtering.lift import cells_under
from sss_model.filtering.resize import resize
from sss_model.params import GridParams, check_scales, grid_side
from sss_model.progress import Progress, silent

Size = tuple[int, int]


@dataclass(frozen=True)
class WorkingGrid:
    """A grid over a picture, and the map between the two.

    Pixel and cell centres lie at halves and the outer edges coincide: a point x of the picture is at
    (x + 1/2) w / W - 1/2 of the grid.

    Attributes
    ----------
    picture : (H, W) of the picture in pixels
    size : (h, w) of the grid in cells
    """

    picture: Size
    size: Size

    def __post_init__(self) -> None:
        for name, size in (("picture", self.picture), ("grid", self.size)):
            if min(size) < 1:
                raise ParameterError(f"The {name} must be (H, W) of at least 1 pixel each, got {size}.")

    @property
    def is_native(self) -> bool:
        """Whether a cell is a pixel."""
        return self.picture == self.size

    def to_grid(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Points (..., 2) of the picture, x then y in pixels, as points of the grid in cells."""
        factor = np.array([self.size[1] / self.picture[1], self.size[0] / self.picture[0]])
        at: NDArray[np.float64] = (np.asarray(points, np.float64) + 0.5) * factor - 0.5
        return at

    def cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row (H, 1) and column (1, W) of the cell under the centre of each of the picture's pixels."""
        rows, columns = map(cells_under, self.picture, self.size)
        return rows[:, None], columns[None]

    def sample(self, values: AnyFloats, points: NDArray[Any]) -> NDArray[np.float32]:
        """What `values` (h, w, C) on the grid are at `points` (P, 2) of the picture, bilinear: (P, C) float32."""
        if values.shape[:2] != self.size:
            raise ParameterError(f"values must have shape ({self.size[0]}, {self.size[1]}, C), got {values.shape}.")
        at = self.to_grid(points)
        limit = np.array([self.size[1] - 1, self.size[0] - 1])
        at = at.clip(0, limit)
        low = np.floor(at).astype(np.int64)
        high = np.minimum(low + 1, limit)
        part = (at - low).astype(np.float32)
        (x0, y0), (x1, y1), (fx, fy) = low.T, high.T, part.T[..., None]
        above = values[y0, x0] * (1 - fx) + values[y0, x1] * fx
        below = values[y1, x0] * (1 - fx) + values[y1, x1] * fx
        return np.asarray(above * (1 - fy) + below * fy, np.float32)

    def guide(self, image: AnyFloats) -> NDArray[np.float32]:
        """`image` (H, W, 3), RGB in [0, 1], on the grid: (h, w, 3) float32, its range kept."""
        if image.shape[:2] != self.picture:
            raise ParameterError(f"image must be {self.picture[0]} x {self.picture[1]} pixels, got {image.shape[:2]}.")
        return _resized_image(image, self.size)

    def to_dict(self) -> dict[str, list[int]]:
        """Both sizes (H, W), as a record beside an export states the map."""
        return {"picture": list(self.picture), "grid": list(self.size)}


def choose_grid(picture: Size, size: str | int = "auto") -> WorkingGrid:
    """The grid for a `picture` (H, W).

    Parameters
    ----------
    size : the grid's long side in cells; `auto` chooses it by the picture's size, `native` takes every pixel

    Examples
    --------
    >>> choose_grid((3000, 4000), 640).size
    (480, 640)
    """
    height, width = picture
    if min(picture) < 1:
        raise ParameterError(f"The picture must be (H, W) of at least 1 pixel each, got {picture}.")
    factor = grid_side(size, max(picture)) / max(picture)
    return WorkingGrid((height, width), (max(1, round(height * factor)), max(1, round(width * factor))))


@dataclass(frozen=True, eq=False)
class GridFeatures:
    """Features of a picture on its working grid.

    Attributes
    ----------
    grid : the map between grid and picture
    features : (h, w, D) float32
    guide : (h, w, 3) float32, the picture on the grid
    device : where the computation was finished: cpu, cuda:0, mps ...
    record : checkpoint, parameters, grid, scales, device and notes, for the JSON beside an export
    notes : what was done when memory ran out, sentences for the user
    """

    grid: WorkingGrid
    features: AnyFloats
    guide: NDArray[np.float32]
    device: str
    record: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SmallestScale:
    """What the network makes of the smallest of several scales: a fraction of the work, a rough idea of the whole.

    Attributes
    ----------
    scale : times the grid's size
    guide : (h, w, 3) float32, the picture at that scale
    result : its features (h, w, D)
    """

    scale: float
    guide: NDArray[np.float32]
    result: ExtractionResult


def extract_smallest(
    extractor: FeatureExtractor,
    image: NDArray[np.float32],
    params: GridParams,
    progress: Progress | None = None,
) -> SmallestScale | None:
    """The smallest scale of `image` (H, W, 3) under `params`, for `extract_grid` to go on from; None of one alone."""
    check_image(image)
    scale = min(params.network_scales)
    if len(params.network_scales) == 1:
        return None
    grid = choose_grid((image.shape[0], image.shape[1]), params.size)
    seen = _resized_image(image, _scaled(grid.size, scale))
    return SmallestScale(scale, seen, extractor.extract_with_record(seen, progress))


def extract_grid(
    extractor: FeatureExtractor,
    image: NDArray[np.float32],
    *,
    size: str | int = "auto",
    scales: Sequence[float] = (),
    smallest: SmallestScale | None = None,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> GridFeatures:
    """Features of `image` on its working grid.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]
    size : the grid's long side in cells, `auto` or `native`
    scales : the network sees the picture at each of these times the grid's size; the features are averaged. None
        named: those that measured best, or 1 for `native`
    smallest : what `extract_smallest` made of the same; it is not computed again, and its features may be written over
    progress : may raise `Cancelled`
    note : told each sentence of the notes as it comes

    Raises
    ------
    ParameterError : a size or scale out of range, or an image that is none
    DeviceError : not enough memory

    Examples
    --------
    >>> found = extract_grid(FeatureExtractor(), image, size=640, scales=(0.5, 1))  # doctest: +SKIP
    >>> found.grid.sample(found.features, np.array([[1200, 800]])).shape  # doctest: +SKIP
    (1, 128)
    """
    check_image(image)
    check_scales(tuple(scales))
    params = GridParams(str(size), tuple(map(float, scales)))
    grid = choose_grid((image.shape[0], image.shape[1]), params.size)
    steps, guide = silent(progress), grid.guide(image)
    sizes = {scale: _scaled(grid.size, scale) for scale in sorted(params.network_scales)}
    work = np.cumsum([0.0, *(height * width for height, width in sizes.values())])
    notes: list[str] = []
    features: AnyFloats | None = None
    for number, (scale, shape) in enumerate(sizes.items()):
        part = steps.part(work[number] / work[-1], work[number + 1] / work[-1])
        if smallest is not None and scale == smallest.scale:
            result = smallest.result
        else:
            seen = guide if shape == grid.size else _resized_image(image, shape)
            result = extractor.extract_with_record(seen, part, note=note)
        common = shape if scale < 1 and number + 1 < len(sizes) else grid.size  # summed, then enlarged
        features = _sum(common, result.features, features)
        notes += [sentence for sentence in result.notes if sentence not in notes]
    if features is None:
        raise ParameterError("scales must name at least one scale.")
    if len(sizes) > 1:
        features /= np.float32(len(sizes))
    how = {**result.record["extract"], "size": params.size, "scales": list(params.network_scales)}
    record = {**result.record, "extract": how, "notes": notes, "grid": grid.to_dict()}
    return GridFeatures(grid, features, guide, result.device, record, tuple(notes))


def _resized_image(image: AnyFloats, size: Size) -> NDArray[np.float32]:
    """`image` at `size`, `image` itself where that is its size; a cubic's overshoot is cut off at the image's range."""
    if image.shape[:2] == size:
        return np.asarray(image, np.float32)
    resized = resize(image, size, enlarge="bicubic")
    grows = size[0] > image.shape[0] or size[1] > image.shape[1]
    return np.clip(resized, *((image.min(), image.max()) if grows else (0, 1)), out=resized)


def _sum(size: Size, values: AnyFloats, others: AnyFloats | None) -> AnyFloats:
    """`values` and `others`, each (h, w, D), at `size`; they may be written over."""
    values = values if values.shape[:2] == size else resize(values, size)
    if others is None:
        return values
    return np.add(values, others if others.shape[:2] == size else resize(others, size), out=values)


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
