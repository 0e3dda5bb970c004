"""Files of label numbers, PNG or MATLAB's: reading them, and what can be told of them without reading all."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sss_model.array_types import Labels
from sss_model.datasets.read_faults import fault
from sss_model.errors import DatasetError
from sss_model.feature_io.mat_elements import check_elements


def read_label_map(path: Path, annotator: int = 0, *, packed: bool = False) -> Labels:
    """The numbers (H, W) int32 in a label file.

    Parameters
    ----------
    annotator : which of the maps in a `.mat` of BSDS500
    packed : three channels are the bytes of one number, as in panoptic PNGs; else they must be one grey channel thrice

    Raises
    ------
    DatasetError : missing, damaged, or colours instead of numbers
    """
    if path.suffix == ".mat":
        return _read_mat(path, annotator)
    try:
        with Image.open(path) as file:
            content = np.asarray(file)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise DatasetError(f"The label map {path} cannot be read: {fault(error)}.") from error
    if content.ndim == 3 and content.shape[2] == 2:  # grey and alpha
        content = content[..., 0]
    if content.ndim == 3 and content.shape[2] >= 3:
        return _unpacked(content) if packed else _grey(content, path)
    if content.ndim != 2:
        raise DatasetError(f"The label map {path} must have one or three channels, got shape {content.shape}.")
    return content.astype(np.int32)


def _unpacked(content: NDArray[Any]) -> Labels:
    wide = content[..., :3].astype(np.int32)
    numbers: Labels = wide[..., 0] + 256 * wide[..., 1] + 65536 * wide[..., 2]
    return numbers


def _grey(content: NDArray[Any], path: Path) -> Labels:
    if (content[..., :1] != content[..., 1:3]).any():
        raise DatasetError(
            f"The label map {path} is in colour: expected one number a pixel, as a grey or palette PNG.",
            hint="Segment ids in three bytes are read with a panoptic_*.json, as panoptic:DIR.",
        )
    return content[..., 0].astype(np.int32)


def _read_mat(path: Path, annotator: int) -> Labels:
    """COCO-Stuff 10k's variable S, or one annotator's Segmentation of BSDS500."""
    content = _load_mat(path)
    try:
        if "S" in content:
            labels = np.asarray(content["S"]).astype(np.int32)
        else:
            truth = content["groundTruth"].ravel()
            labels = np.asarray(truth[annotator % len(truth)]["Segmentation"][0, 0]).astype(np.int32)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise DatasetError(f"The label map {path} holds neither S nor groundTruth with Segmentation.") from error
    if labels.ndim != 2:
        raise DatasetError(f"The label map {path} must have two axes, height and width, got shape {labels.shape}.")
    return labels


def _load_mat(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        check_elements(path)
        content: dict[str, Any] = loadmat(path)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise DatasetError(f"The label map {path} cannot be read: {fault(error)}.") from error
    return content


def count_annotators(path: Path) -> int:
    """How many label maps a `.mat` of BSDS500 holds.

    Raises
    ------
    DatasetError : damaged, or none in it
    """
    truth = _load_mat(path).get("groundTruth")
    if not isinstance(truth, np.ndarray) or not truth.size:
        raise DatasetError(f"The label map {path} holds no groundTruth.")
    return int(truth.size)


def mat_size(path: Path) -> tuple[int, int] | None:
    """Width and height of the map S in a `.mat`, by its headers; None where it is BSDS500's, which does not tell.

    Raises
    ------
    DatasetError : damaged, cut short, or without a label map
    """
    from scipy.io import whosmat

    try:
        check_elements(path)
        shapes = {name: shape for name, shape, _ in whosmat(path)}
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise DatasetError(f"{path.name} cannot be read: {fault(error)}.") from error
    if _is_cut_short(path):
        raise DatasetError(f"{path.name} is cut short.")
    if len(shapes.get("S", ())) == 2:
        return int(shapes["S"][1]), int(shapes["S"][0])
    if "groundTruth" not in shapes:
        raise DatasetError(f"{path.name} holds neither S nor groundTruth.")
    return None


def _is_cut_short(path: Path) -> bool:
    """Whether the last variable of a MATLAB 5 file ends behind the file's end: `whosmat` does not notice."""
    size, place = path.stat().st_size, 128
    with path.open("rb") as file:
        order = {b"IM": "<", b"MI": ">"}.get(file.read(128)[126:])
        while order and place + 8 <= size:
            file.seek(place + 4)
            place += 8 + struct.unpack(f"{order}I", file.read(4))[0]
    return order is not None and place != size
