"""What a user opens: a photograph, or features computed elsewhere with their photograph."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError
from sss_model.feature_io import LAYOUTS, holds_features, read_features, read_strip
from sss_model.image_io import read_image

STRIP = "strip"  # image on the left, its 3-channel map on the right: cannot be told from a photograph
INPUT_LAYOUTS = (*LAYOUTS, STRIP)

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True)
class Input:
    """One opened file.

    Attributes
    ----------
    image : (H, W, 3) float32 RGB in [0, 1]
    features : (H, W, D) as the file has them; None where the network is to compute them
    metadata : what the feature file says of itself
    """

    image: NDArray[np.float32]
    features: NDArray[np.floating[Any]] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def is_feature_file(path: AnyPath) -> bool:
    """Whether `path` holds features rather than a photograph; a TIFF, an EXR and a PNG are looked into."""
    return holds_features(path)


def read_input(path: AnyPath, image: AnyPath | None = None, layout: str | None = None) -> Input:
    """The photograph at `path`, or the features there with their photograph.

    Parameters
    ----------
    image : the photograph of a feature file; None looks for it in the file and beside it
    layout : a feature file's axes, one of `INPUT_LAYOUTS`; None finds out, and an ambiguous file is an error; strip
        takes any picture of even width for photograph and map

    Raises
    ------
    ImageError, FeatureFileError : a file cannot be read, or features have no photograph
    """
    if layout == STRIP:
        return Input(*read_strip(path), {"layout": STRIP})
    if not is_feature_file(path):
        return Input(read_image(path))
    file = read_features(path, image=image, layout=layout)
    if file.image is None:
        name = Path(path).name
        raise FeatureFileError(
            f"{name} holds features, but the photograph that they were computed from was not found.",
            hint=f"Put it beside the file as {Path(path).stem}.jpg or .png, or open both together.",
        )
    return Input(file.image, file.features, dict(file.metadata))
