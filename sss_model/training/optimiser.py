"""How weights move: two groups of parameters, and rates that are a pure function of the update's number."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm  # of every dimension

from sss_model.network.backbone import freeze_norm_layers
from sss_model.network.grid_maps import FeatureNet
from sss_model.training.params import OptimiserParams


def build_optimiser(network: FeatureNet, params: OptimiserParams) -> torch.optim.Optimizer:
    """SGD or AdamW over two groups, the backbone's parameters (first) and the new layers'."""
    norm = {id(p) for p in _norm_parameters(network.backbone)} if params.norm == "frozen" else set()
    backbone = [p for p in network.backbone.parameters() if id(p) not in norm]
    groups = [
        {"params": backbone, "lr": params.base_rate, "name": "backbone"},
        {"params": list(network.head_parameters()), "lr": params.rate, "name": "new"},
    ]
    kind = torch.optim.AdamW if params.optimiser == "adamw" else torch.optim.SGD
    return kind(groups, **_constants(params))


def _constants(params: OptimiserParams) -> dict[str, Any]:
    """What stays the same from update to update, as the optimiser calls it."""
    momentum = {"betas": (params.momentum, 0.999)} if params.optimiser == "adamw" else {"momentum": params.momentum}
    return {**momentum, "weight_decay": params.weight_decay}


def set_constants(optimiser: torch.optim.Optimizer, params: OptimiserParams) -> None:
    """Give the optimiser's groups momentum and weight decay of `params`, in place of those of a state it has read."""
    for group in optimiser.param_groups:
        group.update(_constants(params))


def rates(update: int, total: int, params: OptimiserParams) -> tuple[float, float]:
    """Learning rates (backbone, new layers) of update `update` (0-based) of `total`.

    Examples
    --------
    >>> from sss_model.training.params import OptimiserParams
    >>> [round(rate, 6) for rate in rates(30_000, 60_000, OptimiserParams())]  # halfway, poly schedule of power 0.9
    [0.000268, 0.002679]
    """
    done = min(update / max(total, 1), 1.0)
    if params.schedule == "poly":
        factor = (1 - done) ** params.power
    elif params.schedule == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * done))
    else:
        factor = 1.0
    since = update - params.freeze_updates
    base = params.base_rate * factor * _ramp(since, params.warmup) if since >= 0 else 0.0
    return base, params.rate * factor * _ramp(update, params.warmup)


def _ramp(update: int, length: int) -> float:
    return min(1.0, (update + 1) / length) if length else 1.0


def set_rates(optimiser: torch.optim.Optimizer, update: int, total: int, params: OptimiserParams) -> None:
    """Give the optimiser's groups their rates for `update`."""
    for group, rate in zip(optimiser.param_groups, rates(update, total, params), strict=True):
        group["lr"] = rate


def set_training_mode(network: FeatureNet, params: OptimiserParams, *, frozen: bool) -> None:
    """Training mode, except what `params` keep still: norm layers' statistics and weights, or the whole backbone."""
    network.train()
    for parameter in network.backbone.parameters():
        parameter.requires_grad_(not frozen)
    if params.norm == "frozen":
        for parameter in _norm_parameters(network.backbone):
            parameter.requires_grad_(False)
    if params.norm != "train" or frozen:
        freeze_norm_layers(network.backbone)


@torch.no_grad()
def measure_norm_statistics(network: FeatureNet, images: Iterable[Tensor]) -> None:
    """Set the stored statistics of the backbone's batch norm layers to what `images` (N, 3, H, W) show.

    A backbone with random weights needs this before its statistics can be frozen: stored as they are created (mean 0,
    variance 1), its maps grow from layer to layer until nothing is finite.
    """
    layers = [m for m in network.backbone.modules() if isinstance(m, BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over the images
        layer.train()
    for image in images:
        network.branches(image)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()


def _norm_parameters(module: nn.Module) -> Iterable[nn.Parameter]:
    for layer in module.modules():
        if isinstance(layer, (BatchNorm, nn.LayerNorm, nn.GroupNorm)):
            yield from layer.parameters(recurse=False)


class ExponentialMovingAverage:
    """Exponential moving average of a network's weights and statistics (EMA).

    Early on the decay is (1 + n) / (10 + n), so that the first, random weights are soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the weights of `network`."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value.to(self.values[name].dtype), 1 - decay)
            else:
                self.values[name].copy_(value)

    def swap(self, network: nn.Module) -> None:
        """Exchange the mean's weights and the network's; a second call undoes the first."""
        for name, value in network.state_dict().items():
            network_value = value.detach().clone()
            value.copy_(self.values[name])
            self.values[name].copy_(network_value)

    def state_dict(self) -> dict[str, object]:
        """What `load_state_dict` takes back."""
        return {"updates": self.updates, "values": self.values}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from `state`."""
        self.updates = int(state["updates"])  # type: ignore[call-overload]
        values: dict[str, Tensor] = state["values"]  # type: ignore[assignment]
        for name, value in values.items():
            self.values[name].copy_(value)
