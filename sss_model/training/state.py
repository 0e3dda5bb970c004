"""Where a training run stands, on disk: all that makes a resumed run equal an unbroken one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from sss_model.atomic_write import replacing
from sss_model.errors import CheckpointError
from sss_model.network.grid_maps import FeatureNet
from sss_model.training.optimiser import RunningMean, set_constants
from sss_model.training.params import OptimiserParams, TrainParams
from sss_model.training.validation import Score
from sss_model.weights.checkpoint import load_state

LAST = "last.state.pt"
_FORMAT = 1


@dataclass
class TrainState:
    """The moving parts of a run.

    `update` is the number of finished updates, `best` the best score so far; `scores` are the last ones by data set, of
    update `scored`.
    """

    network: FeatureNet
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    mean: RunningMean | None
    update: int = 0
    best: float = float("-inf")
    scores: dict[str, Score] = field(default_factory=dict)
    scored: int | None = None


def save_state(path: Path, state: TrainState, params: TrainParams, pictures: dict[str, int]) -> None:
    """Write `state` to `path`, whole or not at all; `pictures` counts those of each data set."""
    content = {
        "format": _FORMAT,
        "params": params.to_dict(),
        "pictures": pictures,
        "network": state.network.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "scaler": state.scaler.state_dict(),
        "mean": state.mean.state_dict() if state.mean is not None else None,
        "update": state.update,
        "best": state.best,
        "scores": {name: vars(score) for name, score in state.scores.items()},
        "scored": state.scored,
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    with replacing(path, CheckpointError) as temporary:
        torch.save(content, temporary)


def read_state(path: Path) -> dict[str, Any]:
    """The content of a state file, read without executing anything in it.

    Raises
    ------
    CheckpointError : no such file, or not one of this program
    """
    if not path.is_file():
        raise CheckpointError(
            f"There is no training state at {path}.", hint=f"A run writes {LAST} into its output folder."
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path} is not a training state, or is damaged: {error}") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is not a training state of this program (format {_FORMAT}).")
    return content


def restore_state(content: dict[str, Any], state: TrainState, params: OptimiserParams, source: str) -> None:
    """Put `content` of `read_state` into `state`, random generators included; momentum and decay are those of `params`.

    Raises
    ------
    CheckpointError : the weights are of another network, or the run had other moving parts
    """
    before = content["params"]["optimiser"]["optimiser"]
    if before != params.optimiser:
        raise CheckpointError(
            f"{source} was written by the optimiser {before}; it cannot go on with {params.optimiser}."
        )
    load_state(state.network, content["network"], source)
    if (content["mean"] is None) != (state.mean is None):
        raise CheckpointError(
            f"{source} was written {'without' if content['mean'] is None else 'with'} EMA; resume it so."
        )
    try:
        state.optimiser.load_state_dict(content["optimiser"])
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"The optimiser's state in {source} does not fit: {error}") from error
    set_constants(state.optimiser, params)
    if content["scaler"]:  # empty where that run had no float16
        state.scaler.load_state_dict(content["scaler"])
    if state.mean is not None:
        state.mean.load_state_dict(content["mean"])
    state.update, state.best = content["update"], content["best"]
    state.scores = {name: Score(**score) for name, score in content.get("scores", {}).items()}  # older files have none
    state.scored = content.get("scored")
    torch.set_rng_state(content["random"])
    if content["random_cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(content["random_cuda"])
