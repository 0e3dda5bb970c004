"""Features -> a file, by blocks, so that a memory-mapped float16 map needs no float32 copy of the whole.

The same features and metadata give the same bytes: no file holds the time of its writing.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError, ParameterError
from sss_model.feature_io.formats import FORMATS, needed
from sss_model.feature_io.memory_order import channel_first, copy_blocks
from sss_model.image_io.exr import COLOUR_SPACE, DATA
from sss_model.progress import Progress, silent
from sss_model.storage.atomic_write import replacing

Blocks = Iterator[NDArray[Any]]

MAT_V73_FROM = 2**31  # bytes; MATLAB reads no larger variable from a v5 file
BIGTIFF_FROM = 2**32 - 2**24  # bytes, with room for the tags
_HALVES = ("npy", "exr", "tiff")
_BLOCK = 2**23  # bytes of one block
_MAT5 = b"MATLAB 5.0 MAT-file, written by sss-features"
_MAT73 = b"MATLAB 7.3 MAT-file, written by sss-features, HDF5 schema 1.00 ."


def write_features(
    path: str | os.PathLike[str],
    features: NDArray[Any],
    *,
    format: str,
    metadata: Mapping[str, Any] | None = None,
    half: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write `features` to the file `path`, whole or not at all.

    Parameters
    ----------
    path : its suffix must be the format's (`FORMATS[format].suffix`; .tiff for .tif as well)
    features : (H, W, D) of any float type, memory-mapped too, or what gives its rows when they are read; 3 channels for
        a map, D for the features
    format : one of `FORMATS`. npz16 and npz32: arrays `features` and `metadata`, uncompressed. npy: the array alone.
        mat: `embedmap` (H, W, D) single and `metadata`, v5, or from 2 GiB v7.3. exr: uncompressed float channels
        feature.000 on, in order when sorted; R, G, B where there are three. tiff: one page of interleaved float
        samples, BigTIFF from 4 GiB. mat v5 alone makes a copy of the whole in memory.
    metadata : anything JSON takes, stored as JSON text in the file (npy has no room for it)

    half : float16 in npy, exr and tiff too; MATLAB has no such numbers

    Raises
    ------
    ParameterError : not (H, W, D) float, an unknown format, another suffix
    FeatureFileError : NaN, infinity, values over float16's range, or the system refuses the file
    Cancelled : asked to stop; nothing is left behind

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sss_model.feature_io.read import read_features
    >>> features = np.linspace(0, 1, 240, dtype=np.float32).reshape(4, 6, 10)
    >>> with TemporaryDirectory() as folder:
    ...     write_features(f"{folder}/photo.npz", features, format="npz32", metadata={"model": "mine"})
    ...     file = read_features(f"{folder}/photo.npz", axis_order="HWD")
    >>> bool((file.features == features).all()), file.metadata["model"]
    (True, 'mine')
    """
    target = Path(path)
    _check(target, features, format)
    text = json_text({**(metadata or {}), "layout": "HWD"})
    writer = _WRITERS[format]
    dtype = np.dtype("<f2" if half and format in _HALVES else FORMATS[format].dtype).newbyteorder("<")
    with replacing(target, FeatureFileError, needs=features.size * dtype.itemsize) as temporary:
        writer(temporary, features, dtype, text, silent(progress).part(0, 1, f"Writing {target.name}"))


