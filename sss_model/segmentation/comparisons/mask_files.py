"""Other programs' segmentations from files: label maps, COCO's outlines, masks in an .npz."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sss_model.datasets.coco import instance_mask, read_annotations, read_instances
from sss_model.datasets.label_maps import read_label_map
from sss_model.errors import DatasetError
from sss_model.params.fields import shown
from sss_model.segmentation.comparisons.hard_segmentation import (
    BACKGROUND,
    HardSegmentation,
    hard_segmentation,
    numbered,
)
from sss_model.storage.json_file import read_json

_SHAPES = ("polygon", "rectangle", "circle", "mask")


def read_masks(path: Path, size: tuple[int, int], stem: str) -> HardSegmentation:
    """Another program's segmentation of a picture, from a file.

    Parameters
    ----------
    path : a label map (index or grey PNG, MATLAB's of BSDS500 and COCO-Stuff), COCO's instances_*.json, the list that
        SAM gives, SA-1B's or labelme's JSON, or an .npz or .npy with labels (H, W) or masks (N, H, W), (N, 1, H, W),
        (1, N, H, W) or (H, W, N), in an .npz with `names` or without; or a folder with one such file a picture, called
        as it is
    size : (H, W) of the picture
    stem : of the picture's file: its entry in a JSON, its file in a folder

    Raises
    ------
    DatasetError : no such file, damaged, of another size, or the picture is not in it
    """
    file = _file_for(path, stem)
    if file.suffix == ".json":
        return _outlined(file, size, stem)
    if file.suffix in (".npz", ".npy"):
        return _masked(file, size)
    labels = read_label_map(file)
    _check_size(file, labels.shape, size)
    return hard_segmentation(labels, {})


def _file_for(path: Path, stem: str) -> Path:
    if not path.is_dir():
        if not path.is_file():
            raise DatasetError(f"There is no file of masks at {path}.", missing=True)
        return path
    for suffix in (".png", ".npz", ".npy", ".json", ".mat"):
        if (path / (stem + suffix)).is_file():
            return path / (stem + suffix)
    raise DatasetError(f"The folder {path} holds no {stem}.png, .npz, .npy, .json or .mat.")


def _outlined(path: Path, size: tuple[int, int], stem: str) -> HardSegmentation:
    content = read_json(path, DatasetError, noun="The file of masks")
    if isinstance(content, list):
        return _listed(path, content, size)
    if isinstance(content, dict) and "shapes" in content:
        return _drawn(path, content, size)
    if isinstance(content, dict) and "images" not in content and isinstance(content.get("annotations"), list):
        return _listed(path, content["annotations"], size)
    described = read_instances(path).get(stem)
    if described is None:
        raise DatasetError(f"{path} says nothing of a picture {stem}.")
    _check_size(path, described.size or size, size)
    try:
        titles = {entry["id"] - 1: str(entry["name"]) for entry in read_annotations(path).get("categories", [])}
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"The categories of {path} are not COCO's: expected a list of id and name.") from error
    labels, names = np.zeros(size, np.int32), {0: BACKGROUND}
    for k, instance in enumerate(described.instances, 1):  # by falling area: the smaller lie on the larger
        labels[instance_mask(instance.segmentation, size)] = k
        names[k] = titles.get(instance.label, f"class-{instance.label + 1}")
    return hard_segmentation(labels, numbered(names))


def _listed(path: Path, entries: Sequence[Any], size: tuple[int, int]) -> HardSegmentation:
    """SAM's list of one picture's masks, of which each has an outline or run lengths under `segmentation`."""
    outlines = [entry.get("segmentation") for entry in entries if isinstance(entry, dict)]
    if not outlines or len(outlines) < len(entries) or None in outlines:
        raise DatasetError(f"{path} is no list of masks: expected entries with 'segmentation'.")
    for outline in outlines:
        if isinstance(outline, dict) and isinstance(outline.get("size"), list):
            _check_size(path, outline["size"], size)
    return _stacked(np.stack([_listed_mask(path, outline, size) for outline in outlines]), ())


def _listed_mask(path: Path, outline: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask as outlines, run lengths, or its rows of truth values."""
    rows = outline if isinstance(outline, list) and all(isinstance(row, list) for row in outline) else []
    if rows and all(isinstance(value, bool) for row in rows for value in row):
        _check_size(path, (len(rows), max(map(len, rows))), size)
        return np.array([[*row, *[False] * (size[1] - len(row))] for row in rows])
    return instance_mask(outline, size)


def _drawn(path: Path, content: dict[str, Any], size: tuple[int, int]) -> HardSegmentation:
    """labelme's shapes: polygons, rectangles, circles and masks with their labels."""
    _check_size(path, (content.get("imageHeight") or size[0], content.get("imageWidth") or size[1]), size)
    try:
        shapes = [shape for shape in content["shapes"] if shape.get("shape_type", "polygon") in _SHAPES]
        masks = [_drawn_mask(shape, size) for shape in shapes]
        names = [str(shape["label"]) for shape in shapes]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, OSError, SyntaxError) as error:
        raise DatasetError(f"The shapes of {path} are not labelme's: expected label and points.") from error
    if not masks:
        raise DatasetError(f"{path} holds no polygon, rectangle, circle or mask.")
    return _stacked(np.stack(masks), [numbered(dict(enumerate(names)))[k] for k in range(len(names))])


