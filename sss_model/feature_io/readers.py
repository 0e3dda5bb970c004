"""The array inside a feature file, as it lies there, with what the file says about it. Never runs what a file holds."""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError
from sss_model.feature_io.formats import FEATURE_SUFFIXES, needed, parsed
from sss_model.image_io.exr import is_exr
from sss_model.image_io.regular_file import check_regular_file
from sss_model.image_io.tiff_segments import lacks_codec, page_array

KEYS = ("features", "embedmap")  # taken first, in this order
_NUMBERS = ("double", "single", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True)
class StoredArray:
    """An array of any shape and type as a file holds it; `axis_order` where the file says which axis is which."""

    array: NDArray[Any]
    axis_order: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


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
        return reader(path)


@contextlib.contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while reading `path` into a `FeatureFileError` with a sentence."""
    try:
        yield
    except FeatureFileError:
        raise
    except FileNotFoundError as error:
        raise FeatureFileError(f"{path} does not exist.", hint="It may have been moved or renamed.") from error
    except PermissionError as error:
        raise FeatureFileError(f"{path} may not be read by you.", hint="Change its permissions.") from error
    except MemoryError as error:
        raise FeatureFileError(f"{path} does not fit into memory.", hint="Close other programs, or crop it.") from error
    except Exception as error:  # on damaged bytes the parsers raise anything
        said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise FeatureFileError(
            f"{path} is damaged or not a {path.suffix.lower()} file ({said}).", hint="Copy or export it again."
        ) from error


def choose(path: Path, there: Mapping[str, str], candidates: list[str]) -> str:
    """The name of the feature array among `there` (name -> description): one of `KEYS`, or the only candidate."""
    for key in KEYS:
        if key in there:
            return key
    if len(candidates) == 1:
        return candidates[0]
    listed = ", ".join(f"{name} {what}" for name, what in there.items()) or "nothing"
    what = f"{len(candidates)} arrays that could be features" if candidates else "no array that could be features"
    raise FeatureFileError(
        f"{path} holds {what}; expected embedmap, features, or a single numeric array of 3 axes, found {listed}.",
        hint="Save the features alone, or under the name embedmap.",
    )


def _stored(array: NDArray[Any], text: Any, axis_order: str | None = None) -> StoredArray:
    metadata = parsed(text)
    return StoredArray(array, metadata.pop("layout", axis_order), metadata)


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
        able = [n for n, a in arrays.items() if a is not None and a.dtype.kind in "fiu" and a.ndim >= 3]
        key = choose(path, there, able)
        array = arrays[key]
        if array is None:
            _refuse_objects(path, np.dtype(object), key)
        text = archive["metadata"].item() if key != "metadata" and _is_text(archive, "metadata") else ""
    return _stored(np.asarray(array), text, "HWD" if key == "embedmap" else None)


def _is_text(archive: Any, name: str) -> bool:
    try:
        return name in archive.files and archive[name].dtype.kind == "U" and archive[name].size == 1
    except ValueError:  # pickled
        return False


def _read_mat(path: Path) -> StoredArray:
    with open(path, "rb") as file:
        head = file.read(520)
    if head[512:520] == b"\x89HDF\r\n\x1a\n" or head[:8] == b"\x89HDF\r\n\x1a\n":
        return _read_mat73(path)
    scipy_io = needed("scipy.io", "MATLAB")
    listing = {name: (shape, kind) for name, shape, kind in scipy_io.whosmat(path)}
    there = {name: f"{shape} {kind}" for name, (shape, kind) in listing.items()}
    able = [name for name, (shape, kind) in listing.items() if kind in _NUMBERS and len(shape) >= 3]
    key = choose(path, there, able)
    loaded = scipy_io.loadmat(path, variable_names=[key, "metadata"])
    array = np.asarray(loaded[key]) if listing[key][1] in _NUMBERS else np.empty(0, object)
    if array.dtype.kind == "O":
        raise FeatureFileError(f"{path} holds a {listing[key][1]} in {key}; expected an array of numbers.")
    text = "".join(np.asarray(loaded.get("metadata", "")).ravel().astype(str)) if key != "metadata" else ""
    return _stored(array, text, "HWD" if key == "embedmap" else None)


def _read_mat73(path: Path) -> StoredArray:
    h5py = needed("h5py", "MATLAB v7.3")
    with h5py.File(path, "r") as file:
        sets = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        there = {name: f"{item.shape[::-1]} {item.dtype}" for name, item in sets.items()}
        able = [name for name, item in sets.items() if item.dtype.kind in "fiu" and item.ndim >= 3]
        key = choose(path, there, able)
        array = np.asarray(sets[key][()])
        of_matlab = "MATLAB_class" in sets[key].attrs
        text = ""
        if "metadata" in sets and sets["metadata"].dtype == np.uint16:
            text = sets["metadata"][()].astype("<u2").tobytes().decode("utf-16-le", "replace")
    if of_matlab:  # MATLAB stores its axes reversed; h5py on its own does not
        array = array.transpose()
    return _stored(array, text, "HWD" if key == "embedmap" and of_matlab else None)


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
    return _stored(np.moveaxis(planes, 0, -1), text, "HWD")


def _channel_order(name: str) -> list[tuple[int, int, str]]:
    """Sorts feature.2 before feature.10, and R, G, B, A in that order."""
    colour = name.rfind(".") + 1
    rank = "RGBA".find(name[colour:]) if len(name) - colour == 1 else -1
    pieces = re.findall(r"\d+|\D+", name[:colour] if rank >= 0 else name)
    key = [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]
    return [*key, (0, rank, "")] if rank >= 0 else key


def _read_tiff(path: Path) -> StoredArray:
    tifffile = needed("tifffile", "TIFF")
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        try:
            array = np.asarray(series.asarray())
        except (ValueError, ImportError) as refusal:
            if not lacks_codec(refusal):
                raise
            pages = [page_array(page, FeatureFileError) for page in series.pages]
            array = np.stack(pages).reshape(series.shape)
        axis_order = {"YXS": "HWD"}.get(series.axes, "DHW" if series.axes.endswith("YX") else None)
        return _stored(array, file.pages[0].description, axis_order)


_READERS: dict[str, Callable[[Path], StoredArray]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".mat": _read_mat,
    ".exr": _read_exr,
    ".tif": _read_tiff,
    ".tiff": _read_tiff,
}
