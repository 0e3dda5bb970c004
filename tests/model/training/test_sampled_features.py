"""Features at sampled pixels, at one scale and as the mean of several."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_sets import small_params

from sss_model.errors import ParameterError
from sss_model.filtering.resize import resize
from sss_model.network.build import build_network
from sss_model.training.params import AugmentParams
from sss_model.training.sampled_features import SampledFeatures


def test_one_scale_is_the_network_itself() -> None:
    network = build_network(small_params().network).eval()
    image, points = torch.rand(1, 3, 40, 56), torch.tensor([[[3, 4], [55, 39], [0, 0]]])
    with torch.no_grad():
        found = SampledFeatures(network)(image, points)
        dense = network(image)
    torch.testing.assert_close(found[0], dense[0, :, points[0, :, 1], points[0, :, 0]].T, atol=1e-5, rtol=1e-4)


def test_several_scales_are_the_mean_of_the_dense_maps() -> None:
    """What extraction does: the picture resized, dense features resized back, averaged; smooth away from borders."""
    network = build_network(small_params().network).eval()
    y, x = np.mgrid[:64, :96].astype(np.float32)
    picture = np.stack([np.sin(x / 15), np.cos(y / 13), np.sin((x + y) / 20)]) / 2 + 0.5
    image = torch.from_numpy(picture)[None]
    points = torch.tensor([[[20, 20], [48, 32], [70, 40], [33, 41]]])
    with torch.no_grad():
        found = SampledFeatures(network, (0.5, 1.0))(image, points)[0].numpy()
        small = torch.from_numpy(resize(picture.transpose(1, 2, 0), (32, 48)).transpose(2, 0, 1).copy())[None]
        coarse = resize(np.ascontiguousarray(network(small)[0].permute(1, 2, 0).numpy()), (64, 96))
        mean = (coarse + network(image)[0].permute(1, 2, 0).numpy()) / 2
    wanted = mean[points[0, :, 1].numpy(), points[0, :, 0].numpy()]
    assert np.abs(found - wanted).max() < 0.05 * np.abs(wanted).max()
    half = SampledFeatures(network, (0.5,))(image, points)[0].detach().numpy()
    assert np.abs(half - wanted).max() > np.abs(found - wanted).max(), "one scale alone is something else"


@pytest.mark.parametrize("scales", [(), (1.0, 1.0), (0.01,)])
def test_scales_are_checked(scales: tuple[float, ...]) -> None:
    with pytest.raises(ParameterError, match="scales"):
        AugmentParams(scales=scales)
