"""Small data sets on disk, in the layouts that the loaders know; and a small recipe to train on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sss_model.datasets.dataset import Dataset, open_dataset
from sss_model.params import DataSource
from sss_model.training.params import TrainParams

SIZE = (48, 64)


def scene(seed: int, *, size: tuple[int, int] = SIZE) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture (H, W, 3) of three flat, noisy regions and its labels 0, 1, 2, with a void corner."""
    rng = np.random.default_rng(seed)
    height, width = size
    labels = np.zeros(size, np.uint8)
    labels[:, width // 3 + seed % 5 :] = 1
    labels[height // 2 + seed % 7 :, width // 2 :] = 2
    colours = np.array([[200, 60, 40], [40, 180, 70], [50, 70, 210]])
    picture = colours[labels] + rng.integers(-30, 30, (*size, 3))
    labels[:4, :4] = 255
    return np.clip(picture, 0, 255).astype(np.uint8), labels


def folder_set(root: Path, count: int = 8) -> Path:
    """images/STEM.png with labels/STEM.png."""
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    for k in range(count):
        picture, labels = scene(k)
        Image.fromarray(picture).save(root / "images" / f"view{k}x.png")
        Image.fromarray(labels).save(root / "labels" / f"view{k}x.png")
    return root


def coco_json(
    path: Path,
    stems: list[str],
    annotations: list[dict[str, Any]],
    *,
    size: tuple[int, int] = SIZE,
    categories: tuple[int, ...] = (),
) -> None:
    """An `instances_*.json`; each annotation needs image_id, category_id and segmentation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"id": int(s), "file_name": f"{s}.jpg", "height": size[0], "width": size[1]} for s in stems]
    entries = [{"id": k, "iscrowd": 0, "area": 100.0, **a} for k, a in enumerate(annotations)]
    content = {"images": images, "annotations": entries, "categories": [{"id": c} for c in categories]}
    path.write_text(json.dumps(content), encoding="utf-8")


def save_jpeg(path: Path, seed: int = 0) -> None:
    """A picture of `SIZE`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(seed)[0]).save(path)


def save_map(path: Path, labels: NDArray[Any]) -> None:
    """An index PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels).save(path)


def cocostuff_set(root: Path, maps: dict[str, np.ndarray], split: str = "train2017") -> Path:
    """images/SPLIT/ID.jpg with stuffthingmaps_trainval2017/SPLIT/STEM.png, where STEM begins with ID."""
    for stem, labels in maps.items():
        save_jpeg(root / "images" / split / f"{stem.split('_')[0]}.jpg")
        save_map(root / "stuffthingmaps_trainval2017" / split / f"{stem}.png", labels)
    return root


def open_set(root: Path, kind: str = "auto", **changes: object) -> Dataset:
    """All of the data set in `root`."""
    return open_dataset(DataSource(str(root), kind, **changes))  # type: ignore[arg-type]


def bsds_truth(maps: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The variables of a `.mat` of BSDS500, a map an annotator."""
    truth = np.empty((1, len(maps)), object)
    for k, labels in enumerate(maps):
        truth[0, k] = {"Segmentation": labels, "Boundaries": labels > 1}
    return {"groundTruth": truth}


SMALL: dict[str, dict[str, Any]] = {
    "network": {
        "backbone": "test_efficientnet",
        "output_stride": 32,
        "branch_channels": (2, 3, 4, 4, 4),
        "hidden_channels": 16,
        "feature_channels": 8,
        "tap_scale": "rms",
        "dropout": 0.5,
    },
    "sampling": {"instances": 3, "pixels": 40, "samplings": 2, "min_area": 20},
    "loss": {"loss": "tanh", "distance_scale": 1.0, "accumulate": "mean"},
    "augment": {"crop": 40, "colour": 0.2},
    "optimiser": {
        "optimiser": "adamw",
        "rate": 3e-3,
        "base_rate": 1e-3,
        "freeze_updates": 3,
        "warmup": 2,
        "grad_accum": 2,
        "ema": 0.9,
    },
    "run": {
        "iterations": 8,
        "workers": 0,
        "holdout": 0.3,
        "validate_every": 4,
        "validate_images": 4,
        "save_every": 4,
        "log_every": 1,
        "device": "cpu",
    },
}


def small_params(**changes: dict[str, Any]) -> TrainParams:
    """A recipe that trains in a second, with sections changed."""
    return TrainParams().with_values(SMALL).with_values(changes)
