"""The matte that was carried to a frame, as an editor: what is clicked and drawn corrects it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import cv2
import numpy as np

from sss_model.array_types import Floats
from sss_model.matting import MatteEditor
from sss_model.matting.parts import Parts
from sss_model.progress import Progress
from sss_model.segmentation.matte import adjust_matte
from sss_model.sequence.carrying import Carried, followed


class FrameEditor(MatteEditor):
    """The editor of one frame; with steps its matte is the one that `carry` gives with them.

    Parameters
    ----------
    image : (H, W, 3) float32 RGB in [0, 1], the frame
    parts : its superpixels
    before : what the frame before it handed on
    carried : gives the matte (H, W) float32 that was carried to the frame; asked for where there are no steps
    """

    def __init__(self, image: Floats, parts: Parts, before: Carried, carried: Callable[[], Floats]) -> None:
        super().__init__(image, parts=parts)
        self._ask_carried = carried
        self._states = [followed(before, image, parts)]

    @cached_property
    def _carried(self) -> Floats:
        return self._ask_carried()

    def solve(self, progress: Progress | None = None) -> Floats:
        """The carried matte as it came, or corrected."""
        return super().solve(progress) if self._steps else adjust_matte(self._carried, self.params)

    @property
    def quick(self) -> Floats:
        """The same on the grid, at once."""
        if self._steps:
            return super().quick
        height, width = self.parts.size
        small = cv2.resize(self._carried, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32).clip(0, 1)
