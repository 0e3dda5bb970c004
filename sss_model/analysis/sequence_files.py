"""The files of one frame of a sequence: the window and `sss-segment --sequence` write the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sss_model.analysis.layer_files import decontaminated, layers_record, may_stay, record_name, write_layer_files
from sss_model.files.export import check_source
from sss_model.files.frames import Frames
from sss_model.layer_io import Layers
from sss_model.params.fields import Checked
from sss_model.params.layers import LayerExportParams
from sss_model.progress import Progress


@dataclass(frozen=True)
class SequenceParams(Checked):
    """How the frames of a sequence were made, for their records."""

    sequence: str
    recipe_sha256: str
    checkpoint_sha256: str
    layers: int
    size: int
    segment_seed: int


def digest(values: Any) -> str:
    """SHA-256 of JSON's `values`, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def frame_may_stay(
    folder: Path,
    frames: Frames,
    index: int,
    params: SequenceParams,
    export: LayerExportParams,
    *,
    what: str,
    changed: bool,
) -> bool:
    """Whether the frame's files are there, were made so, and are to be left as they are.

    Parameters
    ----------
    what : layers or matte
    changed : whether a frame may replace the files of one with its name and other contents

    Raises
    ------
    ExportError : they are there and are to be refused, or are those of another picture
    """
    record = folder / record_name(frames.stem(index), what)
    check_source(record, frames.source(index), changed=changed)
    return may_stay(record, params, export)


def write_frame(
    folder: Path,
    frames: Frames,
    index: int,
    layers: Layers,
    params: SequenceParams,
    export: LayerExportParams,
    made: Mapping[str, Any],
    progress: Progress,
    *,
    what: str,
) -> list[Path]:
    """Write the `layers` of a frame, or its matte, with the record that says how they were made; returns the paths.

    Parameters
    ----------
    made : the record of the frame's features
    what : layers or matte

    Raises
    ------
    ExportError, ImageError : a file cannot be written
    Cancelled : asked to stop; the folder is as it was
    """
    source = frames.source(index).name
    more = {**made, "source": source, "sequence": {"name": frames.name, "frame": frames.numbers[index]}}
    layers = decontaminated(layers, export, progress.part(0.0, 0.6))
    record, last = layers_record(source, frames.sha256(index), layers, params, export, more), progress.part(0.6, 1.0)
    return write_layer_files(folder / frames.stem(index), layers, export, record, last, what=what)
