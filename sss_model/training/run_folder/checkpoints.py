"""What a training run leaves in its folder: its best and last model, and the state that a resumed run goes on from.

A resumed run equals an unbroken one: the state holds weights, optimiser, averages and random generators. Only the first
process writes.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import torch

from sss_model.datasets.dataset import Dataset
from sss_model.errors import CheckpointError
from sss_model.network.grid_maps import FeatureNet
from sss_model.storage.atomic_write import reason, replacing
from sss_model.training.optimiser import ExponentialMovingAverage, set_constants
from sss_model.training.params import OptimiserParams, TrainParams
from sss_model.training.run_folder.file_names import BEST_MODEL, LAST_MODEL, LAST_STATE
from sss_model.training.run_folder.log import TrainLog
from sss_model.training.validation import Score, pca_pictures, validate
from sss_model.weights.checkpoint import check_finite, check_fit, write_checkpoint

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
    with replacing(path, CheckpointError, needs=_size(content)) as temporary, temporary.open("xb") as file:
        stream = _NotingStream(file)
        try:
            torch.save(content, cast("IO[bytes]", stream))
        except RuntimeError:
            if stream.refusal is not None:  # torch says no more than that it lost count
                raise stream.refusal from None
            raise


def _size(content: Any) -> int:
    """Bytes of the tensors in `content`, however deep."""
    if isinstance(content, torch.Tensor):
        return content.nbytes
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, (list, tuple)) else ()
    return sum(map(_size, parts))


class _NotingStream:
    """Writes to `file` and keeps what the system refused."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.refusal: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.refusal = error
            raise

    def flush(self) -> None:
        self._file.flush()