def _drawn_mask(shape: dict[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask (H, W) of a shape; of the kind mask the shape has its pixels, a PNG in base64, and their first corner."""
    if shape.get("shape_type") != "mask":
        return instance_mask([_outline(shape)], size)
    left, top = (int(value) for value in shape["points"][0])
    with Image.open(io.BytesIO(base64.b64decode(shape["mask"])), formats=["PNG"]) as picture:
        if picture.height > size[0] or picture.width > size[1]:
            raise ValueError("a mask larger than the picture")
        pixels = np.asarray(picture.convert("L")) > 0
    result = np.zeros(size, bool)
    rows, columns = np.nonzero(pixels)
    inside = (rows + top >= 0) & (rows + top < size[0]) & (columns + left >= 0) & (columns + left < size[1])
    result[rows[inside] + top, columns[inside] + left] = True
    return result


def _outline(shape: dict[str, Any]) -> list[float]:
    """x and y of a shape's corners, one after the other."""
    points = np.array(shape["points"], float)
    if not np.isfinite(points).all():
        raise ValueError("points that are not finite")
    kind = shape.get("shape_type", "polygon")
    if kind == "rectangle":
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        points = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    elif kind == "circle":
        angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        radius = np.hypot(*(points[1] - points[0]))
        points = points[0] + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [float(value) for value in points.ravel()]


def _masked(path: Path, size: tuple[int, int]) -> HardSegmentation:
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            arrays: dict[str, NDArray[Any]] = {"masks": content}
        else:
            with content:  # a member that is no .npy comes as bytes
                arrays = {name: np.asarray(content[name]) for name in content.files}
    except Exception as error:  # on damaged bytes the zip and npy parsers raise anything
        raise DatasetError(f"{path} is damaged, or no file of plain arrays.") from error
    wanted: list[str] = [name for name in ("masks", "alphas", "labels", "segmentation") if name in arrays]
    arrays = {name: _without_axis_of_one(a) for name, a in arrays.items()}
    wanted = wanted or [name for name, array in arrays.items() if array.ndim in (2, 3)]
    if len(wanted) == 0:
        raise DatasetError(f"{path} holds no masks: expected an array masks (N, H, W) or labels (H, W).")
    array = arrays[wanted[0]]
    if array.dtype.kind not in "fiub" or array.ndim not in (2, 3):
        what = f"{wanted[0]} of {array.dtype.name} and {array.ndim} axes"
        raise DatasetError(f"{path} holds {what}; expected numbers: masks (N, H, W) or labels (H, W).")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DatasetError(f"{path} holds NaN or infinity in {wanted[0]}; expected finite numbers.")
    listed = [str(name) for name in arrays.get("names", np.array([])).ravel()]
    if array.ndim == 2:
        _check_size(path, array.shape, size)
        return hard_segmentation(array.astype(np.int64), dict(enumerate(listed)))
    masks = array if array.shape[1:] == size else np.moveaxis(array, 2, 0)
    _check_size(path, masks.shape[1:], size)
    return _stacked(masks > 0.5, listed)


def _without_axis_of_one(masks: NDArray[Any]) -> NDArray[Any]:
    """Masks (N, 1, H, W) or (1, N, H, W) as (N, H, W)."""
    if masks.ndim == 4 and 1 in masks.shape[:2]:
        return masks[:, 0] if masks.shape[1] == 1 else masks[0]
    return masks


def _stacked(masks: NDArray[np.bool_], listed: Sequence[str]) -> HardSegmentation:
    """Masks (N, H, W) that may overlap, the smaller on the larger; what none covers is the background."""
    labels, names = np.zeros(masks.shape[1:], np.int32), {0: BACKGROUND}
    for k in np.argsort(-masks.sum((1, 2)), kind="stable"):
        labels[masks[k]] = k + 1
        names[int(k) + 1] = listed[k] if k < len(listed) else f"mask-{k + 1}"
    return hard_segmentation(labels, names)


def _check_size(path: Path, found: Sequence[int], size: tuple[int, int]) -> None:
    if tuple(found) != tuple(size):
        said = " x ".join(shown(side) for side in reversed(found)) or "no"
        raise DatasetError(f"{path} is of a picture of {said} pixels, this one has {size[1]} x {size[0]}.")
