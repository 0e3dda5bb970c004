"""Components of a picture, soft or hard, that are grouped into layers: on the grid, at full size, and a part of it."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from sss_gui.requests.segments import Groups
from sss_model.filtering.lift import GuidedLift
from sss_model.filtering.resize import resize
from sss_model.params.layers import SegmentParams
from sss_model.progress import Progress
from sss_model.segmentation import SoftSegments
from sss_model.segmentation.comparisons import HardSegmentation
from sss_model.segmentation.inputs import grid_image
from sss_model.segmentation.sparsify import normalised
from sss_model.segmentation.upsample import EPS, RADIUS
from sss_model.sequence.tracks import matching_layers, tracks_of

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]

STRIPE = 2**18  # pixels of a part that are made at once: 4 numbers of each of up to 16 layers are held for them
_KEPT = 6  # groupings of a picture that a user goes back and forth between
_MOST_LAYERS = SegmentParams.__dataclass_fields__["layers"].metadata["high"]
_LOW, _HIGH = 0.1, 0.9  # what a sum of components counts as nothing below, and as all above


class LayerSource(Protocol):
    """Components of one picture.

    Attributes
    ----------
    image : (H, W, 3) float32 RGB in [0, 1]
    grid : (h, w, 3) float32, the same on the working grid
    shares : each component's share of the picture
    groupings, merges, names : as `SegmentsResult` has them
    nbytes : of memory that it holds
    """

    grid: Floats
    groupings: tuple[Groups, ...]
    merges: tuple[tuple[int, int], ...]
    names: tuple[str, ...]

    @property
    def image(self) -> Floats: ...

    @property
    def shares(self) -> tuple[float, ...]: ...

    @property
    def nbytes(self) -> int: ...

    def at_once(self, groups: Groups) -> Floats | None:
        """(h, w, N) of sum 1 in an instant, not yet the layers themselves; None where these are known already."""

    def on_grid(self, groups: Groups, progress: Progress) -> Floats:
        """(h, w, N) of sum 1."""

    def at_full_size(self, groups: Groups, progress: Progress) -> Floats:
        """(H, W, N) of sum 1."""

    def part(self, groups: Groups, box: Box, step: int) -> Floats:
        """(rows, columns, N): the pixels of `box` (x0, y0, x1, y1), or their means of `step` a side."""


class SoftLayers:
    """Layers of soft segments or of spectral matting."""

    def __init__(self, segments: SoftSegments, image: Floats, side: int) -> None:
        none = np.empty((0, 0), np.float32)  # 100 vectors as large as the grid, which nobody asks for again
        self._segments = replace(segments, eigenvectors=none)
        self._known: OrderedDict[Groups, SoftSegments] = OrderedDict()
        self._models: tuple[Groups, Tensor] | None = None
        self.image, self.grid = image, grid_image(image, side).numpy()
        self.shares = tuple(float(share) for share in segments.tree.shares)
        self.groupings = _groupings(segments)
        self.merges = tuple((int(a), int(b)) for a, b in segments.tree.merges)
        self.names: tuple[str, ...] = ()
        first = segments.grid_alphas.shape[2]
        self._keep(self.groupings[first - 1], self._segments)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it holds, the sparse matrices not counted."""
        grids = sum(known.grid_alphas.nbytes for known in self._known.values())
        return self.image.nbytes + self.grid.nbytes + self._segments.components.nbytes + grids

    def at_once(self, groups: Groups) -> Floats | None:
        """The sums of the components, nearly 0 and 1 made so."""
        if groups in self._known:
            return None
        sums = summed(self._segments.components, groups)
        np.clip(sums, 0, 1, out=sums)
        sums[sums < _LOW], sums[sums > _HIGH] = 0, 1
        total = sums.sum(axis=2, keepdims=True)
        return np.asarray(np.where(total > 0, sums / np.maximum(total, 1e-6), 1 / sums.shape[2]), np.float32)

    def on_grid(self, groups: Groups, progress: Progress) -> Floats:
        """The layers as `SoftSegments.grouped` has them; the last few groupings are remembered."""
        return self._grouped(groups, progress).grid_alphas

    def at_full_size(self, groups: Groups, progress: Progress) -> Floats:
        """The layers along the photograph's edges, made anew: they may be larger than all else."""
        return replace(self._grouped(groups, progress.part(0.0, 0.5))).alphas

    def part(self, groups: Groups, box: Box, step: int) -> Floats:
        """A part of what `at_full_size` gives; with a `step` above 1 of the photograph reduced by it."""
        return lifted_part(self._colour_models(groups), self.image, box, step)

    def matched_to(self, other: SoftLayers, groups: Groups) -> Groups:
        """For each component the layer of another frame's `groups` that it goes to; nothing for frames of two sizes."""
        if other.grid.shape != self.grid.shape:
            return ()
        before = tracks_of(other.image, other._grouped(groups, Progress()))
        return tuple(matching_layers(before, self.image, self._segments).tolist())

    def _colour_models(self, groups: Groups) -> Tensor:
        if self._models is None or self._models[0] != groups:
            self._models = groups, models_of(self._grouped(groups, Progress()).grid_alphas, self.grid)
        return self._models[1]

    def _grouped(self, groups: Groups, progress: Progress) -> SoftSegments:
        known = self._known.get(groups)
        if known is None:
            known = self._segments.grouped(np.array(groups, np.intp), progress=progress)
        return self._keep(groups, known)

    def _keep(self, groups: Groups, segments: SoftSegments) -> SoftSegments:
        self._known[groups] = segments
        self._known.move_to_end(groups)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return segments


