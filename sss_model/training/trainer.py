"""Training: images, sampled pixels, eq. (1), one update; now and then a look at held-out pictures.

Supplement, section 1: one image a mini-batch, ten samplings of it accumulated into one update. Only the sampled pixels
pay for the head: branch maps are interpolated there, which is what upsampling gives there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sss_model.datasets.dataset import Dataset
from sss_model.errors import ParameterError, SSSError
from sss_model.network.grid_maps import FeatureNet
from sss_model.training.checkpoints import BEST_MODEL, LAST_MODEL, Keeper, finite
from sss_model.training.data_loading import Numbers, Visit, Visits, serve
from sss_model.training.distributed import Ranks
from sss_model.training.log import SilentLog, TrainLog
from sss_model.training.loss import pair_statistics, training_loss
from sss_model.training.optimiser import RunningMean, build_optimiser, set_rates, set_training_mode
from sss_model.training.params import TrainParams
from sss_model.training.state import LAST, TrainState, restore_state
from sss_model.training.validation import Score

__all__ = ["BEST_MODEL", "LAST_MODEL", "Trained", "Trainer"]


class SampledFeatures(nn.Module):
    """Features at sampled pixels as one module's `forward`, which is what DDP watches."""

    def __init__(self, network: FeatureNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, points: Tensor) -> Tensor:
        """Features (N, P, D) of `images` (N, 3, H, W) at `points` (N, P, 2)."""
        return self.network.features_at(self.network.branches(images), points)


@dataclass(frozen=True)
class Trained:
    """How a run ended: its `update`, whether it was `stopped` before its end, the last `scores` by data set."""

    update: int
    stopped: bool
    scores: dict[str, Score]


