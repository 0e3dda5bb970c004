"""The network in use, and running it within the memory there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import DeviceError
from sss_model.extractor import FeatureExtractor
from sss_model.files.allocation import Features, allocate, file_stamp, make_plan
from sss_model.inference.memory import is_out_of_memory, release
from sss_model.params import ExtractParams
from sss_model.progress import Progress

FIRST_TILE, LAST_TILE = 1024, 256


@dataclass(frozen=True)
class Made:
    """Features (H, W, D) as computed, and how."""

    features: Features
    model: str
    device: str
    record: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Extraction:
    """Keeps the last network; loads another when the file, the device or the arithmetic is another."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._extractor: FeatureExtractor | None = None

    def clear(self) -> None:
        """Let the network go."""
        device = self._extractor.device if self._extractor is not None else "cpu"
        self._extractor, self._key = None, ()
        release(device)

    def extractor(self, model: Path | None, params: ExtractParams) -> FeatureExtractor:
        """The network of the checkpoint `model` (None: the shipped one) on the device that `params` name."""
        key = (model, file_stamp(model), params)
        if self._extractor is None or key != self._key:
            self.clear()
            self._extractor = FeatureExtractor(model, params=params)
            self._key = key
        return self._extractor

    def extract(
        self,
        image: NDArray[np.float32],
        model: Path | None,
        params: ExtractParams,
        progress: Progress,
        make_room: Callable[[int], None] | None = None,
    ) -> Made:
        """Features of `image`; when memory runs out, with smaller tiles, and at last on the processor.

        `make_room` is told how many bytes the features will take, before they do.

        Raises
        ------
        DeviceError : there is no room for the features, or even the processor ran out of memory
        """
        notes: list[str] = []
        extractor = self.extractor(model, params)
        shape = (*image.shape[:2], extractor.feature_channels)
        if make_room is not None:
            make_room(int(np.prod(shape, dtype=np.int64)) * 4)
        plan = make_plan(shape)
        if plan.note:
            notes.append(plan.note)
        out = allocate(shape, plan)
        while True:
            problem = _try(extractor, image, out, progress)
            if not problem:
                break
            smaller = _smaller(extractor.params, extractor.device)  # outside the except: its traceback held the tensors
            if smaller is None:
                hint = "Close other programs, or scale the picture down."
                raise DeviceError(f"Memory ran out on {extractor.device}: {problem}.", hint=hint)
            notes.append(_what_was_done(extractor.device, smaller))
            del extractor
            self.clear()
            extractor = self.extractor(model, smaller)
        return Made(out, extractor.checkpoint.path.stem, extractor.device, _record(extractor), tuple(notes))


def _record(extractor: FeatureExtractor) -> dict[str, Any]:
    """What the JSON beside an export says of the network and how it was run."""
    checkpoint = extractor.checkpoint
    return {
        "checkpoint": {
            "name": checkpoint.path.name,
            "sha256": checkpoint.sha256,
            "network": checkpoint.params.to_dict(),
        },
        "extract": {**extractor.params.to_dict(), "device": extractor.device},
    }


def _try(extractor: FeatureExtractor, image: NDArray[np.float32], out: Features, progress: Progress) -> str:
    """Run the network; the first line of what is wrong when memory ran out, else nothing."""
    try:
        extractor.extract(image, progress, out=out)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return str(error).strip().splitlines()[0].rstrip(".") or type(error).__name__
    return ""


def _smaller(params: ExtractParams, device: str) -> ExtractParams | None:
    """The next thing to try: half the tile, then the processor; None when nothing is left."""
    tile = params.tile // 2 if params.tile else FIRST_TILE
    if tile >= LAST_TILE:
        return replace(params, tile=tile, device=device)
    if device != "cpu":
        return replace(params, tile=0, device="cpu", precision="float32")
    return None


def _what_was_done(device: str, smaller: ExtractParams) -> str:
    if smaller.device == device:
        return f"Memory ran out on {device}: went on with tiles of {smaller.tile} pixels."
    return f"Memory ran out on {device}: went on with the processor."
