"""A small convolutional network that knows what a thing is: from a picture's features and the marks to mask logits.

As in interactive segmentation (Sofiiuk et al., "RITM", 2021) the marks and the matte so far are planes beside the
picture's. Unlike the judge's cues the features go in as they are, so it goes with the model whose features it was
taught with; it tells these by where they lie, and is silent about others. `packaging/train_decoder.py` makes its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from sss_model.array_types import Doubles, Floats, Indices
from sss_model.matting.one_thread import one_thread
from sss_model.storage.shipped_files import resource

WEIGHTS = "click_decoder.safetensors"
CELLS = 64  # the long side of its grid
DIMENSIONS = 128  # of the features that it knows
COMPONENTS = 48  # of them that it looks at
_PLANES = 17
_WIDTHS = 24, 40, 64  # channels at the grid, at half and at a quarter of it
_DILATIONS = 1, 2, 4, 1
_SAID = 64
_NEIGHBOURS = 128  # marked cells that others are compared with
_MARKED = 0.2  # of a cell, that makes it a marked one
COLOUR = 3.0
_NONE = 2.0, 1.5  # the distance in features and in colours to what is nowhere
_STRANGE = 0.15  # of the features' length beside the known components: more is another model's
_SPREAD = 0.2, 5.0  # of the features in those components, where 1 is usual


def _layer(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation)


class ClickDecoder(nn.Module):
    """Cells of a picture (N, COMPONENTS + 3, h, w) and what marks say of it -> mask logits (N, h, w).

    Attributes
    ----------
    mean, axes : (D,) and (D, COMPONENTS) float32: a feature's components are (f - mean) @ axes, of mean square 1
    """

    mean: Tensor
    axes: Tensor

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = _WIDTHS
        self.register_buffer("mean", torch.zeros(DIMENSIONS))
        self.register_buffer("axes", torch.zeros(DIMENSIONS, COMPONENTS))
        self.embed = nn.Conv2d(COMPONENTS + 3, fine, 1)
        self.enter = _layer(fine + _PLANES, fine)
        self.down_middle, self.middle = _layer(fine, middle, 2), _layer(middle, middle)
        self.down_coarse = _layer(middle, coarse, 2)
        self.coarse = nn.ModuleList(_layer(coarse, coarse, dilation=dilation) for dilation in _DILATIONS)
        self.said = nn.Linear(4 * COMPONENTS + 2, _SAID)
        self.shifts = nn.ModuleList(nn.Linear(_SAID, width) for width in _WIDTHS)
        self.everywhere = nn.Linear(coarse, coarse)
        self.up_middle, self.out_middle = nn.Conv2d(coarse, middle, 1, bias=False), _layer(middle, middle)
        self.up_fine, self.out_fine = nn.Conv2d(middle, fine, 1, bias=False), _layer(fine, fine)
        self.logits = nn.Conv2d(fine, 1, 1)

    def forward(self, embedding: Tensor, planes: Tensor, said: Tensor) -> Tensor:
        """Logits (N, h, w) from `embed` of the cells (N, C, h, w), and `Prompt`'s planes (N, P, h, w) and means."""
        heard = F.relu(self.said(said))
        shifts = [shift(heard)[:, :, None, None] for shift in self.shifts]
        fine = F.relu(self.enter(torch.cat([embedding, planes], 1)) + shifts[0])
        middle = F.relu(self.down_middle(fine) + shifts[1])
        middle = F.relu(middle + self.middle(middle))
        coarse = F.relu(self.down_coarse(middle) + shifts[2])
        for number, layer in enumerate(self.coarse):
            if number == len(_DILATIONS) // 2:
                coarse = coarse + self.everywhere(coarse.mean((2, 3)))[:, :, None, None]
            coarse = F.relu(coarse + layer(coarse))
        middle = F.relu(middle + _enlarged(self.up_middle(coarse), middle))
        middle = F.relu(middle + self.out_middle(middle))
        fine = F.relu(fine + _enlarged(self.up_fine(middle), fine))
        fine = F.relu(fine + self.out_fine(fine))
        return cast(Tensor, self.logits(fine))[:, 0]


