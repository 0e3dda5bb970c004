"""What a training run leaves in its folder: its best and last model, and the state that a resumed run goes on from.

A resumed run equals an unbroken one: the state holds weights, optimiser, averages and random generators. Only the first
process writes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sss_model.atomic_write import replacing
from sss_model.datasets.dataset import Dataset
from sss_model.errors import CheckpointError
from sss_model.network.grid_maps import FeatureNet
from sss_model.training.log import TrainLog
from sss_model.training.optimiser import ExponentialMovingAverage, set_constants
from sss_model.training.params import OptimiserParams, TrainParams
from sss_model.training.run_files import BEST_MODEL, LAST_MODEL, LAST_STATE
from sss_model.training.validation import Score, pca_pictures, validate
from sss_model.weights.checkpoint import load_state, write_checkpoint

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
    mean: ExponentialMovingAverage | None
    update: int = 0
    best: float = float("-inf")
    scores: dict[str, Score] = field(default_factory=dict)
    scored: int | None = None


def save_state(path: Path, state: TrainState, params: TrainParams, pictures: dict[str, int]) -> None:
    """Write `state` to `path`, whole or not at all; `pictures` counts those of each data set.

    Raises
    ------
    CheckpointError : weights that are not finite, with which nobody could go on; the file that was there stays
    """
    broken = [name for name, value in state.network.state_dict().items() if not bool(value.isfinite().all())]
    if broken:
        raise CheckpointError(
            f"The weights are not finite after update {state.update} ({broken[0]}): the state is not saved.",
            hint="The state saved before is kept; lower the rates and resume from it.",
        )
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
            f"There is no training state at {path}.",
            hint=f"A run writes {LAST_STATE} into its output folder.",
            missing=True,
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


@dataclass
class CheckpointManager:
    """Scores the network of `state` and writes it into the folder `output`.

    Parameters
    ----------
    pictures : how many each training set has, for the state
    metadata : what the model files say beside parameters
    """

    state: TrainState
    held_out: Sequence[Dataset]
    params: TrainParams
    output: Path
    device: torch.device
    pictures: dict[str, int]
    metadata: dict[str, Any]

    def validate(self, log: TrainLog) -> None:
        """Score the held-out pictures; a new best is written."""
        if not self.held_out:
            return
        run, update = self.params.run, self.state.update

        def skip(reason: str) -> None:
            log.event("skipped", update=update, reason=reason)

        with self._mean_weights():
            scores = validate(
                self.state.network,
                self.held_out,
                images=run.validate_images,
                longest=run.validate_longest,
                device=self.device,
                scales=self.params.augment.scales,
                skip=skip if run.on_bad == "skip" else None,
            )
            self.state.scores, self.state.scored = scores, update
            mean = _mean_score(scores)
            _report(log, update, mean, scores)
            if mean > self.state.best and update > 0:
                self.state.best = mean
                write_checkpoint(self.output / BEST_MODEL, self.state.network, {**self.metadata, **self._summary()})
            self._show_pictures(log)

    def save(self) -> None:
        """Write the state, and the model as it is now."""
        save_state(self.output / LAST_STATE, self.state, self.params, self.pictures)
        with self._mean_weights():
            write_checkpoint(self.output / LAST_MODEL, self.state.network, {**self.metadata, **self._summary()})

    @contextlib.contextmanager
    def _mean_weights(self) -> Iterator[None]:
        """The network with EMA's weights, where there are any, for a while."""
        mean = self.state.mean
        if mean is not None:
            mean.swap(self.state.network)
        try:
            yield
        finally:
            if mean is not None:
                mean.swap(self.state.network)

    def _show_pictures(self, log: TrainLog) -> None:
        if log.wants_pictures:
            longest = self.params.run.validate_longest
            for name, picture in pca_pictures(self.state.network, self.held_out, longest, self.device):
                log.picture(f"pca/{name}", picture, self.state.update)

    def _summary(self) -> dict[str, Any]:
        """What a model file says of its weights; `auc_update` is the update that the scores are of."""
        auc = {name: round(score.features, 4) for name, score in self.state.scores.items()}
        edges = {n: round(score.edge, 4) for n, score in self.state.scores.items() if score.edge is not None}
        return {"update": self.state.update, "auc": auc, "edge_auc": edges, "auc_update": self.state.scored}


def _mean_score(scores: dict[str, Score]) -> float:
    """What the best model is best at: the mean of pair AUC and edge AUC over the data sets."""
    told = [score.features if score.edge is None else (score.features + score.edge) / 2 for score in scores.values()]
    return float(np.mean(told)) if told else float("-inf")


def _report(log: TrainLog, update: int, mean: float, scores: dict[str, Score]) -> None:
    for name, score in scores.items():
        values = {"auc": score.features, "auc_taps": score.taps, "edge_auc": score.edge, "drift": score.drift}
        log.curves({f"{kind}/{name}": value for kind, value in values.items()}, update)
    log.event("validation", update=update, auc=finite(mean), sets={n: vars(s) for n, s in scores.items()})
    log.say(f"update {update}: mean AUC {mean:.4f}  " + "  ".join(f"{n} {s}" for n, s in scores.items()))


def finite(value: float) -> float | None:
    """`value` as JSON can say it."""
    return value if math.isfinite(value) else None
