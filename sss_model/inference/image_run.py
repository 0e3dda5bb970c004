"""One image through a network within the memory there is: what is finished survives a lack of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.errors import DeviceError, is_out_of_memory
from sss_model.inference.bands import BandPlan, CoarseRun, ImageRows
from sss_model.inference.head_run import Filler, HeadRun, PlainStripes, supplement_stripes
from sss_model.inference.memory import available_bytes, release
from sss_model.inference.tiles import TiledRun
from sss_model.network.backbone import Backbone
from sss_model.network.grid_maps import FeatureNet
from sss_model.network.supplement import SupplementNet
from sss_model.progress import Progress

log = logging.getLogger(__name__)

CPU = torch.device("cpu")
_APPROXIMATE = "This backbone sees less around a tile than around the whole: the features are approximate."
HEAD_WORK = 2.0  # time of the head over that of its last product, in the units of `segments.Cost`


class ImageRun:
    """The features of one image, from the network's coarse maps to the array that the caller gave.

    Parameters
    ----------
    network : on `device`, in `dtype`; moved to the CPU where the device's memory does not suffice
    image : (H, W, 3) RGB in [0, 1]
    out : (H, W, D) of any floating dtype, filled with the features
    plan : the bands of a backbone that can be cut; None runs it whole or in tiles
    tile : side in pixels of such tiles; 0 chooses

    Attributes
    ----------
    device : where the run is now; after `run`, where it was finished
    notes : what was done when memory ran out, sentences for the user
    """

    def __init__(
        self,
        network: FeatureNet,
        image: NDArray[np.float32],
        out: NDArray[np.floating[Any]],
        plan: BandPlan | None,
        *,
        tile: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._network, self._image, self._out = network, image, out
        self.device, self._dtype = device, dtype
        self.notes: list[str] = []
        pixels = image.shape[0] * image.shape[1]
        self._coarse: CoarseRun | TiledRun
        if plan is not None:
            self._coarse = CoarseRun(plan, self._rows())
            work = sum(plan.work())
        else:
            self._coarse = TiledRun(network, image, tile, available_bytes(device), device, dtype)
            if 0 < self._coarse.side < max(image.shape[:2]) and not tile:
                self.notes.append(f"Memory has room for tiles of {self._coarse.side} pixels only. {_APPROXIMATE}")
            work = 4e4 * pixels
        head_work = HEAD_WORK * network.params.hidden_channels * network.feature_channels * pixels
        self._coarse_share = work / (work + head_work)
        self._head: HeadRun | None = None

    def run(self, progress: Progress, note: Callable[[str], None] | None = None) -> None:
        """Fill `out`. Where memory runs out the pieces left are halved, and at last the CPU goes on from there.

        Parameters
        ----------
        progress : may raise `Cancelled`
        note : told each sentence of `notes` as it comes

        Raises
        ------
        DeviceError : even one row at a time there is not enough memory on the CPU
        """
        if note is not None:
            for sentence in self.notes:
                note(sentence)
        while (problem := self._attempt(progress)) is not None:
            release(self.device)  # outside the except block: a traceback holds its frames' tensors
            self.notes.append(self._retreat(problem))
            if note is not None:
                note(self.notes[-1])

    def _attempt(self, progress: Progress) -> str | None:
        """Do what is left; the first line of what is wrong when memory ran out, its traceback let go."""
        try:
            with torch.inference_mode():
                if self._head is None:
                    self._coarse.run(progress.part(0.0, self._coarse_share))
                    self._head = HeadRun(self._filler(), self._out, self.device, self._dtype)
                self._head.run(progress.part(self._coarse_share, 1.0))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        return None

    def _retreat(self, problem: str) -> str:
        """Make room: halve the pieces, else go to the CPU. Returns what was done."""
        part = self._head or self._coarse
        where = "the processor" if self.device.type == "cpu" else str(self.device)
        log.debug("out of memory on %s: %s", where, problem)
        if part.halve():
            if isinstance(part, TiledRun):
                return f"Memory ran out on {where}: the picture went on in tiles of {part.side} pixels. {_APPROXIMATE}"
            return f"Memory ran out on {where}: the pieces left were halved."
        if self.device.type == "cpu":
            hint = "Close other programs, or scale the picture down."
            raise DeviceError("Memory ran out on the processor, even for the smallest piece.", hint=hint)
        self._move_to_cpu()
        return f"Memory ran out on {where}: the processor went on."

    def _move_to_cpu(self) -> None:
        self.device, self._dtype = CPU, torch.float32
        self._network.to(CPU, torch.float32)
        if isinstance(self._coarse, CoarseRun):
            self._coarse.image = self._rows()
        self._coarse.move(CPU, torch.float32)
        if self._head is not None:
            self._head.move(self._filler(), CPU, torch.float32)

    def _rows(self) -> ImageRows:
        return ImageRows(self._image, cast(Backbone, self._network.backbone), self.device, self._dtype)

    def _filler(self) -> Filler:
        network, coarse = self._network, self._coarse
        if isinstance(coarse, TiledRun):
            return PlainStripes(network, network.fuse(coarse.maps))
        size = (self._image.shape[0], self._image.shape[1])
        return supplement_stripes(cast(SupplementNet, network), coarse.maps, coarse.image, size)
