"""What a source is read from, and reading it."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any

from sss_gui.requests.panes import Source
from sss_model.files.allocation import file_stamp
from sss_model.files.inputs import Input, files_of, read_input

log = logging.getLogger(__name__)


def read_source(source: Source) -> Input:
    """The photograph, or the features with theirs, of `source`."""
    log.debug("reads %s", source.path)
    return read_input(source.path, source.image, source.layout)


def source_stamp(source: Source) -> tuple[Any, ...]:
    """Changes when the source's files do."""
    return tuple(file_stamp(path) for path in files_of_source(source))


def files_of_source(source: Source) -> tuple[Path, ...]:
    """What `source` is read from, looked up once: it reads a folder, and stamps are taken at every tick of a slider."""
    return _files_of(source.path, source.image)


_files_of = functools.lru_cache(maxsize=1024)(files_of)
