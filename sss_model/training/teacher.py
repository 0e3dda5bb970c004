"""A fixed model whose features the trained one keeps: what it has learned is not forgotten while something is added.

Distillation of features (Li and Hoiem 2016, "Learning without forgetting"; Romero et al. 2015): beside eq. (1), a
sampled pixel pays for the distance between its feature and the one that the teacher gives it in the same crop.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sss_model.errors import ParameterError
from sss_model.network.grid_maps import FeatureNet
from sss_model.training.params import LossParams, TrainParams
from sss_model.training.sampled_features import SampledFeatures
from sss_model.weights.checkpoint import load_network


def load_teacher(params: TrainParams, network: FeatureNet, device: torch.device) -> SampledFeatures | None:
    """The teacher that `params.loss` names, on `device` in evaluation mode; None where none is named.

    Parameters
    ----------
    network : the one that is trained

    Raises
    ------
    CheckpointError : the model file cannot be read
    ParameterError : its features have another dimension than those of `network`
    """
    loss = params.loss
    if not loss.teacher:
        return None
    teacher, checkpoint = load_network(loss.teacher)
    if teacher.feature_channels != network.feature_channels:
        raise ParameterError(
            f"The teacher {checkpoint.path.name} has {teacher.feature_channels} feature channels; "
            f"expected {network.feature_channels}, as the trained network has."
        )
    teacher.requires_grad_(False)
    return SampledFeatures(teacher.to(device), loss.teacher_scales or params.augment.scales).eval()


def teacher_loss(features: Tensor, targets: Tensor, params: LossParams) -> Tensor:
    """Mean over pixels of |f_p - t_p|^2 / d, in the units of eq. (1) on squared distances.

    Parameters
    ----------
    features, targets : (..., D) floating, the second the teacher's; the gradient flows into the first

    Examples
    --------
    >>> float(teacher_loss(torch.zeros(3, 128), torch.ones(3, 128), LossParams()))
    1.0
    """
    return (features.float() - targets.float()).square().sum(-1).mean() / params.distance_scale
