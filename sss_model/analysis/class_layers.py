"""A picture cut into classes that were taught by strokes, as layers: for the window and the commands alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sss_model.analysis.layer_files import record_name
from sss_model.array_types import AnyFloats, Floats
from sss_model.classes import TaughtClasses, class_alphas, confidence
from sss_model.layer_io import Layers
from sss_model.layer_io.labels import joined_coco, write_coco_json
from sss_model.progress import Progress

JOINED = "classes-coco.json"


def class_lead(stem: str) -> str:
    """What the files of the classes of the picture `stem` begin with, so that they replace nothing else of it."""
    return f"{stem}-classes"


def class_layers(
    classes: TaughtClasses, features: AnyFloats, guide: Floats, image: Floats, progress: Progress
) -> tuple[Layers, float]:
    """The classes of a picture as layers in their order, and how sure they are of it, 0 to 1 with four digits.

    Parameters
    ----------
    features : (h, w, D), of the model that taught the classes
    guide : (h, w, 3) float RGB in [0, 1], the picture on the grid of the features
    image : (H, W, 3) float32 RGB in [0, 1], the picture
    """
    probabilities = classes.probabilities(features)
    alphas = class_alphas(probabilities, guide, image, progress)
    return Layers(image, alphas, classes.names), round(confidence(probabilities), 4)


def class_records(folder: Path, stems: Iterable[str]) -> list[dict[str, Any]]:
    """What the JSONs in `folder` say of the classes of the pictures `stems`; pictures without one are left out."""
    paths = [folder / record_name(class_lead(stem)) for stem in stems]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.is_file()]


def join_class_coco(folder: Path, records: Sequence[Mapping[str, Any]]) -> Path | None:
    """Join the COCO files that pictures' `records` in `folder` name in one, `JOINED`; None where they name none.

    Raises
    ------
    ExportError : it cannot be written
    """
    names = [name for record in records for name in record["files"] if name.endswith("-coco.json")]
    if not names:
        return None
    path = folder / JOINED
    write_coco_json(path, joined_coco([json.loads((folder / name).read_text(encoding="utf-8")) for name in names]))
    return path
