"""What a source is read from, and reading it."""

from __future__ import annotations

import functools
import hashlib
import logging
import threading
from pathlib import Path
from typing import Any

from sss_gui.requests.panes import Source
from sss_model import budget as limits
from sss_model.errors import SSSError
from sss_model.files.allocation import file_stamp
from sss_model.files.frames import Video
from sss_model.files.inputs import Input, files_of, read_input
from sss_model.image_io import decoding_bytes, image_size

log = logging.getLogger(__name__)


def read_source(source: Source) -> Input:
    """The photograph, or the features with theirs, of `source`."""
    log.debug("reads %s", source.name)
    if source.frame is not None:
        image = _video_of(source.path).read(source.frame - 1)
        return Input(image, sha256=hashlib.sha256(image.tobytes()).hexdigest())
    return read_input(source.path, source.image, source.layout, source.reading)


_videos = threading.local()  # a video is read on, so that each thread has its own


def _video_of(path: Path) -> Video:
    """The video that this thread has open, or the one at `path` in its place."""
    key = path, file_stamp(path)
    if getattr(_videos, "key", None) != key:
        _videos.video, _videos.key = Video(path), key
    video: Video = _videos.video
    return video


def foreseen(source: Source) -> tuple[int, str]:
    """Bytes that reading the photograph of `source` takes at most, by its header, and a sentence that says so.

    0 where the header does not tell: what is wrong with it is said when it is read.
    """
    path = source.image or source.path
    try:
        needed, (height, width) = decoding_bytes(path, source.reading), image_size(path, source.reading)
    except SSSError:
        return 0, ""
    words = f"{path.name} has {width} x {height} pixels; to read it takes up to {needed / limits.GIB:.1f} GB of memory"
    return needed, f"{words}, {limits.free_memory() / limits.GIB:.1f} GB are free."


def source_stamp(source: Source) -> tuple[Any, ...]:
    """Changes when the source's files do."""
    return tuple(file_stamp(path) for path in files_of_source(source))


def files_of_source(source: Source) -> tuple[Path, ...]:
    """What `source` is read from, looked up once: it reads a folder, and stamps are taken at every tick of a slider."""
    return _files_of(source.path, source.image)


_files_of = functools.lru_cache(maxsize=1024)(files_of)
