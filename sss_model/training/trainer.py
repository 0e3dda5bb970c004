"""Training: images, sampled pixels, eq. (1), one update; now and then a look at held-out pictures.

Supplement, section 1: one image a mini-batch, ten samplings of it accumulated into one update. Only the sampled pixels
pay for the head: branch maps are interpolated there, which is what upsampling gives there.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sss_model.counted import counted
from sss_model.datasets.dataset import Dataset
from sss_model.errors import CheckpointError, ParameterError, SSSError
from sss_model.network.grid_maps import FeatureNet
from sss_model.training.data_loading import Batch, BatchDataset, ProcessSampler, load_batches
from sss_model.training.distributed import ProcessGroup
from sss_model.training.loss import pair_loss, pair_statistics, training_loss
from sss_model.training.optimiser import ExponentialMovingAverage, build_optimiser, set_rates, set_training_mode
from sss_model.training.params import TrainParams
from sss_model.training.run_folder.checkpoints import CheckpointManager, TrainState, finite, restore_state
from sss_model.training.run_folder.file_names import BEST_MODEL, LAST_MODEL, LAST_STATE
from sss_model.training.run_folder.log import TrainLog
from sss_model.training.sampled_features import SampledFeatures
from sss_model.training.teacher import load_teacher, teacher_loss
from sss_model.training.validation import Score

log = logging.getLogger(__name__)

Sampled = tuple[Tensor, Tensor, Tensor]  # features (S, P, D), labels and parts (S, P)
_COLLAPSED = 1e-4  # of the widest distance between pixels so far

__all__ = ["BEST_MODEL", "LAST_MODEL", "Trainer", "TrainingResult"]


@dataclass(frozen=True)
class TrainingResult:
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
    processes : this process among those that train together
    state : content of `checkpoints.read_state` to go on from
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
        processes: ProcessGroup | None = None,
        state: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._processes = processes or ProcessGroup()
        accumulate = params.optimiser.grad_accum
        if accumulate % self._processes.size:
            raise ParameterError(
                f"grad_accum (images an update) must be a multiple of the {self._processes.size} processes, "
                f"got {accumulate}."
            )
        self._device = self._processes.device(params.run.device)
        self._network = network.to(self._device)
        self._params, self._output, self._metadata = params, output, metadata or {}
        self._batches = BatchDataset(training, params)
        self._teacher = load_teacher(params, self._network, self._device)
        optimiser = build_optimiser(self._network, params.optimiser)
        scaler = torch.amp.GradScaler(self._device.type, enabled=params.run.amp == "float16")
        mean = ExponentialMovingAverage(self._network, params.optimiser.ema) if params.optimiser.ema > 0 else None
        self._state = TrainState(self._network, optimiser, scaler, mean)
        self._pictures = {data.name: len(data) for data in training}
        self._pictures_before = state.get("pictures", self._pictures) if state is not None else self._pictures
        torch.manual_seed(params.run.seed)
        if state is not None:
            restore_state(state, self._state, params.optimiser, LAST_STATE)
            if not (output / BEST_MODEL).exists():
                self._state.best = float("-inf")  # there is no model that it is the score of
        self._checkpoints = CheckpointManager(
            self._state, held_out, params, output, self._device, self._pictures, self._metadata
        )
        self._log = TrainLog(None, 0, 0)
        self._skipped = 0
        self._widest, self._collapsed = 0.0, False

    def run(self, stop: Callable[[], bool] = lambda: False) -> TrainingResult:
        """Train to the last update, or until `stop()`; both save."""
        params, state = self._params, self._state
        if self._processes.first:
            self._log = TrainLog(self._output, params.run.iterations, state.update, tensorboard=params.run.tensorboard)
        with self._log:
            self._begin()
            with load_batches(self._batches, self._draws(), params.run.workers) as batches:
                try:
                    stopped = self._all_updates(batches, stop)
                except SSSError:
                    self._save_before_failing()
                    raise
            self._end(stopped)
        return TrainingResult(state.update, stopped, state.scores)

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

    def _all_updates(self, batches: Iterator[Batch], stop: Callable[[], bool]) -> bool:
        """All updates that are left; True where `stop()` ended them."""
        run, state = self._params.run, self._state
        if state.update == 0:
            self._validate()
        model = self.prepare()
        while state.update < run.iterations:
            if self._processes.any(stop()):
                return True
            if state.update == self._params.optimiser.freeze_updates > 0:
                model = self.prepare()  # from here on the backbone trains too
            self.update(model, batches)
            if run.validate_every and state.update % run.validate_every == 0 and state.update < run.iterations:
                self._validate()
                set_training_mode(self._network, self._params.optimiser, frozen=self._frozen)
            if state.update % run.save_every == 0 and state.update < run.iterations:
                self._save()
        return False

    def prepare(self) -> nn.Module:
        """The network in training mode, as a module of images and points, under DDP where several processes train."""
        set_training_mode(self._network, self._params.optimiser, frozen=self._frozen)
        return self._processes.wrap(SampledFeatures(self._network, self._params.augment.scales), self._device)

    def update(self, model: nn.Module, batches: Iterator[Batch]) -> None:
        """One update: the gradients of this process's images, averaged over all processes, and one optimiser step."""
        params, state, begun = self._params, self._state, time.perf_counter()
        images = params.optimiser.grad_accum // self._processes.size
        samplings = params.sampling.samplings if params.loss.accumulate == "sum" else 1
        losses = []
        set_rates(state.optimiser, state.update, params.run.iterations, params.optimiser)
        state.optimiser.zero_grad(set_to_none=True)
        for k in range(images):
            batch = next(batches)
            self._note_skipped(batch)
            torch.manual_seed(params.run.seed * 2**32 + batch.number)  # dropout too belongs to the draw
            with self._processes.defer_gradient_exchange(model, defer=k + 1 < images):
                wide, windows = self._features(model, batch)
                loss = training_loss(wide[0], wide[1], params.loss, wide[2])
                if len(batch.windows.labels):
                    near = pair_loss(windows[0], windows[1], params.loss, windows[2])
                    loss = loss + params.loss.border_weight * near
                if self._teacher is not None:
                    with torch.no_grad():
                        targets, _ = self._features(self._teacher, batch)
                    loss = loss + params.loss.teacher_weight * teacher_loss(wide[0], targets[0], params.loss)
                state.scaler.scale(loss * (samplings / images)).backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
        if not all(map(math.isfinite, losses)):
            raise ParameterError(
                f"The loss is not finite in update {state.update + 1}.", hint="Lower the rates, or set --clip-grad."
            )
        state.scaler.unscale_(state.optimiser)
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), params.optimiser.clip_grad or float("inf"))
        if not math.isfinite(norm) and not state.scaler.is_enabled():  # the scaler leaves such steps out by itself
            raise ParameterError(
                f"The gradients are not finite in update {state.update + 1}; the weights are those before it.",
                hint="Lower the rates, or leave out the pictures named last in the log.",
            )
        state.scaler.step(state.optimiser)
        state.scaler.update()
        if state.mean is not None:
            state.mean.update(self._network)
        state.update += 1
        mean_loss, seconds = self._processes.mean(float(np.mean(losses))), time.perf_counter() - begun
        log.debug("update %d on %s: loss %.4f, %.3f s", state.update, self._device, mean_loss, seconds)
        self._log.advance(state.update, mean_loss, state.optimiser.param_groups[1]["lr"])
        if state.update % params.run.log_every == 0 and self._processes.first:
            self._log_update(mean_loss, float(norm), seconds, wide)

    def _features(self, model: nn.Module, batch: Batch) -> tuple[Sampled, Sampled]:
        """Features, labels, parts of a batch's samplings and border windows; the head takes all pixels at once."""
        image = torch.from_numpy(batch.image)[None].to(self._device, non_blocking=True)
        points = torch.from_numpy(np.concatenate([batch.points.reshape(-1, 2), batch.windows.points.reshape(-1, 2)]))
        labels, parts, window_labels, window_parts = (
            torch.from_numpy(numbers).to(self._device, non_blocking=True)
            for numbers in (batch.labels, batch.parts, batch.windows.labels, batch.windows.parts)
        )
        kind = {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(self._params.run.amp)
        with torch.autocast(self._device.type, dtype=kind, enabled=kind is not None):
            features = model(image, points[None].to(self._device, non_blocking=True))[0]
        depth, wide, near = features.shape[1], features[: labels.numel()], features[labels.numel() :]
        return (
            (wide.reshape(*labels.shape, depth), labels, parts),
            (near.reshape(*window_labels.shape, depth), window_labels, window_parts),
        )

    @property
    def _frozen(self) -> bool:
        return self._state.update < self._params.optimiser.freeze_updates

    def _draws(self) -> ProcessSampler:
        """This process's draws from the present update on."""
        images, processes = self._params.optimiser.grad_accum, self._processes
        last = self._params.run.iterations * images
        return ProcessSampler(self._state.update * images, last, processes.rank, processes.size)

    def _note_skipped(self, batch: Batch) -> None:
        for reason in batch.skipped:
            self._log.event("skipped", draw=batch.number, reason=reason)
            if not self._skipped:
                self._log.say(f"skipped   {reason} (the log has those that follow)")
            self._skipped += 1

    def _log_update(self, loss: float, norm: float, seconds: float, sampled: Sampled) -> None:
        features, labels, parts = sampled
        pairs = pair_statistics(features[0].detach(), labels[0], self._params.loss, parts[0])
        base, new = (group["lr"] for group in self._state.optimiser.param_groups)
        values = {
            "loss": loss, "gradient_norm": norm, "rate_backbone": base, "rate_new": new, "seconds": seconds,
            "positive_distance": pairs.positive_distance, "negative_distance": pairs.negative_distance,
            "near_negatives": pairs.near_negatives,
        }  # fmt: skip
        self._log.event("update", update=self._state.update, **values)
        self._warn_of_collapse(pairs.positive_distance, pairs.negative_distance)
        self._log.curves({f"train/{name}": value for name, value in values.items()}, self._state.update)

    def _warn_of_collapse(self, *distances: float | None) -> None:
        """Say once that all features have come to lie at one point: no rate brings them apart again."""
        spread = max((distance for distance in distances if distance is not None), default=math.inf)
        self._widest = max(self._widest, spread if math.isfinite(spread) else 0.0)
        if not self._collapsed and spread <= _COLLAPSED * self._widest:
            self._collapsed = True
            self._log.event("collapse", update=self._state.update, distance=spread, before=self._widest)
            self._log.say(
                f"The features have collapsed by update {self._state.update}: distances between pixels are "
                f"{spread:.2g}, and were {self._widest:.2g}. "
                "Stop, and start again with lower rates or another loss (--loss tanh)."
            )

    def _end(self, stopped: bool) -> None:
        if not stopped:
            self._validate()
        self._save()
        name, update, best = "stopped" if stopped else "end", self._state.update, finite(self._state.best)
        self._log.event(name, update=update, best=best, skipped=self._skipped)
        if self._skipped:
            self._log.say(
                f"{counted(self._skipped, 'draw')} met a picture that cannot be trained on; the log names them."
            )

    def _save_before_failing(self) -> None:
        """Keep what was learned before a picture, or the loss, ended the run; the other processes may never come."""
        if self._processes.first and self._state.update > 0:
            with contextlib.suppress(CheckpointError):  # weights that are not finite: the state saved before stays
                self._checkpoints.save()
                self._log.say(f"Saved update {self._state.update}; --resume goes on from there.")

    def _validate(self) -> None:
        if self._processes.first:
            self._checkpoints.validate(self._log)
        self._processes.wait()

    def _save(self) -> None:
        if self._processes.first:
            self._checkpoints.save()
        self._processes.wait()