class Trainer:
    """One training run in `output`.

    Parameters
    ----------
    network : its weights are where training starts
    training, held_out : data sets; the second may be empty
    params : the recipe
    output : an existing folder for `last.state.pt`, `last.safetensors`, `best.safetensors` and `log.jsonl`
    ranks : this process among those that train together
    state : content of `train_state.read_state` to go on from
    metadata : what the model files say beside parameters
    """

    def __init__(
        self,
        network: FeatureNet,
        training: Sequence[Dataset],
        held_out: Sequence[Dataset],
        params: TrainParams,
        output: Path,
        *,
        ranks: Ranks | None = None,
        state: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._ranks = ranks or Ranks()
        accumulate = params.optimiser.grad_accum
        if accumulate % self._ranks.size:
            raise ParameterError(
                f"grad_accum (images an update) must be a multiple of the {self._ranks.size} ranks, got {accumulate}."
            )
        self._device = self._ranks.device(params.run.device)
        self._network = network.to(self._device)
        self._params, self._output, self._metadata = params, output, metadata or {}
        self._visits = Visits(training, params)
        optimiser = build_optimiser(self._network, params.optimiser)
        scaler = torch.amp.GradScaler(self._device.type, enabled=params.run.amp == "float16")
        mean = RunningMean(self._network, params.optimiser.ema) if params.optimiser.ema > 0 else None
        self._state = TrainState(self._network, optimiser, scaler, mean)
        self._pictures = {data.name: len(data) for data in training}
        self._pictures_before = state.get("pictures", self._pictures) if state is not None else self._pictures
        torch.manual_seed(params.run.seed)
        if state is not None:
            restore_state(state, self._state, params.optimiser, LAST)
            if not (output / BEST_MODEL).exists():
                self._state.best = float("-inf")  # there is no model that it is the score of
        self._keeper = Keeper(self._state, held_out, params, output, self._device, self._pictures, self._metadata)
        self._log: TrainLog = SilentLog()
        self._skipped = 0

    def run(self, stop: Callable[[], bool] = lambda: False) -> Trained:
        """Train to the last update, or until `stop()`; both save."""
        params, state = self._params, self._state
        if self._ranks.first:
            self._log = TrainLog(self._output, params.run.iterations, state.update, tensorboard=params.run.tensorboard)
        with self._log:
            self._begin()
            with serve(self._visits, self._numbers(), params.run.workers) as visits:
                try:
                    stopped = self._updates(visits, stop)
                except SSSError:
                    self._save_before_failing()
                    raise
            self._end(stopped)
        return Trained(state.update, stopped, state.scores)

    def _begin(self) -> None:
        self._log.event(
            "start",
            update=self._state.update,
            device=str(self._device),
            params=self._params.to_dict(),
            **self._metadata,
        )
        if self._pictures != self._pictures_before:
            self._log.event("pictures_changed", before=self._pictures_before, now=self._pictures)
            self._log.say("The data sets are not those that this run began with; pictures come in another order now.")

    def _updates(self, visits: Iterator[Visit], stop: Callable[[], bool]) -> bool:
        """All updates that are left; True where `stop()` ended them."""
        params, state = self._params, self._state
        if state.update == 0:
            self._validate()
        step = self._prepare()
        while state.update < params.run.iterations:
            if self._ranks.any(stop()):
                return True
            if state.update == params.optimiser.freeze_updates > 0:
                step = self._prepare()
            self._update(step, visits)
            if self._finish_update():
                set_training_mode(self._network, params.optimiser, frozen=self._frozen)
        return False

    @property
    def _frozen(self) -> bool:
        return self._state.update < self._params.optimiser.freeze_updates

    def _numbers(self) -> Numbers:
        """This rank's draws from the present update on."""
        images, ranks = self._params.optimiser.grad_accum, self._ranks
        return Numbers(self._state.update * images, self._params.run.iterations * images, ranks.rank, ranks.size)

    def _prepare(self) -> nn.Module:
        """The network in training mode, under DDP where there are several ranks."""
        set_training_mode(self._network, self._params.optimiser, frozen=self._frozen)
        return self._ranks.wrap(SampledFeatures(self._network), self._device)

    def _update(self, step: nn.Module, visits: Iterator[Visit]) -> None:
        """Gradients of this rank's images, one optimiser step."""
        params, state = self._params, self._state
        images = params.optimiser.grad_accum // self._ranks.size
        set_rates(state.optimiser, state.update, params.run.iterations, params.optimiser)
        state.optimiser.zero_grad(set_to_none=True)
        begun, losses, last = time.perf_counter(), [], None
        for k in range(images):
            visit = next(visits)
            self._note_skipped(visit)
            torch.manual_seed(params.run.seed * 2**32 + visit.number)  # dropout too belongs to the draw
            with self._ranks.hold_gradients(step, hold=k + 1 < images):
                features, labels = self._features(step, visit)
                loss = training_loss(features, labels, params.loss)
                factor = params.sampling.samplings if params.loss.accumulate == "sum" else 1
                state.scaler.scale(loss * (factor / images)).backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
            last = features, labels
        if not all(map(math.isfinite, losses)):
            raise ParameterError(
                f"The loss is not finite in update {state.update + 1}.", hint="Lower the rates, or set --clip-grad."
            )
        norm = self._step()
        state.update += 1
        loss_now = self._ranks.mean(float(np.mean(losses)))
        self._log.advance(state.update, loss_now, state.optimiser.param_groups[1]["lr"])
        if state.update % params.run.log_every == 0 and self._ranks.first and last is not None:
            self._log_update(loss_now, norm, time.perf_counter() - begun, *last)

    def _note_skipped(self, visit: Visit) -> None:
        for reason in visit.skipped:
            self._log.event("skipped", draw=visit.number, reason=reason)
            if not self._skipped:
                self._log.say(f"skipped   {reason} (the log has those that follow)")
            self._skipped += 1

    def _features(self, step: nn.Module, visit: Visit) -> tuple[Tensor, Tensor]:
        """Features (S, P, D) and labels (S, P) of a visit; all samplings' pixels go through the head at once."""
        image = torch.from_numpy(visit.image)[None].to(self._device, non_blocking=True)
        points = torch.from_numpy(visit.points).to(self._device, non_blocking=True)
        labels = torch.from_numpy(visit.labels).to(self._device, non_blocking=True)
        kind = {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(self._params.run.amp)
        with torch.autocast(self._device.type, dtype=kind, enabled=kind is not None):
            features = step(image, points.reshape(1, -1, 2))
        return features.reshape(*labels.shape, -1), labels

    def _step(self) -> float:
        """One optimiser step; returns the gradients' norm before clipping."""
        state, limit = self._state, self._params.optimiser.clip_grad
        state.scaler.unscale_(state.optimiser)
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), limit if limit > 0 else float("inf"))
        state.scaler.step(state.optimiser)
        state.scaler.update()
        if state.mean is not None:
            state.mean.update(self._network)
        return float(norm)

    def _log_update(self, loss: float, norm: float, seconds: float, features: Tensor, labels: Tensor) -> None:
        pairs = pair_statistics(features[0].detach(), labels[0], self._params.loss)
        base, new = (group["lr"] for group in self._state.optimiser.param_groups)
        values = {
            "loss": loss, "gradient_norm": norm, "rate_backbone": base, "rate_new": new, "seconds": seconds,
            "positive_distance": pairs.positive_distance, "negative_distance": pairs.negative_distance,
            "near_negatives": pairs.near_negatives,
        }  # fmt: skip
        self._log.event("update", update=self._state.update, **values)
        self._log.curves({f"train/{name}": value for name, value in values.items()}, self._state.update)

    def _finish_update(self) -> bool:
        """Validate and save where it is time; True after a validation."""
        run, update = self._params.run, self._state.update
        due = run.validate_every and update % run.validate_every == 0 and update < run.iterations
        if due:
            self._validate()
        if update % run.save_every == 0 and update < run.iterations:
            self._save()
        return bool(due)

    def _end(self, stopped: bool) -> None:
        if not stopped:
            self._validate()
        self._save()
        name, update, best = "stopped" if stopped else "end", self._state.update, finite(self._state.best)
        self._log.event(name, update=update, best=best, skipped=self._skipped)
        if self._skipped:
            self._log.say(f"{self._skipped} draws met a picture that cannot be trained on; the log names them.")

    def _save_before_failing(self) -> None:
        """Keep what was learned before a picture, or the loss, ended the run; the other ranks may never come."""
        if self._ranks.first and self._state.update > 0:
            self._keeper.save()
            self._log.say(f"Saved update {self._state.update}; --resume goes on from there.")

    def _validate(self) -> None:
        if self._ranks.first:
            self._keeper.validate(self._log)
        self._ranks.wait()

    def _save(self) -> None:
        if self._ranks.first:
            self._keeper.save()
        self._ranks.wait()
