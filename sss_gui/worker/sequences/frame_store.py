"""The states of frames that a matte was carried to, on disk: within a budget, gone with the program."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from sss_model.array_types import Floats
from sss_model.files.frames import SequenceError
from sss_model.layer_io.layers import whole_numbers
from sss_model.matting.parts import GRID
from sss_model.segmentation.inputs import grid_size
from sss_model.sequence import Carried, load_state, save_state
from sss_model.sequence.carrying import frame_guide
from sss_model.storage.atomic_write import reason
from sss_model.storage.scratch import scratch_folder

BUDGET = 20 * 2**30
"""Bytes of states, about 20,000 frames of full HD; the oldest go first, and are made again when they are wanted."""


class FrameStore:
    """Keeps states by the names that `Chain` gives them, and of each a small grey picture and its area.

    Parameters
    ----------
    budget : bytes that states may take; the small pictures come to that
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._open = contextlib.ExitStack()
        self._folder: Path | None = None
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._areas: dict[str, float] = {}
        self._changes: dict[tuple[str, str], float] = {}

    def clear(self) -> None:
        """Remove all of it."""
        self._open.close()
        self._folder = None
        for each in (self._sizes, self._areas, self._changes):
            each.clear()

    def file(self, name: str) -> Path:
        """The grey PNG of a matte that is known."""
        return self._at(f"{name[:32]}.png")

    def area(self, name: str) -> float | None:
        """The matte's share of its frame; None where it is not known."""
        return self._areas.get(name)

    def change(self, name: str, before: str) -> float:
        """Mean |alpha - that before|, of two names; nan where one is not known."""
        if name not in self._areas or before not in self._areas:
            return float("nan")
        if (name, before) not in self._changes:
            now, last = (cv2.imread(str(self.file(each)), cv2.IMREAD_GRAYSCALE) for each in (name, before))
            change = float("nan")
            if now is not None and last is not None and now.shape == last.shape:
                change = float(np.mean(cv2.absdiff(now, last)) / 255)
            self._changes[name, before] = change
        return self._changes[name, before]

    def keeps(self, name: str) -> bool:
        """Whether a state is on disk."""
        return name in self._sizes

    def put(self, name: str, state: Carried) -> None:
        """Keep a state; the guide is left out, for its frame has it.

        Raises
        ------
        SequenceError : the disk is full, or cannot be written to
        """
        try:
            bare = Carried(np.empty((0, 0, 3), np.float32), state.coarse, state.alpha, state.taught)
            path = self._at(f"{name[:32]}.npz")
            save_state(path, name, 0, bare, compressed=True)
            height, width = grid_size(state.alpha.shape, GRID)
            small = cv2.resize(state.alpha, (width, height), interpolation=cv2.INTER_AREA).clip(0, 1)
            written = cv2.imwrite(str(self.file(name)), whole_numbers(small, 255), [cv2.IMWRITE_PNG_COMPRESSION, 1])
            size = path.stat().st_size
        except OSError as error:
            raise SequenceError(f"The frames' mattes cannot be kept on disk: {reason(error)[0]}.") from error
        if not written:
            raise SequenceError(f"The frames' mattes cannot be kept in {self._folder}: it cannot be written to.")
        self._sizes[name] = size
        self._areas[name] = float(state.alpha.mean(dtype=np.float64))
        while len(self._sizes) > 1 and sum(self._sizes.values()) > self._budget:
            old, _ = self._sizes.popitem(last=False)
            self._at(f"{old[:32]}.npz").unlink(missing_ok=True)

    def get(self, name: str, read: Callable[[], Floats]) -> Carried | None:
        """The state, whose frame `read` reads; None where it is not kept."""
        if name not in self._sizes:
            return None
        found = load_state(self._at(f"{name[:32]}.npz"), name)
        if found is None or not isinstance(found[1], Carried):
            del self._sizes[name]
            return None
        self._sizes.move_to_end(name)
        bare = found[1]
        return Carried(frame_guide(read()), bare.coarse, bare.alpha, bare.taught)

    def _at(self, name: str) -> Path:
        if self._folder is None:
            self._folder = self._open.enter_context(scratch_folder("features"))
        return self._folder / name
