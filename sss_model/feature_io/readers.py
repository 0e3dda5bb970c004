"""The array inside a feature file, as it lies there, with what the file says about it. Never runs what a file holds."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError
from sss_model.feature_io.formats import FEATURE_SUFFIXES, needed
from sss_model.feature_io.matlab import read_matlab
from sss_model.feature_io.stored_array import KEYS, StoredArray, choose, plainly, stored
from sss_model.feature_io.tensor_files import from_bfloat16, read_safetensors, read_torch
from sss_model.image_io.exr import is_exr
from sss_model.image_io.regular_file import check_regular_file
from sss_model.image_io.tiff import check_pages


def read_stored_array(path: Path) -> StoredArray:
    """The feature array of the file `path`, by its suffix.

    Raises `FeatureFileError`: no such file, a folder, empty, unknown suffix, not a file of its kind, no array in it
    that could be features, or its package is not installed.
    """
    reader = _READERS.get(path.suffix.lower())
    with plainly(path):
        check_regular_file(path, FeatureFileError, noun="a feature file")
        if reader is None:
            raise FeatureFileError(
                f"{path} is no feature file by its name; known are {', '.join(FEATURE_SUFFIXES)} and .png for a strip.",
                hint="Rename it if its suffix is wrong.",
            )
        found = reader(path)
        if found.array.dtype.kind == "V" and found.array.dtype.itemsize == 2 and found.array.dtype.names is None:
            return replace(found, array=from_bfloat16(found.array))  # NumPy has no name for bfloat16
        return found


def _read_npy(path: Path) -> StoredArray:
    with open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
    _refuse_objects(path, dtype)
    if 0 in shape:
        return StoredArray(np.empty(shape, dtype))
    return StoredArray(np.lib.format.open_memmap(path, mode="r"))


def _refuse_objects(path: Path, dtype: np.dtype[Any], name: str = "its array") -> None:
    if dtype.hasobject:
        raise FeatureFileError(
            f"{path} holds pickled Python objects in {name}; expected numbers, and loading never runs code.",
            hint="Save the features as a float32 array.",
        )


def _read_npz(path: Path) -> StoredArray:
    if not zipfile.is_zipfile(path):
        raise FeatureFileError(f"{path} is damaged or not a .npz file.", hint="Copy or export it again.")
    with np.load(path, allow_pickle=False) as archive:
        arrays: dict[str, NDArray[Any] | None] = {}
        wanted = [key for key in KEYS if key in archive.files][:1] or archive.files
        for name in wanted:
            try:
                arrays[name] = archive[name]
            except ValueError as error:
                if "allow_pickle" not in str(error):
                    raise
                arrays[name] = None
        there = {name: "objects" if a is None else f"{a.shape} {a.dtype}" for name, a in arrays.items()}
        numeric = {n: a.ndim for n, a in arrays.items() if a is not None and a.dtype.kind in "fiuV"}
        able = [n for n, axes in numeric.items() if axes >= 3] or [n for n, axes in numeric.items() if axes == 2]
        key = choose(path, there, able)
        array = arrays[key]
        if array is None:
            _refuse_objects(path, np.dtype(object), key)
        text = archive["metadata"].item() if key != "metadata" and _is_text(archive, "metadata") else ""
    return stored(np.asarray(array), text, "HWD" if key == "embedmap" else None)


def _is_text(archive: Any, name: str) -> bool:
    try:
        return name in archive.files and archive[name].dtype.kind == "U" and archive[name].size == 1
    except ValueError:  # pickled
        return False


def _read_exr(path: Path) -> StoredArray:
    if not is_exr(path):
        raise FeatureFileError(f"{path} is not an EXR file.", hint="Rename it if its suffix is wrong.")
    exr = needed("OpenEXR", "EXR")
    with exr.File(str(path), separate_channels=True) as file:
        parts = len(file.parts)
        channels = {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}
        text = file.header().get("sss_metadata", "")
    shapes = {pixels.shape for pixels in channels.values()}
    if parts != 1 or len(shapes) != 1 or any(pixels.dtype.hasobject for pixels in channels.values()):
        raise FeatureFileError(
            f"{path} has {parts} parts and channels of the sizes {sorted(shapes)}; expected one flat part of one size.",
            hint="Save all channels into a single part, without subsampling.",
        )
    names = sorted(channels, key=_channel_order)
    planes = np.empty((len(names), *shapes.pop()), np.result_type(*channels.values()))
    for plane, name in zip(planes, names, strict=True):
        plane[:] = channels.pop(name)  # and its memory is free
    return stored(np.moveaxis(planes, 0, -1), text, "HWD")


def _channel_order(name: str) -> list[tuple[int, int, str]]:
    """Sorts feature.2 before feature.10, and R, G, B, A in that order."""
    colour = name.rfind(".") + 1
    rank = "RGBA".find(name[colour:]) if len(name) - colour == 1 else -1
    pieces = re.findall(r"\d+|\D+", name[:colour] if rank >= 0 else name)
    key = [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]
    return [*key, (0, rank, "")] if rank >= 0 else key


def _read_tiff(path: Path) -> StoredArray:
    tifffile = needed("tifffile", "TIFF")
    check_pages(path)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        array = np.asarray(series.asarray())
        axis_order = {"YXS": "HWD"}.get(series.axes, "DHW" if series.axes.endswith("YX") else None)
        return stored(array, file.pages[0].description, axis_order)


_READERS: dict[str, Callable[[Path], StoredArray]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".mat": read_matlab,
    ".exr": _read_exr,
    ".tif": _read_tiff,
    ".tiff": _read_tiff,
    ".safetensors": read_safetensors,
    ".pt": read_torch,
    ".pth": read_torch,
}
