"""Relevant component analysis: a matrix in the last layer, and how features vary within regions because of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import relevant_components as rca
import torch
from made_sets import folder_set
from small_models import small_checkpoint

from sss_model.weights.checkpoint import load_network, write_checkpoint


def pieces(count: int = 20) -> list[rca.Piece]:
    """Two regions a crop that lie apart along the first axis and wander along the second; void is anywhere."""
    rng = np.random.default_rng(0)
    numbers = np.repeat([[1, 1], [2, 2], [-1, -1]], 40, axis=0)
    made = []
    for _ in range(count):
        values = rng.normal(0, (0.2, 3.0, 1.0), (120, 3))
        values[:, 0] += numbers[:, 0]
        values[80:] = rng.normal(0, 50, (40, 3))
        made.append((values, numbers))
    return made


def test_scatter_within_regions_leaves_out_void_and_the_way_between_regions() -> None:
    within, whole, regions = rca.scatters(pieces())
    assert regions == 40
    assert np.sqrt(np.diag(within)) == pytest.approx([0.2, 3.0, 1.0], rel=0.05)
    assert np.trace(whole) > 10 * np.trace(within)


def test_full_power_evens_regions_out_and_none_changes_nothing() -> None:
    within, whole, _ = rca.scatters(pieces())
    matrix = rca.weighing(within, whole, 1.0, 0.0)
    evened = matrix @ within @ matrix
    assert evened == pytest.approx(evened[0, 0] * np.eye(3), abs=1e-9 * evened[0, 0])
    assert np.trace(matrix @ whole @ matrix) == pytest.approx(np.trace(whole))
    assert rca.weighing(within, whole, 0.0, 0.3) == pytest.approx(np.eye(3))


def test_no_region_is_said() -> None:
    values, numbers = pieces(1)[0]
    with pytest.raises(SystemExit, match="at least 8 pixels"):
        rca.scatters([(values, np.full_like(numbers, -1))])


def test_a_model_file_with_evened_features_is_the_old_one_times_a_matrix(tmp_path) -> None:
    network, _ = small_checkpoint()
    write_checkpoint(tmp_path / "old.safetensors", network, {"command": "made"}, half=False)
    folder_set(tmp_path / "set", 24)
    config = tmp_path / "recipe.yaml"
    config.write_text(
        f"data: [{tmp_path / 'set'}]\nsampling: {{instances: 3, pixels: 40, samplings: 1}}\naugment: {{crop: 48}}\n"
    )
    command = [str(tmp_path / "old.safetensors"), str(tmp_path / "new.safetensors"), "--config", str(config)]
    assert rca.main([*command, "--crops", "6", "--power", "1"]) == 0
    new, checkpoint = load_network(tmp_path / "new.safetensors")
    assert checkpoint.metadata["command"] == "made"
    assert checkpoint.metadata["relevant_components"]["regions"] >= 12
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, after = (net(image)[0].flatten(1).double() for net in (network, new))
    matrix = torch.linalg.lstsq(before.T, after.T).solution
    assert torch.allclose(before.T @ matrix, after.T, atol=1e-2 * float(after.abs().max()))
    assert float((after - before).abs().max()) > 0.1 * float(before.abs().max())


def test_folding_multiplies_features() -> None:
    network = copy.deepcopy(small_checkpoint()[0])
    matrix = np.random.default_rng(1).normal(size=(8, 8))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = network(image)[0]
        rca.fold(network, matrix)
        after = network(image)[0]
    expected = torch.einsum("ij,jhw->ihw", torch.from_numpy(matrix).float(), before)
    assert torch.allclose(after, expected, atol=1e-4 * float(expected.abs().max()))
