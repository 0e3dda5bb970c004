"""A small network that weighs the cues: two hidden layers of tanh, taught on pictures whose objects are known.

It sees no feature, only ratios and distances in the picture's own spread (`cues`), and so goes with any model.
`packaging/train_matting.py` makes its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from sss_model.storage.shipped_files import resource

WEIGHTS = "matting.safetensors"
FARTHEST = 4.0  # standard deviations at which a cue is cut


@dataclass(frozen=True, eq=False)
class Judge:
    """Log-odds from cues.

    Attributes
    ----------
    mean, deviation : (C,) float32, of the cues it was taught with
    layers : weights (inputs, outputs) and biases (outputs,), float32
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    layers: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]

    def odds(self, cues: NDArray[np.float32]) -> NDArray[np.float64]:
        """(K,): log p / (1 - p) for each row of `cues` (K, C)."""
        values = np.clip((cues - self.mean) / self.deviation, -FARTHEST, FARTHEST)
        for number, (weights, biases) in enumerate(self.layers):
            values = values @ weights + biases
            if number + 1 < len(self.layers):
                values = np.tanh(values)
        odds: NDArray[np.float64] = values[:, 0].astype(np.float64)
        return odds

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """As the file has it."""
        found = {"mean": self.mean, "deviation": self.deviation}
        for number, (weights, biases) in enumerate(self.layers):
            found |= {f"weights{number}": np.ascontiguousarray(weights), f"biases{number}": biases}
        return found


def read_judge(path: Path) -> Judge:
    """The judge in the file `path`."""
    tensors = load_file(path)
    count = sum(name.startswith("weights") for name in tensors)
    layers = tuple((tensors[f"weights{k}"], tensors[f"biases{k}"]) for k in range(count))
    return Judge(tensors["mean"], tensors["deviation"], layers)


@lru_cache(maxsize=1)
def shipped_judge() -> Judge:
    """The one that comes with the program."""
    return read_judge(resource(WEIGHTS))