class HardLayers:
    """Layers of a segmentation with hard borders; its own layers are the components."""

    def __init__(self, hard: HardSegmentation, image: Floats, side: int) -> None:
        self._labels = hard.labels
        self.image, self.grid = image, grid_image(image, side).numpy()
        self.names = hard.names
        self.merges: tuple[tuple[int, int], ...] = ()
        size = (int(self.grid.shape[0]), int(self.grid.shape[1]))
        masks = (resize(np.asarray(hard.labels == k, np.float32)[..., None], size) for k in range(len(hard.names)))
        self._on_grid = np.concatenate(list(masks), axis=2)
        counts = np.bincount(hard.labels.ravel(), minlength=len(hard.names))
        self.shares = tuple(float(count) / hard.labels.size for count in counts)
        self.groupings: tuple[Groups, ...] = (tuple(range(len(hard.names))),)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it holds."""
        return self.image.nbytes + self.grid.nbytes + self._labels.nbytes + self._on_grid.nbytes

    def at_once(self, groups: Groups) -> None:
        """Nothing: the layers themselves are there in an instant."""

    def on_grid(self, groups: Groups, progress: Progress) -> Floats:
        """The masks, averaged over the grid's cells."""
        return np.clip(summed(self._on_grid, groups), 0, 1)

    def at_full_size(self, groups: Groups, progress: Progress) -> Floats:
        """0 or 1 at every pixel."""
        return self._masks(groups, self._labels)

    def part(self, groups: Groups, box: Box, step: int) -> Floats:
        """The masks at every `step`-th pixel of the box."""
        x0, y0, x1, y1 = box
        return self._masks(groups, self._labels[y0 + step // 2 : y1 : step, x0 + step // 2 : x1 : step])

    def _masks(self, groups: Groups, labels: NDArray[Any]) -> Floats:
        layer = np.array(groups)[labels]
        return np.asarray(layer[..., None] == np.arange(max(groups) + 1), np.float32)


def summed(components: Floats, groups: Groups) -> Floats:
    """(h, w, N): the sums of `components` (h, w, K) in each of N groups."""
    joins = np.zeros((components.shape[2], max(groups) + 1), np.float32)
    joins[np.arange(len(groups)), list(groups)] = 1
    sums: Floats = components @ joins
    return sums


def models_of(alphas: Floats, grid: Floats, *, radius: int = RADIUS, eps: float = EPS) -> Tensor:
    """(N, 4, h, w): each of `alphas` (h, w, N) as a linear function of the colours of `grid` (h, w, 3)."""
    fits = GuidedLift(grid, radius=radius, eps=eps).coefficients(alphas)
    constant = fits.planes[0] - (fits.planes[1:] * torch.from_numpy(fits.centre)[:, None, None, None]).sum(0)
    return torch.cat([fits.planes[1:], constant[None]]).transpose(0, 1)


def lifted_part(models: Tensor, image: Floats, box: Box, step: int) -> Floats:
    """(rows, columns, N) of sum 1: a part of what `upsample_layers` makes of the whole `image` (H, W, 3).

    Parameters
    ----------
    models : (N, 4, h, w), of layers on the grid
    box : (x0, y0, x1, y1) in pixels of the image
    step : how many of these go into one a side
    """
    height, width = image.shape[:2]
    rows, columns, colours = _reduced(image, box, step)
    part = np.empty((len(rows), len(columns), models.shape[0]), np.float32)
    stripe = max(1, STRIPE // len(columns))
    for top in range(0, len(rows), stripe):
        these = slice(top, top + stripe)
        y, x = torch.from_numpy(rows[these] * (2 / height) - 1), torch.from_numpy(columns * (2 / width) - 1)
        part[these] = _applied(models, y, x, torch.from_numpy(colours[these]))
    return part


def _applied(models: Tensor, y: Tensor, x: Tensor, colours: Tensor) -> Floats:
    """(rows, columns, N): the `models` at rows y and columns x, from -1 to 1, of `colours` (rows, columns, 3)."""
    count = models.shape[0]
    places = torch.stack([*torch.meshgrid(y, x, indexing="ij")][::-1], dim=-1)[None].float()
    planes = models.reshape(1, count * 4, *models.shape[2:])
    model = grid_sample(planes, places, mode="bilinear", padding_mode="border", align_corners=False)[0]
    model = model.view(count, 4, *model.shape[1:])
    values = normalised((model[:, :3] * colours.movedim(2, 0)).sum(1) + model[:, 3])
    return np.asarray(values.permute(1, 2, 0).numpy(), np.float32)


def part_step(view_scale: float) -> int:
    """How many of the picture's pixels go into one pixel a side at `view_scale` screen pixels each."""
    return max(1, math.floor(1 / view_scale + 1e-6))


def _groupings(segments: SoftSegments) -> tuple[Groups, ...]:
    """The groups for 1, 2, ... layers, as far as there are more."""
    found: list[Groups] = []
    for count in range(1, _MOST_LAYERS + 1):
        groups = tuple(int(label) for label in segments.tree.groups(count))
        if max(groups) + 1 < count:
            break
        found.append(groups)
    return tuple(found)


def _reduced(image: Floats, box: Box, step: int) -> tuple[NDArray[Any], NDArray[Any], Floats]:
    """Middle rows and columns of the squares of `step` pixels a side in `box`, and the means of `image` over them."""
    x0, y0, x1, y1 = box
    down, across = max((y1 - y0) // step, 1), max((x1 - x0) // step, 1)
    rows = y0 + (np.arange(down) + 0.5) * step
    columns = x0 + (np.arange(across) + 0.5) * step
    part = image[y0 : y0 + down * step, x0 : x0 + across * step]
    if step == 1 or min(part.shape[:2]) < step:
        return rows, columns, np.ascontiguousarray(part[:down, :across], np.float32)
    means: Floats = part.reshape(down, step, across, step, 3).mean(axis=(1, 3), dtype=np.float32)
    return rows, columns, means