def _enlarged(values: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(values, size=like.shape[2:], mode="bilinear", align_corners=False)


@dataclass(frozen=True, eq=False)
class Prompt:
    """What marks say, on the cells.

    Attributes
    ----------
    keep, drop, last : (h, w) float32, how much of each cell marks said to keep and to drop, and the last one covers
    sign : 1 where the last one said to keep, else -1
    before : (h, w) float32 in [0, 1], the matte so far; None: there is none
    boxed : whether a box says where the rest begins
    """

    keep: Floats
    drop: Floats
    last: Floats
    sign: float
    before: Floats | None
    boxed: bool


def prompt_planes(components: Floats, colours: Floats, now: Prompt) -> tuple[Floats, Floats]:
    """Planes (P, h, w) and a vector (S,), as the network takes them.

    Parameters
    ----------
    components : (h, w, COMPONENTS) float32 of the cells' features
    colours : (h, w, 3) float32, Lab / 100
    """
    h, w = now.keep.shape
    features, lab = components.reshape(h * w, -1), colours.reshape(h * w, -1)
    marked = [plane > _MARKED for plane in (now.keep, now.drop, now.last)]
    far = [_distances(mask) for mask in marked]
    unlike = [_nearest(features, mask, _NONE[0] * COMPONENTS**0.5) / COMPONENTS**0.5 for mask in marked]
    other = [COLOUR * _nearest(lab, mask, _NONE[1] / COLOUR) for mask in marked[:2]]
    before = np.full((h, w), 0.5, np.float32) if now.before is None else now.before
    started = now.before is not None
    planes = [
        now.keep, now.drop, *(np.exp(-far[k] / reach) for k in (0, 1) for reach in (5, 25)),
        *(now.sign * np.exp(-far[2] / reach) for reach in (3, 15)), 2 * before - 1, started, now.boxed,
        *unlike, *other, now.sign,
    ]  # fmt: skip
    means = [plane.ravel() @ features / max(float(plane.sum()), 1e-6) for plane in (now.keep, now.drop, before)]
    return (
        np.stack([np.broadcast_to(plane, (h, w)) for plane in planes]).astype(np.float32),
        np.concatenate([*means, features.mean(0), [started, now.boxed]]).astype(np.float32),
    )


def _distances(mask: NDArray[np.bool_]) -> Floats:
    """(h, w) float32: to the nearest cell of `mask`, in cells."""
    if not mask.any():
        return np.full(mask.shape, 1e3, np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def _nearest(values: Floats, mask: NDArray[np.bool_], none: float) -> Floats:
    """(h, w): from each cell's of `values` (h * w, C) to the nearest of those in `mask` (h, w); `none` without any."""
    chosen = np.flatnonzero(mask)
    if not len(chosen):
        return np.full(mask.shape, none, np.float32)
    if len(chosen) > _NEIGHBOURS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, _NEIGHBOURS).astype(np.intp)]
    others = values[chosen]
    squares = values @ (-2 * others.T)
    squares += (others**2).sum(1)
    nearest: Floats = np.sqrt(np.maximum(squares.min(1) + (values**2).sum(1), 0)).reshape(mask.shape)
    return nearest


