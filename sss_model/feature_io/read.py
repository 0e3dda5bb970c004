"""A feature file, ours or computed elsewhere -> features of every pixel of its photograph."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError, ParameterError
from sss_model.feature_io.axis_order import (
    AXIS_ORDERS,
    TOKENS,
    check_axis_order,
    check_rows_first,
    decide_axis_order,
    to_channel_last,
    upsample_grid,
)
from sss_model.feature_io.companion_files import find_image_for, read_record
from sss_model.feature_io.readers import read_stored_array
from sss_model.feature_io.stored_array import StoredArray, plainly
from sss_model.feature_io.strip import read_strip
from sss_model.feature_io.tokens import is_tokens, to_grid
from sss_model.feature_io.write import block_rows
from sss_model.image_io import read_image

FEWEST_CHANNELS = 3  # of the projection to red, green and blue


@dataclass(frozen=True)
class FeatureFile:
    """Features read from a file.

    Attributes
    ----------
    features : (H, W, D) float32, finite, D >= 3; of a patch grid without a picture (h, w, D)
    image : (H, W, 3) float32 RGB in [0, 1] of the same H and W; None where no picture was found
    metadata : what the file, or the JSON beside it, says; {} for files of other programs
    axis_order : how the array lay in the file, one of `AXIS_ORDERS`, or "strip"
    image_path : the photograph found beside the file or given; None otherwise
    """

    features: NDArray[np.float32]
    image: NDArray[np.float32] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    axis_order: str = "HWD"
    image_path: Path | None = None


def read_features(
    path: str | os.PathLike[str],
    *,
    image: NDArray[np.float32] | str | os.PathLike[str] | None = None,
    axis_order: str | None = None,
) -> FeatureFile:
    """The features in the file `path`.

    Parameters
    ----------
    path : .npz or .mat (`features`, `embedmap`, or the single array of 3 axes), .npy, .exr (channels in natural order),
        .tif, .safetensors, .pt, or .png, an `[image | features]` strip. Any real type of numbers; a leading axis of
        length 1 is dropped. Tokens (N, D) become their grid, without class and register tokens.
    image : the picture they belong to, an image or its path; None takes the one beside the file (`find_image_for`)
    axis_order : which axis is which, one of `AXIS_ORDERS` or `tokens`; None decides by the picture's size, else by
        what the file says, else by the channels being the shortest axis. More than one possibility is an error.

    Returns
    -------
    With a picture, features of its every pixel: a patch grid is upsampled bilinearly. Without, as they are stored.

    Raises
    ------
    FeatureFileError : no feature file, no array in it, wrong axes or type, fewer than 3 channels, NaN or infinity, or
        they do not fit the picture
    ParameterError : `image` is no image or not finite, or an unknown `axis_order`
    ImageError : the picture, or the strip, cannot be read

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/patches.npy", np.ones((3, 4, 8), np.float16))  # one vector for every 16 x 16 pixels
    ...     file = read_features(f"{folder}/patches.npy", image=np.zeros((48, 64, 3), np.float32), axis_order="hwD")
    >>> file.features.shape, file.features.dtype
    ((48, 64, 8), dtype('float32'))
    """
    source = Path(path)
    if source.suffix.lower() == ".png":
        left, right = read_strip(source)
        return FeatureFile(right, left, read_record(source), "strip", source)
    stored = read_stored_array(source)
    pixels, found = _picture(source, image)
    size = (pixels.shape[0], pixels.shape[1]) if pixels is not None else None
    name = f"{source} with the picture {found}" if found is not None else str(source)
    record = read_record(source)
    declared, array, metadata = _declared(stored, record), stored.array, {**record, **stored.metadata}
    if axis_order == TOKENS or (axis_order is None and is_tokens(array.shape, size)):
        _check_numbers(array, source)
        array, metadata["tokens"] = to_grid(array, size, name)
        axis_order = "hwD"
    array = _checked_array(array, source)
    axis_order = _order_of(array.shape, size, axis_order, declared, name, reversible=stored.reversible)
    with plainly(source):
        features = to_channel_last(array, axis_order)
    _check_values(features, source)
    if size is not None and features.shape[:2] != size:
        features = upsample_grid(features, size)
    return FeatureFile(features, pixels, metadata, axis_order, found)


def _order_of(
    shape: tuple[int, ...],
    size: tuple[int, int] | None,
    axis_order: str | None,
    declared: str | None,
    name: str,
    *,
    reversible: bool,
) -> str:
    """Which axis is which: as it was said, where that is possible, else decided."""
    if axis_order is not None:
        check_axis_order(shape, size, axis_order, name)
        return axis_order
    axis_order = decide_axis_order(shape, size, declared, name)
    if reversible:
        check_rows_first(shape, size, axis_order, name)
    return axis_order


def _picture(
    path: Path, image: NDArray[np.float32] | str | os.PathLike[str] | None
) -> tuple[NDArray[np.float32] | None, Path | None]:
    """The picture of the feature file `path` and where it was read from."""
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype.kind != "f":
            raise ParameterError(f"image must be (H, W, 3) float RGB, got {image.shape} {image.dtype}.")
        if not np.isfinite(image).all():
            raise ParameterError("image holds NaN or infinity; expected RGB in [0, 1].")
        return image.astype(np.float32, copy=False), None
    found = find_image_for(path) if image is None else Path(image)
    return (None, None) if found is None else (read_image(found), found)


def _declared(stored: StoredArray, record: dict[str, Any]) -> str | None:
    """The axis order that the file, or our JSON beside it, names."""
    if stored.axis_order in AXIS_ORDERS:
        return stored.axis_order
    return "HWD" if record.get("program") == "sss-features" else None


def _checked_array(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """`array` with 3 axes of real numbers."""
    _check_numbers(array, path)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3 or 0 in array.shape:
        raise FeatureFileError(
            f"{path} holds an array of the shape {array.shape}; expected 3 axes: (H, W, D), (D, H, W) or (h, w, D).",
            hint="Save one feature vector for every pixel or patch of one picture.",
        )
    return array


def _check_numbers(array: NDArray[Any], path: Path) -> None:
    """Raise `FeatureFileError` for anything but real numbers."""
    if array.dtype.kind not in "fiu":
        kinds = {"c": "complex numbers", "b": "truth values", "U": "text", "S": "text", "O": "objects"}
        raise FeatureFileError(
            f"{path} holds {kinds.get(array.dtype.kind, 'records')} ({array.dtype}); expected real numbers.",
            hint="Save the features as a float32 array.",
        )


def _check_values(features: NDArray[np.float32], path: Path) -> None:
    """Raise `FeatureFileError` for too few channels, and for values that are not finite: how many, and the first."""
    height, width, channels = features.shape
    if channels < FEWEST_CHANNELS:
        raise FeatureFileError(
            f"{path} holds {channels} channels a pixel; expected at least {FEWEST_CHANNELS}.",
            hint="If its axes were taken wrongly, say which axis order it has: HWD, DHW, hwD or Dhw.",
        )
    nans = infinities = 0
    first: tuple[int, ...] | None = None
    rows = block_rows(width, channels)
    for y in range(0, height, rows):
        block = features[y : y + rows]
        if np.isfinite(block).all():
            continue
        nans += int(np.count_nonzero(np.isnan(block)))
        infinities += int(np.count_nonzero(np.isinf(block)))
        if first is None:
            row, column, channel = (int(i) for i in np.argwhere(~np.isfinite(block))[0])
            first = (row + y, column, channel)
    if first is not None:
        raise FeatureFileError(
            f"{path} holds {nans} NaN and {infinities} infinite values, the first at row {first[0]}, "
            f"column {first[1]}, channel {first[2]}.",
            hint="Compute the features again, or replace these values.",
        )