def read_state(path: Path) -> dict[str, Any]:
    """The content of a state file, read without executing anything in it.

    Raises
    ------
    CheckpointError : no such file, not one of this program, or one with a part missing or of another kind
    """
    if not path.is_file():
        raise CheckpointError(
            f"There is no training state at {path}.",
            hint=f"A run writes {LAST_STATE} into its output folder.",
            missing=True,
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except OSError as error:
        raise CheckpointError(f"The training state {path} cannot be read: {reason(error)[0]}.") from error
    except Exception as error:  # on damaged bytes the reader raises anything
        raise CheckpointError(f"{path} is not a training state, or is damaged.") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is not a training state of this program (format {_FORMAT}).")
    _check_kinds(content, path.name)
    return content


def restore_state(content: dict[str, Any], state: TrainState, params: OptimiserParams, source: str) -> None:
    """Put `content` of `read_state` into `state`, random generators included; momentum and decay are those of `params`.

    All is checked before anything is changed: what is refused leaves `state` as it was.

    Raises
    ------
    CheckpointError : the weights are of another network or not finite, the run had other moving parts, or is damaged
    """
    _check_kinds(content, source)
    before = content["params"]["optimiser"]["optimiser"]
    if before != params.optimiser:
        raise CheckpointError(
            f"{source} was written by the optimiser {before}; it cannot go on with {params.optimiser}."
        )
    check_fit(state.network, content["network"], source)
    check_finite(content["network"], source)
    mean = content["mean"]
    if (mean is None) != (state.mean is None):
        raise CheckpointError(f"{source} was written {'without' if mean is None else 'with'} EMA; resume it so.")
    if mean is not None:
        check_fit(state.network, mean["values"], f"the EMA of {source}")
        check_finite(mean["values"], f"the EMA of {source}")
    _restore_machinery(content, state, source)
    set_constants(state.optimiser, params)
    state.network.load_state_dict(content["network"])
    if state.mean is not None:
        state.mean.load_state_dict(mean)
    state.update, state.best = content["update"], float(content["best"])
    state.scores = {name: Score(**score) for name, score in content.get("scores", {}).items()}  # older files have none
    state.scored = content.get("scored")


_SCORE = {f.name for f in fields(Score)}
_SCORE_ALWAYS = {"images", "features", "taps"}  # the others came later: older files have none


def _check_kinds(content: dict[str, Any], source: str) -> None:
    """Raise `CheckpointError` where a part of `content` is missing or of another type than `save_state` writes."""
    number, whole = (int, float), int
    parts: dict[str, Any] = {
        "params": dict, "network": dict, "optimiser": dict, "scaler": dict, "mean": (dict, type(None)), "update": whole,
        "best": number, "random": torch.Tensor, "random_cuda": list,
    }  # fmt: skip
    wrong = [name for name, kind in parts.items() if name not in content or not isinstance(content[name], kind)]
    mean, scores, section = content.get("mean"), content.get("scores", {}), content.get("params")
    if isinstance(mean, dict) and not (isinstance(mean.get("updates"), int) and isinstance(mean.get("values"), dict)):
        wrong.append("mean")
    if not isinstance(scores, dict) or not all(
        isinstance(score, dict) and _SCORE_ALWAYS <= set(score) <= _SCORE for score in scores.values()
    ):
        wrong.append("scores")
    if not isinstance(content.get("scored"), int | None):
        wrong.append("scored")
    recipe = section.get("optimiser") if isinstance(section, dict) else None
    if not isinstance(recipe, dict) or recipe.get("optimiser") not in ("sgd", "adamw"):
        wrong.append("params")
    if not wrong and not 0 <= content["update"] < 2**63:
        wrong.append("update")
    if not wrong and isinstance(content["best"], int) and abs(content["best"]) >= 2**63:  # no float holds some of them
        wrong.append("best")
    if wrong:
        named = ", ".join(dict.fromkeys(wrong))
        raise CheckpointError(
            f"{source} is a training state, but damaged: {named} is missing or of another kind.",
            hint="Resume from another copy, or start from its model with --init-weights.",
        )


def _restore_machinery(content: dict[str, Any], state: TrainState, source: str) -> None:
    """Optimiser, scaler and random generators: all of them, or after a `CheckpointError` none."""
    optimiser, scaler = copy.deepcopy(state.optimiser.state_dict()), state.scaler.state_dict()
    random = torch.get_rng_state()
    try:
        state.optimiser.load_state_dict(content["optimiser"])
        _check_moments(state.optimiser)
        if content["scaler"]:  # empty where that run had no float16
            state.scaler.load_state_dict(content["scaler"])
        torch.set_rng_state(content["random"])
        if content["random_cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(content["random_cuda"])
    except Exception as error:  # torch checks as it goes, and raises anything
        state.optimiser.load_state_dict(optimiser)
        state.scaler.load_state_dict(scaler)
        torch.set_rng_state(random)
        raise CheckpointError(
            f"The state of the optimiser or of the random generators in {source} does not fit, or is damaged."
        ) from error


def _check_moments(optimiser: torch.optim.Optimizer) -> None:
    """Raise ValueError where what an optimiser remembers of a weight has another shape, or is not finite."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            for value in optimiser.state.get(parameter, {}).values():
                if isinstance(value, torch.Tensor) and not (
                    value.shape in (parameter.shape, torch.Size()) and bool(value.isfinite().all())
                ):
                    raise ValueError(f"a moment of the shape {tuple(value.shape)}")


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

        def rounded(field: str) -> dict[str, float]:
            told = {name: getattr(score, field) for name, score in self.state.scores.items()}
            return {name: round(value, 4) for name, value in told.items() if value is not None}

        return {
            "update": self.state.update,
            "auc": rounded("features"),
            "edge_auc": rounded("edge"),
            "click_iou": rounded("clicks"),
            "auc_update": self.state.scored,
        }


def _mean_score(scores: dict[str, Score]) -> float:
    """What the best model is best at: the mean of pair AUC and edge AUC over the data sets."""
    told = [
        score.features if score.edge is None else (score.features + score.edge) / 2
        for score in scores.values()
        if score.features is not None
    ]
    return float(np.mean(told)) if told else float("-inf")


def _report(log: TrainLog, update: int, mean: float, scores: dict[str, Score]) -> None:
    for name, score in scores.items():
        values = {
            "auc": score.features, "auc_taps": score.taps, "edge_auc": score.edge, "drift": score.drift,
            "click_iou_1": score.click, "click_iou_5": score.clicks,
        }  # fmt: skip
        log.curves({f"{kind}/{name}": value for kind, value in values.items()}, update)
    log.event("validation", update=update, auc=finite(mean), sets={n: vars(s) for n, s in scores.items()})
    log.say(f"update {update}: mean AUC {mean:.4f}  " + "  ".join(f"{n} {s}" for n, s in scores.items()))


def finite(value: float) -> float | None:
    """`value` as JSON can say it."""
    return value if math.isfinite(value) else None