@dataclass(frozen=True, eq=False)
class Embedding:
    """What the network sees of a picture whatever the marks, on h x w cells.

    Attributes
    ----------
    labels : (rows, columns) the superpixels, K of them, on the picture's grid
    covers : (h * w, K), the share of each superpixel in each cell
    components, colours : (h, w, COMPONENTS) and (h, w, 3) float32
    planes : (1, C, h, w), of the network's first layer
    """

    labels: Indices
    covers: sp.csr_matrix
    components: Floats
    colours: Floats
    planes: Tensor

    @torch.no_grad()
    def odds(self, marks: NDArray[np.int8], under: Indices, keep: bool, before: Doubles | None, boxed: bool) -> Doubles:
        """(K,): log p / (1 - p) of each superpixel, the mean of the picture's and its mirror image's.

        Parameters
        ----------
        marks : (K,), 1 where a mark said to keep, -1 to drop, 0 elsewhere
        under, keep : the superpixels of the last mark, and what it said
        before : (K,) in [0, 1], the matte so far; None: there is none
        boxed : whether a box says where the rest begins
        """
        last = np.zeros(len(marks))
        last[under] = 1
        prompt = Prompt(
            self._painted(marks > 0), self._painted(marks < 0), self._painted(last), 1.0 if keep else -1.0,
            None if before is None else self._painted(before), boxed,
        )  # fmt: skip
        planes, said = (torch.from_numpy(x)[None] for x in prompt_planes(self.components, self.colours, prompt))
        both = (torch.cat([values, values.flip(-1)]) for values in (self.planes, planes))
        with one_thread("openmp"):
            logits, mirrored = shipped_decoder()(*both, said.expand(2, -1))
        rows, columns = self.labels.shape
        mean = ((logits + mirrored.flip(-1)) / 2).numpy()
        fine = cv2.resize(mean, (columns, rows), interpolation=cv2.INTER_LINEAR)
        means: Doubles = np.bincount(self.labels.ravel(), fine.ravel()) / np.bincount(self.labels.ravel())
        return means

    def _painted(self, values: NDArray[Any]) -> Floats:
        """(h, w) float32: the mean of the superpixels' `values` (K,) in each cell."""
        cells: Floats = (self.covers @ values).reshape(self.colours.shape[:2]).astype(np.float32)
        return cells


@torch.no_grad()
def embedding_of(labels: Indices, features: Doubles, colours: Doubles, shares: Doubles) -> Embedding | None:
    """The picture's part of the computation; None where the features are not those of the model it knows.

    Parameters
    ----------
    labels : (rows, columns) the superpixels
    features, colours : (K, D) and (K, 3) float64: their features as they came, and Lab / 100
    shares : (K,) float64, parts of the picture, of sum 1
    """
    if features.shape[1] != DIMENSIONS:
        return None
    net = shipped_decoder()
    centred = features - net.mean.numpy()
    components = centred @ net.axes.numpy()
    if not _known(centred, components, shares):
        return None
    covers, size = _covers(labels)
    cells = (covers @ np.hstack([components, colours - shares @ colours])).astype(np.float32).reshape(*size, -1)
    seen = cells * np.repeat([1, COLOUR], [COMPONENTS, 3]).astype(np.float32)
    planes = net.embed(torch.from_numpy(np.moveaxis(seen, 2, 0)[None]).contiguous(memory_format=torch.channels_last))
    of_features, of_colours = (np.ascontiguousarray(part) for part in np.split(cells, [COMPONENTS], axis=2))
    return Embedding(labels, covers, of_features, of_colours, planes)


def _known(centred: Doubles, components: Doubles, shares: Doubles) -> bool:
    """Whether features lie where those of the model do: nearly all of them in the components, of the usual spread."""
    axes = shipped_decoder().axes.numpy()
    back = components @ np.linalg.pinv(axes)
    length, beside = (float(shares @ (values**2).sum(1)) for values in (centred, centred - back))
    spread = float(shares @ (components**2).mean(1))
    return beside <= _STRANGE * length and _SPREAD[0] <= spread <= _SPREAD[1]


def _covers(labels: Indices) -> tuple[sp.csr_matrix, tuple[int, int]]:
    """The share of each superpixel in each cell, (h * w, K), and (h, w)."""
    (rows, columns), count = labels.shape, int(labels.max()) + 1
    scale = min(1.0, CELLS / max(rows, columns))
    h, w = max(1, round(rows * scale)), max(1, round(columns * scale))
    cell = (np.arange(rows) * h // rows)[:, None] * w + np.arange(columns) * w // columns
    counts = sp.csr_matrix((np.ones(labels.size), (cell.ravel(), labels.ravel())), shape=(h * w, count))
    return sp.diags(1 / np.bincount(cell.ravel(), minlength=h * w)) @ counts, (h, w)


@lru_cache(maxsize=1)
def shipped_decoder() -> ClickDecoder:
    """The one that comes with the program."""
    return read_decoder(resource(WEIGHTS))


def read_decoder(path: Path) -> ClickDecoder:
    """The decoder in the file `path`, as float32 and in the evaluation mode."""
    net = ClickDecoder()
    net.load_state_dict(load_file(path))
    return net.to(memory_format=torch.channels_last).eval().requires_grad_(False)
