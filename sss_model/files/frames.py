"""A folder of numbered frames, or a video, as one sequence of pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats
from sss_model.errors import SSSError
from sss_model.files.inputs import file_sha256, read_input

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".mxf")
_NUMBER = re.compile(r"^(?P<lead>.*?)(?P<number>\d+)$")
_BACK = 32  # frames of a video that are decoded at once where it is read backwards
_DIGITS = 4


class SequenceError(SSSError):
    """Frames that are no sequence, or one that cannot be read."""


class Frames(Protocol):
    """Frames in order, read one at a time.

    Attributes
    ----------
    name : of the sequence, for its files
    numbers : of the frames, ascending
    rate : frames a second; None where nothing says
    notes : sentences about what is odd: missing numbers, a video that ends early
    """

    name: str
    numbers: list[int]
    rate: float | None
    notes: list[str]

    def read(self, index: int) -> Floats:
        """The frame `index`, from 0: (H, W, 3) float32 RGB in [0, 1]; raises `SequenceError`, `ImageError`."""

    def stem(self, index: int) -> str:
        """What the files of the frame `index` begin with; it has the frame's number."""

    def source(self, index: int) -> Path:
        """The file with the frame `index`."""

    def sha256(self, index: int) -> str:
        """SHA-256 of that file."""


def open_frames(paths: Sequence[Path]) -> Frames:
    """The sequence of these files: numbered pictures of one name in any order, or one video.

    Raises
    ------
    SequenceError : files without numbers, of two sequences, two of one number, or a video that cannot be read
    """
    videos = [path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES]
    if videos and len(paths) > 1:
        raise SequenceError(f"A sequence is one video or pictures; got {videos[0].name} and other files.")
    return Video(videos[0]) if videos else Pictures(paths)


class Pictures:
    """Numbered pictures.

    Parameters
    ----------
    paths : files such as shot.0007.png, whose names differ in the number at their end alone
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        found = {path: _NUMBER.match(path.stem) for path in paths}
        bare = [path.name for path, match in found.items() if match is None]
        if bare:
            raise SequenceError(f"Frames must have a number at the end of their names; {bare[0]} has none.")
        leads = sorted({(path.parent, match["lead"]) for path, match in found.items() if match})
        if len(leads) > 1:
            names = ", ".join(f"{lead or '(numbers alone)'}" for _, lead in leads[:3])
            raise SequenceError(f"The frames are of {len(leads)} sequences: {names}.", hint="Name one, by a pattern.")
        ordered = sorted((int(match["number"]), path) for path, match in found.items() if match)
        for (number, path), (other, second) in pairwise(ordered):
            if number == other:
                raise SequenceError(f"The frame {number} is there twice: {path.name} and {second.name}.")
        self.numbers, self._paths = [number for number, _ in ordered], [path for _, path in ordered]
        self.name = leads[0][1].strip("._- ") or leads[0][0].resolve().name
        self.rate: float | None = None
        self.notes = _gaps(self.numbers)
        self._size: tuple[int, int] | None = None

    def read(self, index: int) -> Floats:
        path = self._paths[index]
        image = read_input(path).image
        self._size = check_size(path.name, image, self._size)
        return image

    def stem(self, index: int) -> str:
        return self._paths[index].stem

    def source(self, index: int) -> Path:
        return self._paths[index]

    def sha256(self, index: int) -> str:
        return file_sha256(self._paths[index])


def check_size(name: str, image: Floats, size: tuple[int, int] | None) -> tuple[int, int]:
    """The size (H, W) of the frame `name`; raises `SequenceError` where it is not the `size` of those before."""
    found = (image.shape[0], image.shape[1])
    if size is not None and found != size:
        raise SequenceError(
            f"All frames must be of one size; {name} has {found[1]} x {found[0]} pixels, "
            f"those before have {size[1]} x {size[0]}.",
            hint="What was written of the frames before stays.",
        )
    return found


def _gaps(numbers: Sequence[int]) -> list[str]:
    """A sentence where numbers are missing; the smallest step between two is the sequence's own."""
    steps = np.diff(numbers)
    if not len(steps) or (steps == steps.min()).all():
        return []
    places = np.flatnonzero(steps > steps.min())
    told = [f"{numbers[k]} and {numbers[k + 1]}" for k in places[:3].tolist()]
    more = f", and at {len(places) - 3} more places" if len(places) > 3 else ""
    return [f"Frames are missing between {'; '.join(told)}{more}. What comes after is matched over the gap."]


class Video:
    """A video that OpenCV reads. Frames have the numbers 1, 2, ..., and files the video's name with four digits."""

    def __init__(self, path: Path) -> None:
        import cv2

        if not path.is_file():
            raise SequenceError(f"There is no video at {path}.", missing=True)
        self._path, self.name = path, path.stem
        self._capture, self._next = cv2.VideoCapture(str(path)), 0
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if not self._capture.isOpened() or count < 1:
            raise SequenceError(f"{path.name} cannot be read as a video.", hint="Export its frames as pictures.")
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if np.isfinite(rate) and rate > 0 else None
        whole = self._length(count)
        self.notes = [f"{path.name} ends early: {whole} of {count} frames can be read."] if whole < count else []
        self.numbers = list(range(1, whole + 1))
        self._sha256 = ""
        self._kept: dict[int, NDArray[np.uint8]] = {}

    def read(self, index: int) -> Floats:
        if index not in self._kept:
            self._decode(index)
        if index not in self._kept:
            raise SequenceError(f"The frame {self.numbers[index]} of {self._path.name} cannot be decoded.")
        return np.asarray(self._kept[index][..., ::-1], np.float32) / np.float32(255)

    def stem(self, index: int) -> str:
        return f"{self.name}.{self.numbers[index]:0{_DIGITS}d}"

    def source(self, index: int) -> Path:
        return self._path

    def sha256(self, index: int) -> str:
        self._sha256 = self._sha256 or file_sha256(self._path)
        return self._sha256

    def _length(self, count: int) -> int:
        """How many of `count` frames there are: all where the last one is, else those that can be read in turn."""
        import cv2

        last = cv2.VideoCapture(str(self._path))
        last.set(cv2.CAP_PROP_POS_FRAMES, count - 1)
        if last.grab():
            return count
        again, found = cv2.VideoCapture(str(self._path)), 0
        while again.grab():
            found += 1
        return found

    def _decode(self, index: int) -> None:
        """Read on to the frame `index`; from the beginning where it has passed, for seeking is not exact."""
        import cv2

        backwards = index < self._next
        if backwards:
            self._capture = cv2.VideoCapture(str(self._path))
            self._next = 0
        first = max(index - _BACK + 1, 0) if backwards else index
        self._kept = {}
        while self._next <= index:
            if not self._capture.grab():
                return
            if self._next >= first:
                found, picture = self._capture.retrieve()
                if not found:
                    return
                self._kept[self._next] = np.asarray(picture, np.uint8)
            self._next += 1
