"""What sampling before the head saves: a training step as it is taken, against the literal one.

The literal step upsamples and concatenates every branch at full resolution, runs the 1x1 layers on every pixel and then
gathers the sampled ones. Both give the same features, so their gradients differ by rounding only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.training.loss import training_loss
from sss_model.training.optimiser import set_training_mode
from sss_model.training.params import TrainParams


@dataclass(frozen=True)
class StepComparison:
    """Seconds of processor time of each step (best of several), the literal one's share, the gradients' difference.

    `gradient_difference` is |g - g'| / |g'| over all parameters that are trained.
    """

    sampled: float
    literal: float
    gradient_difference: float

    @property
    def times_faster(self) -> float:
        """How many sampled steps the literal one takes."""
        return self.literal / self.sampled


def compare_steps(params: TrainParams, *, side: int = 320, repeats: int = 3, double: bool = False) -> StepComparison:
    """Take the step of `params` on a random image of `side` x `side` pixels both ways.

    Parameters
    ----------
    params : network, sampling, loss and what is frozen; dropout is left out, whose noise would differ
    repeats : the best of so many is reported
    double : compute in float64, where the gradients agree far closer than float32 can tell
    """
    dtype = torch.float64 if double else torch.float32
    torch.manual_seed(params.run.seed)
    network = build_network(replace(params.network, dropout=0.0)).to(dtype)
    set_training_mode(network, params.optimiser, frozen=False)
    image = torch.rand(1, 3, side, side, dtype=dtype)
    sampling = params.sampling
    labels = torch.arange(sampling.instances).repeat_interleave(sampling.pixels).repeat(sampling.samplings, 1)
    points = torch.randint(0, side, (1, labels.numel(), 2))

    def step(features: Callable[[], Tensor]) -> tuple[float, Tensor]:
        best = float("inf")
        for _ in range(repeats):
            network.zero_grad(set_to_none=True)
            begun = time.process_time()
            loss = training_loss(features().reshape(*labels.shape, -1), labels, params.loss)
            loss.backward()  # type: ignore[no-untyped-call]
            best = min(best, time.process_time() - begun)
        return best, _gradient(network)

    sampled, one = step(lambda: network.features_at(network.branches(image), points)[0])
    literal, two = step(lambda: network.literal(image)[0, :, points[0, :, 1], points[0, :, 0]].T)
    return StepComparison(sampled, literal, float((one - two).norm() / two.norm()))


def _gradient(network: FeatureNet) -> Tensor:
    """All gradients as one vector."""
    return torch.cat([p.grad.reshape(-1) for p in network.parameters() if p.grad is not None])
