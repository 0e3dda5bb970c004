"""What a run finds out and leaves behind: scores of held-out pictures, models, the state. On the first rank only."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sss_model.datasets.dataset import Dataset
from sss_model.training.log import TrainLog
from sss_model.training.params import TrainParams
from sss_model.training.state import LAST, TrainState, save_state
from sss_model.training.validation import Score, validate
from sss_model.weights.checkpoint import write_checkpoint

BEST_MODEL, LAST_MODEL = "best.safetensors", "last.safetensors"


@dataclass
class Keeper:
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
                skip=skip if run.on_bad == "skip" else None,
            )
            self.state.scores, self.state.scored = scores, update
            mean = float(np.mean([s.features for s in scores.values()])) if scores else float("-inf")
            _report(log, update, mean, scores)
            if mean > self.state.best and update > 0:
                self.state.best = mean
                write_checkpoint(self.output / BEST_MODEL, self.state.network, {**self.metadata, **self._summary()})
            self._show_pictures(log)

    def save(self) -> None:
        """Write the state, and the model as it is now."""
        save_state(self.output / LAST, self.state, self.params, self.pictures)
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
            from sss_model.training.pictures import pca_pictures

            longest = self.params.run.validate_longest
            for name, picture in pca_pictures(self.state.network, self.held_out, longest, self.device):
                log.picture(f"pca/{name}", picture, self.state.update)

    def _summary(self) -> dict[str, Any]:
        """What a model file says of its weights; `auc_update` is the update that the scores are of."""
        auc = {name: round(score.features, 4) for name, score in self.state.scores.items()}
        return {"update": self.state.update, "auc": auc, "auc_update": self.state.scored}


def _report(log: TrainLog, update: int, mean: float, scores: dict[str, Score]) -> None:
    for name, score in scores.items():
        log.curves({f"auc/{name}": score.features, f"auc_taps/{name}": score.taps}, update)
    log.event("validation", update=update, auc=finite(mean), sets={n: vars(s) for n, s in scores.items()})
    log.say(f"update {update}: pair AUC {mean:.4f}  " + "  ".join(f"{n} {s}" for n, s in scores.items()))


def finite(value: float) -> float | None:
    """`value` as JSON can say it."""
    return value if math.isfinite(value) else None
