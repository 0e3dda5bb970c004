"""Where each pixel of a frame was in the frame before: dense inverse search (Kroeger et al. 2016), of OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats, Picture

_SMALLEST = 32  # a side that the method needs
_ERROR = 1.5  # pixels by which forward and back may miss
_COLOUR = 0.12  # by which a colour may change, RGB in [0, 1]
_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class Motion:
    """What joins a frame to the one before.

    Attributes
    ----------
    offsets : (h, w, 2) float32: x then y in pixels, from a pixel of this frame to its place in the one before
    trust : (h, w) float32 in [0, 1]: whether the way back ends where it began, at the same colour, inside the frame
    """

    offsets: Floats
    trust: Floats

    def warped(self, values: NDArray[Any]) -> NDArray[Any]:
        """What `values` (h, w) or (h, w, C) of the frame before are at the pixels of this one."""
        return _at(values, self.offsets)

    def resized(self, size: tuple[int, int]) -> Motion:
        """The same of frames of `size` (H, W)."""
        if size == self.trust.shape:
            return self
        height, width = size
        factors = np.array([width / self.trust.shape[1], height / self.trust.shape[0]], np.float32)
        offsets, trust = (cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
                          for plane in (self.offsets, self.trust))  # fmt: skip
        return Motion(np.asarray(offsets * factors, np.float32), np.asarray(trust, np.float32))


def motion_between(before: Floats, now: Floats) -> Motion:
    """The motion from the frame `before` to `now`, both (h, w, 3) float32 RGB in [0, 1].

    With b the offsets from now to before and f those from before to now,

        trust = exp(-|b + f(b)|^2 / 1.5^2) exp(-|now - before(b)|^2 / 0.12^2), 0 where b leaves the frame

    Examples
    --------
    >>> frame = np.random.default_rng(0).random((60, 80, 3)).astype(np.float32)
    >>> frame = cv2.GaussianBlur(frame, (0, 0), 3)
    >>> motion = motion_between(frame, np.roll(frame, 3, axis=1))
    >>> (np.median(motion.offsets[:, 10:], axis=(0, 1)).round() + 0.0).tolist()
    [-3.0, 0.0]
    """
    first, second = _grey(before), _grey(now)
    back, forth = _offsets(second, first), _offsets(first, second)
    height, width = back.shape[:2]
    miss = np.square(back + _at(forth, back)).sum(axis=2) / _ERROR**2
    apart = np.square(now - _at(before, back)).sum(axis=2) / _COLOUR**2
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x + back[..., 0], y + back[..., 1]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return Motion(back, np.asarray(np.exp(-miss - apart) * inside, np.float32))


def _grey(image: Floats) -> Picture:
    grey: Picture = np.clip(image @ np.array(_GREY, np.float32) * 255 + 0.5, 0, 255).astype(np.uint8)
    return grey


def _offsets(start: Picture, end: Picture) -> Floats:
    """(h, w, 2): from each pixel of `start` to its place in `end`; zero in pictures too small for the method."""
    if min(start.shape) < _SMALLEST:
        return np.zeros((*start.shape, 2), np.float32)
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(method.calc(start, end, np.zeros((*start.shape, 2), np.float32)), np.float32)


def _at(values: NDArray[Any], offsets: Floats) -> NDArray[Any]:
    """`values` at each pixel's place plus its offset, bilinear; outside, what is at the border."""
    height, width = offsets.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    moved: NDArray[Any] = cv2.remap(
        np.asarray(values, np.float32), x + offsets[..., 0], y + offsets[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return moved
