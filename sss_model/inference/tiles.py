"""Backbones that cannot be cut into bands: the whole image at once, or overlapping tiles where memory forbids that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sss_model.inference.plan import OVERLAP, OverlappingTile, tile_side, tiles_of
from sss_model.network.backbone import Backbone
from sss_model.network.grid_maps import BranchMaps, FeatureNet, GridMap
from sss_model.progress import Progress


def tileable(network: FeatureNet) -> bool:
    """Whether the network's grids lie on whole pixels, so that tiles' maps can be stitched."""
    return isinstance(network.backbone, Backbone)


def multiple_of(network: FeatureNet) -> int:
    """What the sides of this network's images are padded to."""
    return network.backbone.multiple if isinstance(network.backbone, Backbone) else 1


class TiledRun:
    """The branch maps of one image, tile by tile; after a failure `run` goes on where it stopped.

    Attributes
    ----------
    maps : each branch's map of the whole image, stitched on its own grid
    side : of the tiles in pixels; 0 where the whole image goes at once
    """

    def __init__(
        self,
        network: FeatureNet,
        image: NDArray[np.floating[Any]],
        tile: int,
        free: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._network, self._image, self._device, self._dtype = network, image, device, dtype
        self._size = (image.shape[0], image.shape[1])
        self.side = tile_side(self._size, tile, free, tileable(network))
        self._maps: list[GridMap] | None = None
        self._todo: list[OverlappingTile] = self._cut(self.side)
        self._count = 0

    @property
    def maps(self) -> BranchMaps:
        if self._maps is None:
            raise RuntimeError("The branch maps are asked for before they are there.")
        return BranchMaps(self._maps, self._size)

    def _cut(self, side: int) -> list[OverlappingTile]:
        if not side:
            whole = (0, 0, *self._size)
            return [OverlappingTile(whole, whole)]
        return list(tiles_of(self._size, side, OVERLAP, multiple_of(self._network)))

    def run(self, progress: Progress) -> None:
        """Do what is left. Raises `Cancelled` between layers."""
        while self._todo:
            total = self._count + len(self._todo)
            part = progress.part(self._count / total, (self._count + 1) / total, "network")
            tile = self._todo[0]
            top, left, bottom, right = tile.seen
            values = torch.from_numpy(np.array(self._image[top:bottom, left:right], np.float32))
            batch = values.permute(2, 0, 1)[None].to(self._device, self._dtype)
            with _Watched(self._network.backbone, part.report):
                found = self._network.branches(batch).maps
            if tile.kept == (0, 0, *self._size):
                self._maps = found
            else:
                self._stitch(tile, found)
            self._todo.pop(0)
            self._count += 1

    def _stitch(self, tile: OverlappingTile, found: list[GridMap]) -> None:
        """Copy a tile's maps to their places; tiles' edges lie on whole cells of every grid."""
        if self._maps is None:
            self._maps = [self._empty_like(grid) for grid in found]
        for whole, part in zip(self._maps, found, strict=True):
            target, source = [], []
            for axis in (0, 1):
                stride, cells = int(part.stride[axis]), whole.values.shape[axis + 2]
                first, last = tile.kept[axis] // stride, tile.kept[axis + 2] // stride
                last = cells if tile.kept[axis + 2] == self._size[axis] else last
                offset = tile.seen[axis] // stride
                target.append(slice(first, last))
                source.append(slice(first - offset, last - offset))
            whole.values[:, :, target[0], target[1]] = part.values[:, :, source[0], source[1]]

    def _empty_like(self, grid: GridMap) -> GridMap:
        multiple = multiple_of(self._network)
        cells = [-(-side // multiple) * multiple // int(s) for side, s in zip(self._size, grid.stride, strict=True)]
        return GridMap(grid.values.new_empty((1, grid.values.shape[1], *cells)), grid.stride, grid.centre)

    def halve(self) -> bool:
        """Go on with tiles of half the side; False where that is not possible. Finished tiles stay."""
        if not tileable(self._network):
            return False
        side = (self.side or max(self._size)) // 2
        if side < 2 * multiple_of(self._network):
            return False
        rest = {tile.kept for tile in self._todo}
        self.side = -(-side // multiple_of(self._network)) * multiple_of(self._network)
        self._todo = [tile for tile in self._cut(self.side) if any(_meets(tile.kept, other) for other in rest)]
        return True

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        """Go on on another device with what is finished."""
        self._device, self._dtype = device, dtype
        if self._maps is not None:
            self._maps = [GridMap(grid.values.to(device, dtype), grid.stride, grid.centre) for grid in self._maps]


def _meets(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


class _Watched:
    """While open, every convolution and linear layer of `module` reports how many of them have run."""

    def __init__(self, module: nn.Module, report: Callable[[float], None]) -> None:
        self._layers = [layer for layer in module.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
        self._report, self._done = report, 0

    def __enter__(self) -> None:
        self._hooks = [layer.register_forward_pre_hook(self._count) for layer in self._layers]

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _count(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._report(min(self._done / max(len(self._layers), 1), 1.0))
        self._done += 1
