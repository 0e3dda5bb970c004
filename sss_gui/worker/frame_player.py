"""Frames that are seen for an instant: small pictures and mattes, the last ones remembered."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sss_gui.requests.panes import Picture, Source
from sss_gui.requests.segments import Alphas, FrameList
from sss_gui.requests.sequence import PlayedFrame, PlayFrame
from sss_gui.worker.sources import read_source
from sss_model.files.allocation import file_stamp
from sss_model.files.frames import Video, open_frames
from sss_model.image_io import read_reduced, to_picture
from sss_model.params.layers import MatteParams

SIDE = 640  # the long side of what is played, which is that of the mattes
REMEMBERED = 256 * 2**20
"""Bytes of small pictures."""


class FramePlayer:
    """Reads frames for the timeline."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, Picture] = OrderedDict()

    def played(self, request: PlayFrame) -> PlayedFrame:
        """The frame, and its matte where that is there."""
        source = request.source
        picture = self._remembered((source, file_stamp(source.path)), lambda: _small(source))
        matte = None if request.matte is None else self._matte(request.matte, request.params, picture.shape[:2])
        return PlayedFrame(source, picture, matte)

    def _matte(self, path: Path, params: MatteParams, size: tuple[int, ...]) -> Alphas | None:
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if grey is None:  # it has just been replaced
            return None
        if grey.shape != size:
            grey = cv2.resize(grey, (size[1], size[0]), interpolation=cv2.INTER_AREA)
        if params == MatteParams():
            return np.asarray(grey, np.uint8)
        from sss_model.segmentation.matte import adjust_matte  # here: it loads torch, which a matte has loaded

        matte = adjust_matte(np.asarray(grey, np.float32) / np.float32(255), params)
        return np.asarray(np.rint(matte * 255), np.uint8)

    def _remembered(self, key: Any, read: Any) -> Picture:
        if key not in self._known:
            self._known[key] = read()
            while len(self._known) > 1 and sum(each.nbytes for each in self._known.values()) > REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


def _small(source: Source) -> Picture:
    """(h, w, 3) uint8, the frame no larger than it is played."""
    image = read_source(source).image if source.frame is not None else read_reduced(source.path, SIDE).image
    height, width = image.shape[:2]
    scale = min(SIDE / max(height, width), 1.0)
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        image = np.asarray(cv2.resize(np.asarray(image, np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
    return to_picture(image)


def list_frames(paths: tuple[Path, ...]) -> FrameList:
    """The sequence of numbered pictures, or of a video.

    Raises
    ------
    SequenceError : they are none
    """
    frames = open_frames(list(paths))
    indices = range(len(frames.numbers))
    if isinstance(frames, Video):
        sources = tuple(Source.from_video(frames.source(k), frames.numbers[k]) for k in indices)
    else:
        sources = tuple(Source.from_path(frames.source(k)) for k in indices)
    return FrameList(frames.name, sources, tuple(frames.numbers), frames.rate, tuple(frames.notes))


def frames_beside(path: Path, pictures: list[Path]) -> list[Path]:
    """Those of `pictures` that have the name of `path` but for the number at its end."""
    lead = path.stem.rstrip("0123456789")
    return [each for each in pictures if each.stem.rstrip("0123456789") == lead and each.stem != lead]
