"""COCO's annotation files: instances as polygons and run lengths, panoptic segments. Read without pycocotools."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sss_model.errors import DatasetError
from sss_model.storage.json_file import read_json

# what values of another type, huge or not finite raise where they are used
_ODD = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Instance:
    """One annotated object: its number in label maps, its outline as the file has it, its area in pixels."""

    label: int
    segmentation: Any
    area: float


@dataclass(frozen=True)
class PictureAnnotations:
    """What an `instances_*.json` says of a picture: its objects, and its size (H, W) where that is told."""

    instances: tuple[Instance, ...] = ()
    size: tuple[int, int] | None = None


def read_annotations(path: Path) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises
    ------
    DatasetError : unreadable, or not an object
    """
    content = read_json(path, DatasetError, noun="The annotation file")
    if not isinstance(content, dict) or "annotations" not in content:
        raise DatasetError(f"The annotation file {path} must hold an object with 'annotations'.")
    return content


def read_instances(path: Path, *, train_ids: bool = False) -> dict[str, PictureAnnotations]:
    """Every image of an `instances_*.json` by its stem, its objects by falling area.

    Parameters
    ----------
    train_ids : objects bear the rank of their category, as in labelTrainIds maps, not COCO's category number less 1

    Raises
    ------
    DatasetError : unreadable, or another format
    """
    content = read_annotations(path)
    found: dict[int, list[Instance]] = defaultdict(list)
    try:
        number = _ranks(content) if train_ids else {}
        for entry in content["annotations"]:
            category = entry["category_id"]
            label = int(number.get(category, category - 1))
            found[entry["image_id"]].append(Instance(label, entry["segmentation"], _area(entry)))
        return {
            Path(image["file_name"]).stem: PictureAnnotations(
                tuple(sorted(found[image["id"]], key=lambda i: -i.area)), _stated_size(image)
            )
            for image in content["images"]
        }
    except _ODD as error:
        raise DatasetError(
            f"The annotation file {path} is not COCO's instances format: images, or annotations with image_id, "
            "category_id and segmentation, or a part of them is missing or of another kind."
        ) from error


def _area(entry: dict[str, Any]) -> float:
    """An object's area in pixels: as it is told, or by its outline."""
    if "area" in entry:
        return float(entry["area"])
    outline = entry["segmentation"]
    if isinstance(outline, dict):
        runs = outline["counts"] if isinstance(outline["counts"], list) else decompress_runs(outline["counts"])
        return float(sum(runs[1::2]))
    areas = []
    for polygon in outline:
        x, y = np.array(polygon[::2], float), np.array(polygon[1::2], float)
        areas.append(abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2)
    return sum(areas)


def _ranks(content: dict[str, Any]) -> dict[int, int]:
    """Train ids of the categories: COCO's numbers have gaps, train ids have none."""
    listed = [category["id"] for category in content.get("categories", [])]
    used = [entry["category_id"] for entry in content["annotations"]]
    return {category: rank for rank, category in enumerate(sorted({*listed, *used}))}


def _stated_size(image: dict[str, Any]) -> tuple[int, int] | None:
    height, width = image.get("height"), image.get("width")
    return (int(height), int(width)) if height and width else None


def read_panoptic(path: Path) -> dict[str, dict[int, int]]:
    """Category of every segment id of every image of a `panoptic_*.json`, by the PNG's stem."""
    content = read_annotations(path)
    try:
        return {
            Path(entry["file_name"]).stem: {segment["id"]: segment["category_id"] for segment in entry["segments_info"]}
            for entry in content["annotations"]
        }
    except _ODD as error:
        raise DatasetError(
            f"The annotation file {path} is not COCO's panoptic format: annotations with file_name and segments_info, "
            "or a part of them is missing or of another kind."
        ) from error


def instance_mask(segmentation: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask (H, W) of polygons, or of run lengths whether plain or compressed.

    Raises
    ------
    DatasetError : the outline has no known form, or does not fit `size` (H, W)

    Examples
    --------
    >>> instance_mask([[0, 0, 2, 0, 2, 1, 0, 1]], (2, 3)).astype(int).tolist()  # a rectangle of 2 x 1 pixels
    [[1, 1, 0], [0, 0, 0]]
    """
    try:
        if isinstance(segmentation, list):
            return _fill_polygons(segmentation, size)
        if isinstance(segmentation, dict) and {"counts", "size"} <= set(segmentation):
            height, width = (int(side) for side in segmentation["size"])
            return decode_runs(segmentation["counts"], (height, width), size)
    except DatasetError:
        raise
    except _ODD as error:
        raise DatasetError("An instance's outline holds something else than lists of finite numbers.") from error
    raise DatasetError(f"An instance's outline must be polygons or run lengths, got {type(segmentation).__name__}.")


def _fill_polygons(outlines: list[list[float]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose centres lie inside: drawn three times as large, where every third sample is a pixel's centre."""
    mask = Image.new("1", (3 * size[1], 3 * size[0]))
    pen = ImageDraw.Draw(mask)
    for outline in outlines:
        if len(outline) >= 6:
            pen.polygon([(3 * x - 0.5, 3 * y - 0.5) for x, y in zip(outline[::2], outline[1::2], strict=True)], fill=1)
    return np.asarray(mask, bool)[1::3, 1::3]


def decode_runs(counts: list[int] | str | bytes, stored: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask (H, W) of COCO's run lengths: column by column, alternately outside and inside.

    Examples
    --------
    >>> decode_runs([1, 2, 1], (2, 2), (2, 2)).astype(int).tolist()
    [[0, 1], [1, 0]]
    """
    runs = np.asarray(counts if isinstance(counts, list) else decompress_runs(counts), np.int64)
    if stored != size or runs.sum() != size[0] * size[1] or (runs < 0).any():
        raise DatasetError(
            f"Run lengths cover {int(runs.sum())} pixels of a {stored} mask; expected {size[0] * size[1]} of {size}."
        )
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(size, order="F")


def decompress_runs(text: str | bytes) -> list[int]:
    """COCO's compressed run lengths: five bits a character, signed differences to the run before last."""
    data = text.encode("ascii") if isinstance(text, str) else text
    runs: list[int] = []
    place = 0
    while place < len(data):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(data):
                raise DatasetError("Compressed run lengths end in the middle of a number.")
            digit = data[place] - 48
            value |= (digit & 0x1F) << shift
            more = bool(digit & 0x20)
            place, shift = place + 1, shift + 5
            if not more and digit & 0x10:
                value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs
