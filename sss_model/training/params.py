"""Every number of training, as data: the supplement's recipe by default, other recipes as named presets.

A field's `source` says who chose its default: the paper's supplement or the authors' released program. A field without
one was chosen here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, fields
from typing import Any, Self

from sss_model.errors import ParameterError
from sss_model.params import (
    RELEASED,
    SCALE_RANGE,
    SUPPLEMENT,
    DataSource,
    NetworkParams,
    SamplingParams,
    check_scales,
)
from sss_model.params.fields import Checked, choice, number, several, shown, switch


@dataclass(frozen=True)
class LossParams(Checked):
    """The reading of eq. (1)."""

    loss: str = choice(
        "eq1",
        ("eq1", "eq1-squared", "tanh", "tanh-distance"),
        "Loss",
        source="supplement, eq. (1)",
        help="eq1: as printed; eq1-squared: on squared distances; tanh: the released program's, on squared distances; "
        "tanh-distance: the same on distances",
    )
    distance_scale: float = number(
        128.0, 1e-3, 1e6, "d", source=f"{SUPPLEMENT}; {RELEASED} has 64", log=True, help="what distances are divided by"
    )
    positive_weight: float = number(1.0, 0.0, 1000.0, "Weight of positives", source=f"{SUPPLEMENT}; {RELEASED} has 3")
    negative_weight: float = number(1.0, 0.0, 1000.0, "Weight of negatives", source=SUPPLEMENT)
    projected_weight: float = number(
        0.0,
        0.0,
        1000.0,
        "Weight of the projection",
        help="adds so much of the same loss on the pixels' first three principal components: what viewers show",
    )
    border_weight: float = number(
        1.0, 0.0, 1000.0, "Weight of the borders", help="of the border windows' loss beside that of the samplings"
    )
    teacher: str = choice("", (), "Teacher", help="model file whose features the trained ones stay near; empty: none")
    teacher_weight: float = number(
        1.0, 0.0, 1000.0, "Weight of the teacher", help="of the squared distance to the teacher's features"
    )
    teacher_scales: tuple[float, ...] = several(
        (),
        "Scales of the teacher",
        kind=float,
        unit="times the crop",
        help="at which the teacher sees the crop, so that one scale can learn the mean of several; none: those of the "
        "trained network",
    )
    accumulate: str = choice(
        "sum",
        ("sum", "mean"),
        "Accumulate",
        source=SUPPLEMENT,
        help="whether an update adds the samplings' gradients or averages them",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_scales(self.teacher_scales, "teacher_scales (Scales of the teacher)")

    @property
    def is_distance(self) -> bool:
        """Whether x is a distance rather than its square."""
        return self.loss in ("eq1", "tanh-distance")

    @property
    def is_tanh(self) -> bool:
        """Whether negatives pay -log tanh(x / 2)."""
        return self.loss.startswith("tanh")


@dataclass(frozen=True)
class AugmentParams(Checked):
    """How an image varies from draw to draw."""

    longest: int = number(
        0,
        0,
        16384,
        "Longest side",
        unit="px",
        help="larger images are first reduced to this; 0 leaves them",
    )
    scale_low: float = number(0.5, 0.05, 10.0, "Smallest scale", source=RELEASED)
    scale_high: float = number(1.5, 0.05, 10.0, "Largest scale", source=RELEASED)
    crop: int = number(
        321, 0, 16384, "Crop", unit="px", source=RELEASED, help="side of the random crop; 0 takes the whole image"
    )
    mirror: float = number(0.5, 0.0, 1.0, "Mirror", source=RELEASED, help="chance to mirror left and right")
    colour: float = number(0.0, 0.0, 1.0, "Colour", help="strength of random brightness, contrast, saturation and tint")
    grey: float = number(0.0, 0.0, 1.0, "Grey", help="chance to drop the colours")
    blur: float = number(0.0, 0.0, 1.0, "Blur", help="chance of a slight blur")
    paste: float = number(
        0.0,
        0.0,
        1.0,
        "Paste",
        help="chance that regions of another picture of the same data set are laid over this one",
    )
    scales: tuple[float, ...] = several(
        (1.0,),
        "Scales",
        kind=float,
        unit="times the crop",
        help="the network sees the crop at each of these and the mean of its features is trained, as extraction at "
        f"several scales takes it; 1 to 4 numbers from {SCALE_RANGE[0]:g} to {SCALE_RANGE[1]:g}",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_scales(self.scales)
        if not self.scales:
            raise ParameterError("scales (Scales) must name at least one scale; got none.")


@dataclass(frozen=True)
class OptimiserParams(Checked):
    """How weights move."""

    optimiser: str = choice("sgd", ("sgd", "adamw"), "Optimiser", source=SUPPLEMENT)
    base_rate: float = number(5e-4, 0.0, 10.0, "Rate of the backbone", source=SUPPLEMENT, log=True)
    rate: float = number(5e-3, 0.0, 10.0, "Rate of the new layers", source=SUPPLEMENT, log=True)
    momentum: float = number(0.9, 0.0, 0.9999, "Momentum", source=SUPPLEMENT, help="of SGD; AdamW's first beta")
    weight_decay: float = number(5e-4, 0.0, 10.0, "Weight decay", source=SUPPLEMENT, log=True)
    schedule: str = choice("poly", ("poly", "cosine", "constant"), "Schedule", source=SUPPLEMENT)
    power: float = number(0.9, 0.01, 10.0, "Power of the poly schedule", source=SUPPLEMENT)
    warmup: int = number(
        0,
        0,
        10**6,
        "Warm-up",
        unit="updates",
        help="updates over which a rate grows from 0, after the start and after the backbone's release",
    )
    freeze_updates: int = number(0, 0, 10**7, "Backbone frozen for", unit="updates")
    norm: str = choice(
        "frozen",
        ("frozen", "affine", "train"),
        "Norm layers",
        source=RELEASED,
        help="frozen: stored statistics, gamma and beta fixed; affine: gamma and beta train; train: statistics too",
    )
    grad_accum: int = number(
        1, 1, 10000, "Images an update", source=SUPPLEMENT, help="gradients of so many images are averaged"
    )
    clip_grad: float = number(0.0, 0.0, 1e6, "Clip gradients at", help="largest norm of all gradients; 0 leaves them")
    ema: float = number(
        0.0,
        0.0,
        0.999999,
        "EMA",
        help="decay of the weights' running mean, which is what is kept; 0 is off",
    )


@dataclass(frozen=True)
class RunParams(Checked):
    """How long, where, and what is written down."""

    iterations: int = number(60000, 1, 10**8, "Iterations", unit="updates", source=SUPPLEMENT)
    seed: int = number(0, 0, 2**31 - 1, "Seed")
    device: str = choice("auto", (), "Device", help="auto, cpu, cuda, cuda:N or mps")
    amp: str = choice("off", ("off", "bfloat16", "float16"), "Mixed precision", help="the loss stays in float32")
    workers: int = number(2, 0, 256, "Workers", help="processes that read images; results do not depend on it")
    threads: int = number(0, 0, 1024, "Threads", help="CPU threads of the arithmetic; 0 leaves it to torch")
    deterministic: bool = switch(False, "Deterministic", help="only algorithms that repeat bit for bit; slower on GPUs")
    holdout: float = number(
        0.1,
        0.0,
        0.9,
        "Held-out part",
        help="share of images, chosen by their names, that is never trained on",
    )
    on_bad: str = choice(
        "refuse",
        ("refuse", "skip"),
        "Bad files",
        help="what to do about pairs that are missing, unreadable or do not match",
    )
    validate_every: int = number(1000, 0, 10**7, "Validate every", unit="updates", help="0: only at the end")
    validate_images: int = number(
        100, 0, 10**6, "Images to validate on", help="the first so many held-out ones of each data set"
    )
    validate_longest: int = number(480, 32, 16384, "Longest side in validation", unit="px")
    save_every: int = number(500, 1, 10**7, "Save every", unit="updates")
    log_every: int = number(20, 1, 10**6, "Log every", unit="updates")
    tensorboard: bool = switch(False, "TensorBoard", help="write curves and PCA pictures for TensorBoard")


@dataclass(frozen=True)
class TrainParams:
    """Everything that a training run depends on, in sections; `to_dict` and `from_dict` are its YAML form."""

    data: tuple[DataSource, ...] = ()
    network: NetworkParams = field(default_factory=NetworkParams)
    sampling: SamplingParams = field(default_factory=SamplingParams)
    loss: LossParams = field(default_factory=LossParams)
    augment: AugmentParams = field(default_factory=AugmentParams)
    optimiser: OptimiserParams = field(default_factory=OptimiserParams)
    run: RunParams = field(default_factory=RunParams)

    def __post_init__(self) -> None:
        if self.augment.scale_low > self.augment.scale_high:
            raise ParameterError(
                f"scale_low must not exceed scale_high; got {self.augment.scale_low:g} and {self.augment.scale_high:g}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers."""
        sections: dict[str, Any] = {"data": [_plain(source.to_dict()) for source in self.data]}
        for name in SECTIONS:
            sections[name] = _plain(getattr(self, name).to_dict())
        return sections

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The record with `values`, sections of it missing or partial; unknown names raise `ParameterError`."""
        unknown = sorted(map(str, set(values) - {"data", *SECTIONS}))
        if unknown:
            raise ParameterError(f"Unknown section {', '.join(unknown)}; known are data, {', '.join(SECTIONS)}.")
        sections = {name: kind.from_dict(values.get(name) or {}) for name, kind in SECTIONS.items()}
        sources = values.get("data") or ()
        if not isinstance(sources, list | tuple):
            raise ParameterError(f"The section data must be a list of data sets, got {shown(sources)}.")
        return cls(data=tuple(DataSource.from_dict(source) for source in sources), **sections)

    def with_values(self, values: dict[str, dict[str, Any]]) -> Self:
        """A copy with single fields of sections replaced."""
        changed = {name: dataclasses.replace(getattr(self, name), **part) for name, part in values.items() if part}
        return dataclasses.replace(self, **changed)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


SECTIONS: dict[str, Any] = {f.name: f.default_factory for f in fields(TrainParams) if f.name != "data"}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "paper": {},
    "lite2": {
        "network": {"backbone": "tf_efficientnet_lite2", "output_stride": 32, "tap_scale": "rms",
                    "alignment": "centred", "dropout": 0.0},
        "sampling": {"samplings": 8, "pixels": 300},
        "loss": {"loss": "tanh", "accumulate": "mean"},
        "augment": {"colour": 0.3, "grey": 0.05, "scale_low": 0.6, "scale_high": 1.6, "crop": 320},
        "optimiser": {"optimiser": "adamw", "base_rate": 6e-5, "rate": 7e-4, "weight_decay": 0.01, "warmup": 100,
                      "freeze_updates": 200, "norm": "affine", "clip_grad": 1.0, "ema": 0.999},
        "run": {"iterations": 7000},
    },
    "lite2-second": {
        "network": {"backbone": "tf_efficientnet_lite2", "output_stride": 32, "tap_scale": "rms",
                    "alignment": "centred", "dropout": 0.0},
        "sampling": {"instances": 8, "pixels": 120, "samplings": 2},
        "loss": {"loss": "tanh", "accumulate": "mean", "positive_weight": 3.0},
        "augment": {"colour": 0.3, "grey": 0.05, "scale_low": 0.5, "scale_high": 1.5, "crop": 384},
        "optimiser": {"optimiser": "adamw", "base_rate": 4e-5, "rate": 3e-4, "weight_decay": 0.01, "warmup": 200,
                      "schedule": "cosine", "norm": "affine", "clip_grad": 1.0, "ema": 0.9995},
        "run": {"iterations": 8000},
    },
    "lite2-third": {
        "network": {"backbone": "tf_efficientnet_lite2", "output_stride": 32, "tap_scale": "rms",
                    "alignment": "centred", "dropout": 0.0},
        "sampling": {"instances": 8, "pixels": 100, "samplings": 1, "border_windows": 12, "border_pixels": 40},
        "loss": {"loss": "tanh", "accumulate": "mean", "positive_weight": 3.0, "projected_weight": 0.3,
                 "teacher_weight": 2.0},
        "augment": {"colour": 0.3, "grey": 0.05, "scale_low": 0.7, "scale_high": 1.8, "crop": 400,
                    "scales": (0.5, 1.25)},
        "optimiser": {"optimiser": "adamw", "base_rate": 4e-5, "rate": 2e-4, "weight_decay": 0.01, "warmup": 50,
                      "schedule": "cosine", "norm": "affine", "clip_grad": 1.0, "ema": 0.998},
        "run": {"iterations": 1500, "validate_longest": 640},
    },
}  # fmt: skip
"""Named recipes: `paper` is the supplement's own; `lite2`, `lite2-second` and `lite2-third`, each on from the one
before, made the shipped model. The third needs `--teacher`: the second's result.
"""


def preset(name: str) -> TrainParams:
    """The recipe called `name`.

    Examples
    --------
    >>> preset("lite2").network.backbone
    'tf_efficientnet_lite2'
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise ParameterError(f"No preset is called {shown(name)}; there are {', '.join(PRESETS)}.")
    return TrainParams().with_values(PRESETS[name])
