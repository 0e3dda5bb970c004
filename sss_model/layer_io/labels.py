"""Layers as hard labels, for programs that learn from masks: an index PNG, and COCO's JSON with run lengths.

A pixel has the number of its strongest layer, from 1 on in the layers' order, and 0 where what no layer covers is more
than any of them does; so the index PNG and the JSON's categories agree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats
from sss_model.errors import ParameterError
from sss_model.files.export import ExportError, write_index
from sss_model.layer_io.layers import Layers
from sss_model.storage.atomic_write import replacing

# P. Green-Armytage, "A colour alphabet and the limits of colour coding" (2010): amethyst to zinnia
ALPHABET = np.array(
    [(240, 163, 255), (0, 117, 220), (153, 63, 0), (76, 0, 92), (25, 25, 25), (0, 92, 49), (43, 206, 72),
     (255, 204, 153), (128, 128, 128), (148, 255, 181), (143, 124, 0), (157, 204, 0), (194, 0, 136), (0, 51, 128),
     (255, 164, 5), (255, 168, 187), (66, 102, 0), (255, 0, 16), (94, 241, 242), (0, 153, 143), (224, 255, 102),
     (116, 10, 255), (153, 0, 0), (255, 255, 128), (255, 255, 0), (255, 80, 5)],
    np.uint8,
)  # fmt: skip
_MOST = 255
_ROWS = 2**20  # pixels at a time


def strongest(alphas: Floats) -> NDArray[np.uint8]:
    """(H, W) uint8: the number, from 1, of each pixel's strongest layer of `alphas` (H, W, N); 0 where none is.

    Examples
    --------
    >>> strongest(np.array([[[0.7, 0.3], [0.1, 0.2], [0.5, 0.5]]], np.float32)).tolist()
    [[1, 0, 1]]
    """
    height, width, count = alphas.shape
    if count > _MOST:
        raise ParameterError(f"An index PNG has room for {_MOST} layers, got {count}.")
    labels = np.empty((height, width), np.uint8)
    step = max(1, _ROWS // width)
    for top in range(0, height, step):
        block = alphas[top : top + step]
        uncovered = 1 - block.sum(axis=2) > block.max(axis=2)
        labels[top : top + step] = np.where(uncovered, 0, block.argmax(axis=2) + 1)
    return labels


def write_labels(path: Path, layers: Layers) -> None:
    """Write the number of each pixel's strongest layer as an 8-bit PNG with a palette; 0, black, where there is none.

    Raises
    ------
    ParameterError : more than 255 layers
    ExportError : the file cannot be written
    """
    palette = np.zeros((256, 3), np.uint8)
    palette[1:] = np.take(ALPHABET, range(_MOST), axis=0, mode="wrap")
    write_index(path, strongest(layers.alphas), palette)


def write_coco(path: Path, layers: Layers, metadata: Mapping[str, Any]) -> None:
    """Write the strongest layers as COCO's instances JSON: a category a layer, its mask as compressed run lengths.

    The picture's `file_name` is the metadata's `source`. Raises as `write_labels`.
    """
    height, width = layers.image.shape[:2]
    name = str(metadata.get("source", "picture"))
    content = {
        "images": [{"id": 1, "file_name": name, "width": width, "height": height}],
        "categories": [{"id": k, "name": title} for k, title in enumerate(layers.names, 1)],
        "annotations": _annotations(strongest(layers.alphas), len(layers.names)),
    }
    write_coco_json(path, content)


def write_coco_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as the JSON `path`, whole or not at all; raises `ExportError`."""
    with replacing(path, ExportError) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8", errors="replace")


def joined_coco(contents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One COCO content of those of several pictures, `write_coco`'s; categories are joined by their names."""
    numbers: dict[str, int] = {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for picture, content in enumerate(contents, 1):
        titles = {entry["id"]: numbers.setdefault(entry["name"], len(numbers) + 1) for entry in content["categories"]}
        images += [{**entry, "id": picture} for entry in content["images"]]
        for entry in content["annotations"]:
            ours = {"id": len(annotations) + 1, "image_id": picture, "category_id": titles[entry["category_id"]]}
            annotations.append({**entry, **ours})
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    return {"images": images, "categories": categories, "annotations": annotations}


def _annotations(labels: NDArray[np.uint8], count: int) -> list[dict[str, Any]]:
    """One of each of the labels 1 to `count` that some pixel has."""
    found: list[dict[str, Any]] = []
    for k in range(1, count + 1):
        mask = labels == k
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            continue
        x, y = int(columns[0]), int(rows[0])
        runs = {"size": list(mask.shape), "counts": compressed_runs(run_lengths(mask))}
        found.append(
            {
                "id": len(found) + 1,
                "image_id": 1,
                "category_id": k,
                "iscrowd": 0,
                "area": int(mask.sum()),
                "bbox": [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1],
                "segmentation": runs,
            }
        )
    return found


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """COCO's run lengths of `mask` (H, W): column by column, pixels outside and inside in turn, outside first.

    Examples
    --------
    >>> run_lengths(np.array([[False, True], [True, False]]))
    [1, 2, 1]
    """
    pixels = mask.ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    runs: list[int] = np.diff([0, *changes, len(pixels)]).tolist()
    return [0, *runs] if pixels[0] else runs


def compressed_runs(runs: Sequence[int]) -> str:
    """`runs` as COCO's text: each, from the fourth on as its difference to the last but one, in digits of five bits.

    Examples
    --------
    >>> compressed_runs([1, 2, 1])
    '121'
    """
    return "".join(_digits(run - last) for run, last in zip(runs, [0, 0, 0, *runs[1:]], strict=False))


def _digits(value: int) -> str:
    text = ""
    while True:
        digit, value = value & 0x1F, value >> 5
        last = value == (-1 if digit & 0x10 else 0)
        text += chr(48 + (digit if last else digit | 0x20))
        if last:
            return text
