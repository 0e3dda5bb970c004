"""What a stopped run goes on from: the last frame's state, beside the files that were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.files.export import ExportError
from sss_model.matting.classifier import Classifier
from sss_model.matting.recipe import Thing
from sss_model.sequence.carrying import Carried
from sss_model.sequence.tracks import LayerTracks
from sss_model.storage.atomic_write import replacing

State = Carried | LayerTracks
_THING = ("weights", "bias", "inside", "outside")


def save_state(path: Path, made: str, index: int, state: State, *, compressed: bool = False) -> None:
    """Write the `state` of frame `index` of a run that was `made` so, whole or not at all; raises `ExportError`."""
    arrays = {"made": np.array(made), "index": np.array(index)}
    for name, value in vars(state).items():
        if isinstance(value, Thing):
            parts = (value.classifier.weights, value.classifier.bias, value.inside, value.outside)
            arrays |= {f"{name}_{part}": np.asarray(array) for part, array in zip(_THING, parts, strict=True)}
        elif value is not None:
            arrays[name] = value
    with replacing(path, ExportError) as temporary, temporary.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, allow_pickle=False, **arrays)


def load_state(path: Path, made: str) -> tuple[int, State] | None:
    """Frame and state that `save_state` wrote for a run `made` so; None where there is none, or another's."""
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays: dict[str, NDArray[Any]] = {name: content[name] for name in content.files}
        if str(arrays["made"]) != made:
            return None
        index = int(arrays["index"])
        if "alphas" in arrays:
            return index, LayerTracks(arrays["guide"], arrays["alphas"], arrays["features"])
        return index, Carried(arrays["guide"], arrays["coarse"], arrays["alpha"], _thing(arrays))
    except Exception:  # on damaged bytes the zip and npy parsers raise anything; the frame is then computed anew
        return None


def _thing(arrays: dict[str, NDArray[Any]]) -> Thing | None:
    if "taught_bias" not in arrays:
        return None
    weights, bias, inside, outside = (arrays[f"taught_{part}"] for part in _THING)
    return Thing(Classifier(weights, float(bias)), inside, outside)
