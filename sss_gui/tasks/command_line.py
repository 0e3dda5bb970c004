"""The calls of sss-extract and sss-segment that write the files which the window's exports write."""

from __future__ import annotations

import glob
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sss_gui.requests.segments import Colour, FrameList
from sss_gui.state.segments import Method
from sss_gui.state.session import State
from sss_model.commands.options import words
from sss_model.params import ExportParams
from sss_model.params.layers import NETWORKS, SOFT_METHODS, LayerExportParams, SegmentParams


def command_line(state: State, folder: Path, params: ExportParams) -> str:
    """The call, quoted for this system's shell, that runs in any: it names the Python that has the program."""
    source = state.source
    if source is None:
        return ""
    parts = [sys.executable, "-m", "sss_model.commands.extract", str(source.path)]
    if source.image is not None:
        parts += ["--image", str(source.image)]
    if source.layout is not None:
        parts += ["--layout", source.layout]
    parts += [*words(source.reading), "-o", str(folder), *_model(state)]
    if state.basis is not None:
        parts += ["--basis", str(state.basis)]
    for record in (state.filter, state.projection, state.extract, params):
        parts += words(record)
    return _quoted(parts)


def segment_command_line(
    state: State,
    method: Method,
    count: int,
    names: Sequence[str],
    colours: Sequence[Colour],
    folder: Path,
    params: LayerExportParams,
) -> str:
    """The call that writes `count` layers by `method`, quoted; it names the Python that has the program.

    Parameters
    ----------
    names : of the layers, the largest first; none: the command's own
    colours : of the layers in the overlay, in the same order
    """
    parts = _segment_call(state, folder)
    if not parts:
        return ""
    if method.file is not None:
        parts += [f"--{method.name}-weights" if method.name in NETWORKS else "--masks", str(method.file)]
    if method.consent:
        parts.append("--allow-download")
    segment = SegmentParams(method=method.name, layers=count if method.name in SOFT_METHODS else SegmentParams().layers)
    for record, skip in ((segment, ()), (params, ("existing",)), (state.extract, ("size", "scales"))):
        parts += words(record, skip=skip)
    if names:
        parts += ["--names", ",".join(names)]
    if params.overlay:
        parts += ["--colours", ",".join("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours)]
    return _quoted(parts)


def matte_command_line(state: State, recipe: Path, folder: Path, params: LayerExportParams) -> str:
    """The call that makes the matte of `recipe` from the picture, and writes it as `params` say."""
    return _made_by(_segment_call(state, folder), "--matte", recipe, state, params, "overlay")


def classes_command_line(state: State, classes: Path, folder: Path, params: LayerExportParams) -> str:
    """The call that cuts the picture into the taught classes of a file, and writes them as `params` say."""
    return _made_by(_segment_call(state, folder), "--classes", classes, state, params)


def sequence_command_line(
    state: State, frames: FrameList, recipe: Path, folder: Path, params: LayerExportParams
) -> str:
    """The call that carries the matte of `recipe` through `frames`, and writes those as `params` say."""
    parts = [sys.executable, "-m", "sss_model.commands.segment", *frame_names(frames), "--sequence", "-o", str(folder)]
    return _made_by([*parts, *_model(state)], "--matte", recipe, state, params)


def _made_by(parts: list[str], option: str, file: Path, state: State, params: LayerExportParams, *skip: str) -> str:
    """A call that takes from `file` what it makes, quoted; nothing where it has no picture."""
    parts = [*parts, option, str(file), *words(params, skip=("existing", "compare", "against", *skip))] if parts else []
    return _quoted([*parts, *words(state.extract, skip=("size", "scales"))]) if parts else ""


def frame_names(frames: FrameList) -> list[str]:
    """The frames as a command takes them: a video, a pattern where that names these and no others, or all files."""
    paths = list(dict.fromkeys(source.path for source in frames.sources))
    lead = paths[0].stem.rstrip("0123456789")
    pattern = f"{glob.escape(os.path.join(paths[0].parent, lead))}[0-9]*{glob.escape(paths[0].suffix)}"
    if len(paths) > 1 and sorted(glob.glob(pattern)) == sorted(map(str, paths)):
        return [pattern]
    return [str(path) for path in paths]


def _segment_call(state: State, folder: Path) -> list[str]:
    """What every call of sss-segment begins with; nothing where there is no picture."""
    source = state.source
    if source is None:
        return []
    parts = [sys.executable, "-m", "sss_model.commands.segment", str(source.image or source.path)]
    if source.image is not None:
        parts += ["--features", str(source.path)]
    if source.layout is not None:
        parts += ["--layout", source.layout]
    return [*parts, *words(source.reading), "-o", str(folder), *_model(state)]


def _model(state: State) -> list[str]:
    return ["--model", str(state.model)] if state.model is not None else []


def _quoted(parts: Sequence[str]) -> str:
    return subprocess.list2cmdline(parts) if sys.platform == "win32" else shlex.join(parts)