def json_text(values: Mapping[str, Any]) -> str:
    """`values` as JSON with sorted keys; numpy numbers and arrays, paths and tuples become plain ones.

    Raises `ParameterError` for what JSON cannot hold, NaN and infinity among it.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        raise TypeError(f"{type(value).__name__} {value!r}")

    try:
        return json.dumps(values, allow_nan=False, sort_keys=True, ensure_ascii=False, default=plain)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"metadata must be plain finite values under text keys, got {error}.") from error


def _check(path: Path, features: NDArray[Any], format: str) -> None:
    if format not in FORMATS:
        raise ParameterError(f"format must be one of {', '.join(FORMATS)}; got {format!r}.")
    if not hasattr(features, "dtype"):  # what is computed when it is read has one too
        raise ParameterError(f"features must be an array (H, W, D) of numbers, got {type(features).__name__}.")
    if features.ndim != 3 or features.dtype.kind != "f" or 0 in features.shape:
        raise ParameterError(f"features must be (H, W, D) float, got {features.shape} {features.dtype}.")
    suffix = FORMATS[format].suffix
    if path.suffix.lower().replace(".tiff", ".tif") != suffix:
        raise ParameterError(f"path must end in {suffix} for the format {format}, got {path.name}.")


def _blocks(features: NDArray[Any], dtype: np.dtype[Any], progress: Progress, rows: int = 0) -> Blocks:
    """`features` by `rows` rows as `dtype`, C-contiguous, every value checked to be finite."""
    height, width, channels = features.shape
    rows = rows or block_rows(width, channels)
    for y in range(0, height, rows):
        progress.report(y / height)
        yield converted_block(features[y : y + rows], dtype, (y, 0, 0))


def block_rows(width: int, channels: int) -> int:
    """Rows of float32 features that fill a block of 8 MiB."""
    return max(1, _BLOCK // (width * channels * 4))


def converted_block(block: NDArray[Any], dtype: np.dtype[Any], start: tuple[int, int, int]) -> NDArray[Any]:
    """`block` as `dtype`; `FeatureFileError` names the first value that is not finite there."""
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(block, dtype)
    if np.isfinite(converted).all():
        return converted
    y, x, channel = (int(i) for i in np.argwhere(~np.isfinite(converted))[0])
    value = float(block[y, x, channel])
    where = f"row {y + start[0]}, column {x + start[1]}, channel {channel + start[2]}"
    if np.isfinite(value):
        raise FeatureFileError(
            f"The features reach {value:g} at {where}, more than {dtype.name} holds ({np.finfo(dtype).max:g}).",
            hint="Export them as float32.",
        )
    raise FeatureFileError(f"The features hold {value} at {where}; only finite values are written.")


def _write_npz(path: Path, features: NDArray[Any], dtype: np.dtype[Any], text: str, progress: Progress) -> None:
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as archive:
        with archive.open(zipfile.ZipInfo("features.npy"), "w", force_zip64=True) as member:
            _stream_npy(member, features, dtype, progress)
        with archive.open(zipfile.ZipInfo("metadata.npy"), "w") as member:
            np.lib.format.write_array(member, np.array(text), allow_pickle=False)


def _write_npy(path: Path, features: NDArray[Any], dtype: np.dtype[Any], text: str, progress: Progress) -> None:
    with open(path, "xb") as file:
        _stream_npy(file, features, dtype, progress)


def _stream_npy(file: IO[bytes], features: NDArray[Any], dtype: np.dtype[Any], progress: Progress) -> None:
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": features.shape}
    np.lib.format.write_array_header_1_0(file, description)
    for block in _blocks(features, dtype, progress):
        file.write(block.data)


def _write_mat(path: Path, features: NDArray[Any], dtype: np.dtype[Any], text: str, progress: Progress) -> None:
    if features.size * dtype.itemsize >= MAT_V73_FROM:
        _write_mat73(path, features, dtype, text, progress)
        return
    scipy_io = needed("scipy.io", "MATLAB")
    single = np.empty(features.shape, dtype, order="F")
    y = 0
    for block in _blocks(features, dtype, progress.part(0, 0.5)):
        copy_blocks(single[y : y + len(block)], block)
        y += len(block)
    with open(path, "xb") as file:
        scipy_io.savemat(file, {"embedmap": single, "metadata": text}, format="5", do_compression=False)
        file.seek(0)
        file.write(_MAT5.ljust(116))


def _write_mat73(path: Path, features: NDArray[Any], dtype: np.dtype[Any], text: str, progress: Progress) -> None:
    """HDF5 as MATLAB writes it: axes reversed, the class as an attribute, 512 bytes of MATLAB's header in front."""
    h5py = needed("h5py", "MATLAB v7.3")
    height, width, channels = features.shape
    step = max(1, min(16, channels))
    with h5py.File(path, "x", userblock_size=512) as file:
        data = file.create_dataset("embedmap", (channels, width, height), dtype, track_times=False)
        data.attrs["MATLAB_class"] = np.bytes_("single")
        for c in range(0, channels, step):
            progress.report(c / channels)
            block = converted_block(features[:, :, c : c + step], dtype, (0, 0, c))
            data[c : c + step] = channel_first(block, (2, 1, 0))
        letters = np.frombuffer(text.encode("utf-16-le"), "<u2")
        words = file.create_dataset("metadata", data=letters[:, None], track_times=False)
        words.attrs["MATLAB_class"] = np.bytes_("char")
        words.attrs["MATLAB_int_decode"] = np.int32(2)
    with open(path, "r+b") as header:
        header.write(_MAT73.ljust(116) + bytes(8) + (0x0200).to_bytes(2, "little") + b"IM")


def channel_names(channels: int) -> list[str]:
    """Names of an EXR's channels, whose sorted order is the features' order; R, G, B of three."""
    if channels == 3:
        return ["R", "G", "B"]
    digits = max(3, len(str(channels - 1)))
    return [f"feature.{i:0{digits}d}" for i in range(channels)]


def _write_exr(path: Path, features: NDArray[Any], dtype: np.dtype[Any], text: str, progress: Progress) -> None:
    exr, imath = needed("OpenEXR", "EXR"), needed("Imath", "EXR")
    height, width, channels = features.shape
    names = channel_names(channels)
    kind = imath.PixelType.HALF if dtype.itemsize == 2 else imath.PixelType.FLOAT
    header = exr.Header(width, height)
    header["channels"] = dict.fromkeys(names, imath.Channel(imath.PixelType(kind)))
    header["compression"] = imath.Compression(imath.Compression.NO_COMPRESSION)  # ZIP: 5 % smaller, 10 times slower
    header["sss_metadata"] = text.encode()
    header[COLOUR_SPACE] = DATA.encode()  # or R, G and B would be taken for linear light
    file = exr.OutputFile(str(path), header)
    try:
        for block in _blocks(features, dtype, progress):
            planes = channel_first(block, (2, 0, 1))
            file.writePixels({name: plane.tobytes() for name, plane in zip(names, planes, strict=True)}, len(block))
    finally:
        file.close()


def _write_tiff(path: Path, features: NDArray[Any], dtype: np.dtype[Any], text: str, progress: Progress) -> None:
    tifffile = needed("tifffile", "TIFF")
    height, width, channels = features.shape
    rows = min(height, block_rows(width, channels))
    tifffile.imwrite(
        path,
        _blocks(features, dtype, progress, rows),
        shape=(height, width, channels) if channels > 1 else (height, width),
        dtype=dtype,
        rowsperstrip=rows,
        photometric="rgb" if channels == 3 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        bigtiff=features.size * dtype.itemsize >= BIGTIFF_FROM,
        byteorder="<",
        description=json.dumps(json.loads(text), sort_keys=True),  # a TIFF's text is ASCII
        metadata=None,
        software="sss-features",
    )


_Writer = Callable[[Path, NDArray[Any], "np.dtype[Any]", str, Progress], None]
_WRITERS: dict[str, _Writer] = {
    "npz16": _write_npz,
    "npz32": _write_npz,
    "npy": _write_npy,
    "mat": _write_mat,
    "exr": _write_exr,
    "tiff": _write_tiff,
}
